"""Reports on a schedule: who gets which report by mail, when, and what became of it."""

from collections.abc import Callable

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.inventory.exports.reports import Report, report_or_none
from homeroom.notifications.server import mail_server
from homeroom.reports.forms import ReportScheduleForm
from homeroom.reports.models import ReportSchedule
from homeroom.reports.queries import schedules as queries
from homeroom.reports.queries.reports import visible_report
from homeroom.reports.selection import in_words, read
from homeroom.reports.verbs import schedules as verbs
from homeroom.schedules.schedule import clock
from homeroom.web.errors import Refused

SCHEDULES_PER_PAGE = 25


@requires(Permission.EXPORT)
def index(request: ViewerRequest) -> HttpResponse:
    """With `show=missed`, those of which somebody got nothing the last time."""
    only_missed = request.GET.get("show") == "missed"
    asked = queries.missed_schedules if only_missed else queries.schedules
    seen = queries.with_last_turn(asked(request.viewer).prefetch_related("recipients"))
    page = Paginator(seen, SCHEDULES_PER_PAGE).get_page(request.GET.get("page"))
    shown = [
        (
            schedule,
            queries.outcome(request.viewer, schedule),
            queries.may_change_schedule(request.viewer, schedule),
        )
        for schedule in page
    ]
    context = {"schedules": shown, "page": page, "only_missed": only_missed}
    return render(request, "reports/schedules.html", context | _server())


@requires(Permission.EXPORT)
def new(request: ViewerRequest) -> HttpResponse:
    """Of what a report's page is asked for."""
    given = request.POST if request.method == "POST" else request.GET
    if not given.get("report"):
        return redirect("reports:reports")
    report = visible_report(request.viewer, given["report"])
    query = given.get("query", "")
    reading = read(report, query, request.viewer)
    if reading.problems:
        messages.error(request, reading.problems[0].sentence)
        return redirect("reports:report", name=report.name)
    form = ReportScheduleForm(request.POST or None, report=report, viewer=request.viewer)
    if request.method == "POST" and form.is_valid():
        try:
            made = verbs.create_schedule(
                report,
                query,
                form.cleaned_data["schedule"],
                recipients=[request.user] if form.people is None else form.people,
                owner=request.user,
                viewer=request.viewer,
                **form.values,
            )
        except Refused as refusal:
            _say(form, refusal)
        else:
            messages.success(request, _("“%(schedule)s” is saved.") % {"schedule": made})
            return redirect(made)
    context = {
        "form": form,
        "report": report,
        "query": reading.query,
        "asked": list(in_words(reading.filter)),
    }
    context["back"] = f"{reverse('reports:report', args=[report.name])}?{reading.query}"
    return render(request, "reports/schedule_form.html", context | _server(), status=_status(form))


@requires(Permission.EXPORT)
def detail(request: ViewerRequest, pk: int) -> HttpResponse:
    """When it comes, who gets it, and what became of its last turns. A recipient sees what concerns them."""
    schedule = get_object_or_404(queries.schedules(request.viewer), pk=pk)
    may_change = queries.may_change_schedule(request.viewer, schedule)
    recipients = list(schedule.recipients.all())
    turns = queries.last_turns(request.viewer, schedule)
    server = _server()
    context = server | {
        "schedule": schedule,
        "report": _report_of(request, schedule),
        "may_change": may_change,
        "receives": request.user in recipients,
        "recipients": [(user, queries.why_nothing(user, schedule.report)) for user in recipients],
        "turns": turns,
        "is_under_way": any(each.is_under_way(**server) for _turn, told in turns for each in told),
        "asked": _asked(request, schedule),
        "zone": clock(),
    }
    return render(request, "reports/schedule.html", context)


@requires(Permission.EXPORT)
def edit(request: ViewerRequest, pk: int) -> HttpResponse:
    schedule = _changeable(request, pk)
    report = report_or_none(schedule.report)
    form = ReportScheduleForm(request.POST or None, report=report, viewer=request.viewer, schedule=schedule)
    if request.method == "POST" and form.is_valid():
        try:
            verbs.change_schedule(
                schedule,
                viewer=request.viewer,
                turns=form.cleaned_data["schedule"],
                recipients=form.people,
                **form.values,
            )
        except Refused as refusal:
            _say(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect(schedule)
    context = {
        "form": form,
        "schedule": schedule,
        "report": report,
        "asked": _asked(request, schedule),
        "back": schedule.get_absolute_url(),
    }
    return render(request, "reports/schedule_form.html", context | _server(), status=_status(form))


@require_POST
@requires(Permission.EXPORT)
def send(request: ViewerRequest, pk: int) -> HttpResponse:
    schedule = _changeable(request, pk)
    try:
        verbs.send_now(schedule, viewer=request.viewer)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, _("It is being sent now."))
    return redirect(schedule)


@require_POST
@requires(Permission.EXPORT)
def pause(request: ViewerRequest, pk: int) -> HttpResponse:
    return _done(request, pk, lambda schedule: verbs.pause(schedule, actor=request.viewer.actor))


@require_POST
@requires(Permission.EXPORT)
def resume(request: ViewerRequest, pk: int) -> HttpResponse:
    return _done(request, pk, lambda schedule: verbs.resume(schedule, actor=request.viewer.actor))


@require_POST
@requires(Permission.EXPORT)
def leave(request: ViewerRequest, pk: int) -> HttpResponse:
    """Everybody may take themselves off, whoever put them on."""
    schedule = get_object_or_404(queries.schedules(request.viewer), pk=pk)
    verbs.leave(schedule, request.user, actor=request.viewer.actor)
    messages.success(request, _("You get “%(schedule)s” no longer.") % {"schedule": schedule})
    return redirect("reports:schedules")


@require_POST
@requires(Permission.EXPORT)
def delete(request: ViewerRequest, pk: int) -> HttpResponse:
    schedule = _changeable(request, pk)
    verbs.delete_schedule(schedule, actor=request.viewer.actor)
    messages.success(request, _("“%(schedule)s” is deleted.") % {"schedule": schedule})
    return redirect("reports:schedules")


def _done(request: ViewerRequest, pk: int, verb: Callable[[ReportSchedule], None]) -> HttpResponse:
    schedule = _changeable(request, pk)
    verb(schedule)
    return redirect(schedule)


def _changeable(request: ViewerRequest, pk: int) -> ReportSchedule:
    return get_object_or_404(queries.changeable_schedules(request.viewer), pk=pk)


def _report_of(request: ViewerRequest, schedule: ReportSchedule) -> Report | None:
    """None: it is there no longer, or the viewer may not see it."""
    report = report_or_none(schedule.report)
    return report if report and request.viewer.may(report.permission) else None


def _asked(request: ViewerRequest, schedule: ReportSchedule) -> list[tuple[str, str]]:
    report = _report_of(request, schedule)
    return list(in_words(read(report, schedule.query, request.viewer).filter)) if report else []


def _server() -> dict[str, bool]:
    return {"has_server": mail_server() is not None}


def _say(form: ReportScheduleForm, refusal: Refused) -> None:
    form.add_error(refusal.field if refusal.field in form.fields else None, refusal.sentence)


def _status(form: ReportScheduleForm) -> int:
    return 422 if form.errors else 200
