"""Where Apple's list and the inventory differ: three lists, and what a person decides about them."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.applesync.models import AppleDevice
from homeroom.applesync.queries import connections
from homeroom.applesync.queries import reconciliation as queries
from homeroom.applesync.reconciliation import reports
from homeroom.applesync.reconciliation.filters import InAppleFilter, InInventoryFilter, NearMatchFilter
from homeroom.applesync.reconciliation.forms import AddFromAppleForm, AddManyForm
from homeroom.applesync.reconciliation.tables import InAppleTable, InInventoryTable, NearMatchTable
from homeroom.applesync.verbs import reconciliation as verbs
from homeroom.inventory.exports.views import export_response
from homeroom.inventory.views.lists import paged
from homeroom.web.errors import Refused
from homeroom.web.keys import keys_of


@requires(Permission.VIEW_SYNC)
def overview(request: ViewerRequest) -> HttpResponse:
    in_inventory = queries.in_inventory_not_in_apple(request.viewer)
    counts = {
        "in_apple": queries.in_apple_not_in_inventory(request.viewer).count(),
        "in_inventory": in_inventory.count(),
        "retired": in_inventory.filter(queries.is_retired()).count(),
        "near": queries.near_matches(request.viewer).count(),
    }
    return render(request, "applesync/reconciliation/overview.html", counts | _compared(request))


@requires(Permission.VIEW_SYNC)
def in_apple(request: ViewerRequest) -> HttpResponseBase:
    found = InAppleFilter(request.GET, queries.in_apple_not_in_inventory(request.viewer), request=request)
    rows = queries.with_near_device(found.qs).select_related("connection").defer("connection__private_key")
    count = found.qs.count()
    table = paged(InAppleTable, rows, request, found=found.qs, count=count, order_by="serial_number")
    if "format" in request.GET:
        return export_response(reports.IN_APPLE, table.data.data, request.viewer, request.GET["format"])
    may_add = request.viewer.may(Permission.EDIT_INVENTORY)
    context = {"table": table, "filter": found, "may_add": may_add, "may_add_all": _may_add_all(request)}
    return render(request, "applesync/reconciliation/in_apple.html", context | _compared(request))


@requires(Permission.VIEW_SYNC)
def in_inventory(request: ViewerRequest) -> HttpResponseBase:
    found = InInventoryFilter(request.GET, queries.in_inventory_not_in_apple(request.viewer), request=request)
    rows = queries.with_reason(found.qs).select_related("site", "status")
    count = found.qs.count()
    table = paged(InInventoryTable, rows, request, found=found.qs, count=count, order_by="asset_tag")
    if "format" in request.GET:
        return export_response(reports.IN_INVENTORY, table.data.data, request.viewer, request.GET["format"])
    context = {
        "table": table,
        "filter": found,
        "retired": found.qs.filter(queries.is_retired()).count(),
    }
    return render(request, "applesync/reconciliation/in_inventory.html", context | _compared(request))


@requires(Permission.VIEW_SYNC)
def near_matches(request: ViewerRequest) -> HttpResponseBase:
    found = NearMatchFilter(request.GET, queries.near_matches(request.viewer), request=request)
    rows = found.qs.select_related("site", "status")
    table = paged(NearMatchTable, rows, request, count=found.qs.count(), order_by="asset_tag")
    if "format" in request.GET:
        return export_response(reports.NEAR, table.data.data, request.viewer, request.GET["format"])
    context = {"table": table, "filter": found}
    return render(request, "applesync/reconciliation/near_matches.html", context | _compared(request))


@requires(Permission.EDIT_INVENTORY)
def add(request: ViewerRequest, pk: int) -> HttpResponse:
    """One device into the inventory, from a prefilled form."""
    rows = queries.in_apple_not_in_inventory(request.viewer).select_related("connection")
    apple = get_object_or_404(queries.with_near_device(rows).defer("connection__private_key"), pk=pk)
    form = AddFromAppleForm(request.POST or None, apple=apple, viewer=request.viewer)
    if request.method == "POST" and form.is_valid():
        try:
            device = verbs.add_to_inventory(apple, actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(
                request,
                _("%(device)s is in the inventory now; the next sync brings its coverage.")
                % {"device": device},
            )
            return redirect("applesync:in-apple" if "another" in request.POST else device)
    return render(request, "applesync/reconciliation/add.html", {"form": form, "apple": apple})


@requires(Permission.EDIT_INVENTORY)
def add_many(request: ViewerRequest) -> HttpResponse:
    """The chosen ones, or all that the list's filter leaves; which of them stands in the address."""
    rows = _chosen(request)
    addable = verbs.addable(rows)
    count = addable.count()
    form = AddManyForm(request.POST or None, viewer=request.viewer)
    if request.method == "POST" and form.is_valid() and _still(request, count):
        try:
            number = verbs.add_many_to_inventory(rows, actor=request.viewer.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            sentence = ngettext(
                "%(number)s device is in the inventory now; the next sync brings its coverage.",
                "%(number)s devices are in the inventory now; the next sync brings their coverage.",
                number,
            )
            messages.success(request, sentence % {"number": number})
            return redirect("applesync:in-apple")
    context = {"form": form, "count": count, "near": rows.count() - count, "first": addable[:5]}
    return render(request, "applesync/reconciliation/add_many.html", context)


@require_POST
@requires(Permission.EDIT_INVENTORY)
def take(request: ViewerRequest, pk: int) -> HttpResponse:
    device = get_object_or_404(queries.near_matches(request.viewer), pk=pk)
    apple = get_object_or_404(queries.in_apple_not_in_inventory(request.viewer), pk=device.apple_id)  # type: ignore[attr-defined]
    try:
        verbs.take_spelling(device, apple, actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(
            request,
            _("%(device)s has the serial number %(serial)s now, and is matched with Apple.")
            % {"device": device.asset_tag or apple, "serial": apple},
        )
    return redirect("applesync:near-matches")


@requires(Permission.EDIT_INVENTORY)
def take_all(request: ViewerRequest) -> HttpResponse:
    """Apple's spelling for all in the filter that differ by case and white space alone."""
    matches = NearMatchFilter(request.GET, queries.near_matches(request.viewer), request=request).qs
    found = verbs.sorted_matches(matches)
    if request.method == "POST" and _still(request, len(found.harmless)):
        try:
            number = verbs.take_spellings(matches, actor=request.viewer.actor)
        except Refused as refusal:
            messages.error(request, refusal.sentence)
        else:
            sentence = ngettext(
                "%(number)s device has Apple's spelling now, and is matched.",
                "%(number)s devices have Apple's spelling now, and are matched.",
                number,
            )
            messages.success(request, sentence % {"number": number})
        return redirect("applesync:near-matches")
    context = {"count": len(found.harmless), "left": found.left, "first": found.harmless[:5]}
    return render(request, "applesync/reconciliation/take_all.html", context)


def _compared(request: ViewerRequest) -> dict[str, object]:
    """With which of Apple's lists the inventory is compared."""
    return {"connections": list(connections.connections(request.viewer).filter(active=True))}


def _may_add_all(request: ViewerRequest) -> bool:
    """Apple's unmatched devices belong to no site: all of them at once is for those who see every site."""
    return request.viewer.may(Permission.EDIT_INVENTORY) and request.viewer.site_ids is None


def _chosen(request: ViewerRequest) -> QuerySet[AppleDevice]:
    rows = queries.in_apple_not_in_inventory(request.viewer)
    if "all" in request.GET:
        if not _may_add_all(request):
            raise PermissionDenied
        filtered: QuerySet[AppleDevice] = InAppleFilter(request.GET, rows, request=request).qs
        return filtered
    return rows.filter(pk__in=keys_of(request.GET.getlist("chosen")))


def _still(request: ViewerRequest, count: int) -> bool:
    """Whether what is decided is what was shown: a sync may have changed the list meanwhile."""
    if request.POST.get("count") == str(count):
        return True
    messages.warning(request, _("The list has changed meanwhile. Look at it again, then decide."))
    return False


urlpatterns = [
    path("reconciliation/", overview, name="reconciliation"),
    path("reconciliation/in-apple-not-in-inventory/", in_apple, name="in-apple"),
    path("reconciliation/in-apple-not-in-inventory/add/", add_many, name="add-many"),
    path("reconciliation/in-apple-not-in-inventory/<int:pk>/add/", add, name="add-from-apple"),
    path("reconciliation/in-inventory-not-in-apple/", in_inventory, name="in-inventory"),
    path("reconciliation/near-matches/", near_matches, name="near-matches"),
    path("reconciliation/near-matches/take-all/", take_all, name="take-all-spellings"),
    path("reconciliation/near-matches/<int:pk>/take/", take, name="take-spelling"),
]
