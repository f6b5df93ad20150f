"""The desk: giving devices out and taking them back. Each page is a search and a button per answer."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.inventory import queries
from homeroom.inventory.forms import AssignmentKindForm
from homeroom.inventory.models import Device, Person
from homeroom.inventory.verbs import assignments as verbs
from homeroom.web.errors import Refused
from homeroom.web.keys import key_of
from homeroom.web.returning import next_address

MOST_ANSWERS = 20


@requires(Permission.ASSIGN_DEVICES)
def check_out(request: ViewerRequest, pk: int) -> HttpResponse:
    device = _visible_device(request, pk)
    kind = AssignmentKindForm(request.POST or None)
    if request.method == "POST" and kind.is_valid():
        person = _chosen_person(request)
        try:
            verbs.check_out(device, person, kind=kind.cleaned_data["kind"], actor=request.viewer.actor)
        except Refused as refusal:
            messages.error(request, refusal.sentence)
        else:
            messages.success(
                request, _("%(device)s is with %(person)s now.") % {"device": device, "person": person}
            )
            return redirect(device)
    return _person_page(request, device, title=_("Check out"), kind=kind)


@requires(Permission.ASSIGN_DEVICES)
def transfer(request: ViewerRequest, pk: int) -> HttpResponse:
    device = _visible_device(request, pk)
    if request.method == "POST":
        person = _chosen_person(request)
        try:
            verbs.transfer(device, person, actor=request.viewer.actor)
        except Refused as refusal:
            messages.error(request, refusal.sentence)
        else:
            messages.success(
                request, _("%(device)s is with %(person)s now.") % {"device": device, "person": person}
            )
            return redirect(device)
    return _person_page(request, device, title=_("Transfer"))


@require_POST
@requires(Permission.ASSIGN_DEVICES)
def check_in(request: ViewerRequest, pk: int) -> HttpResponse:
    device = _visible_device(request, pk)
    try:
        ended = verbs.check_in(device, actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(
            request, _("%(device)s is back from %(person)s.") % {"device": device, "person": ended.person}
        )
    return redirect(next_address(request) or device)


@requires(Permission.ASSIGN_DEVICES)
def loaner(request: ViewerRequest, pk: int) -> HttpResponse:
    device = _visible_device(request, pk)
    if request.method == "POST":
        chosen = get_object_or_404(_devices(request), pk=key_of(request.POST.get("loaner")))
        try:
            lent = verbs.swap_for_loaner(device, chosen, actor=request.viewer.actor)
        except Refused as refusal:
            messages.error(request, refusal.sentence)
        else:
            messages.success(
                request,
                _("%(person)s has the loaner %(device)s.") % {"person": lent.person, "device": chosen},
            )
            return redirect(next_address(request) or device)
    words = request.GET.get("q", "").strip()
    loaners = queries.search_devices(queries.possible_loaners(request.viewer, device), words)
    answers = list(loaners[: MOST_ANSWERS + 1])
    return render(
        request,
        "inventory/loaner.html",
        {
            "device": device,
            "words": words,
            "answers": answers[:MOST_ANSWERS],
            "more": len(answers) > MOST_ANSWERS,
            "assignment": queries.open_assignment(device),
            "next": next_address(request),
        },
    )


def _person_page(
    request: ViewerRequest, device: Device, *, title: str, kind: AssignmentKindForm | None = None
) -> HttpResponse:
    words = request.GET.get("q", "").strip()
    answers: list[Person] = []
    if words:
        active = queries.visible_people(request.viewer).filter(active=True).select_related("site")
        answers = list(queries.search_people(active, words)[: MOST_ANSWERS + 1])
    return render(
        request,
        "inventory/choose_person.html",
        {
            "device": device,
            "title": title,
            "kind": kind,
            "words": words,
            "answers": answers[:MOST_ANSWERS],
            "more": len(answers) > MOST_ANSWERS,
            "assignment": queries.open_assignment(device),
        },
    )


def _devices(request: ViewerRequest) -> QuerySet[Device]:
    return queries.visible_devices(request.viewer).select_related("site", "status")


def _visible_device(request: ViewerRequest, pk: int) -> Device:
    return get_object_or_404(_devices(request), pk=pk)


def _chosen_person(request: ViewerRequest) -> Person:
    return get_object_or_404(queries.visible_people(request.viewer), pk=key_of(request.POST.get("person")))
