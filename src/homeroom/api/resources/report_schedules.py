"""Reports on a schedule: a token's owner has their own and those they receive; an administrator every one."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Router, Schema
from pydantic import WithJsonSchema

from homeroom.accounts.models import User
from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.api.values import Body
from homeroom.inventory.exports.formats import Format
from homeroom.reports.models import ReportSchedule
from homeroom.reports.queries import schedules as queries
from homeroom.reports.queries.reports import visible_report
from homeroom.reports.verbs import schedules as verbs
from homeroom.schedules.schedule import Schedule, Unreadable
from homeroom.web.errors import Refused

router = Router(tags=["reports"])

FileFormat = Annotated[str, WithJsonSchema({"type": "string", "enum": [Format.CSV.value, Format.XLSX.value]})]


class ScheduleChanges(Body):
    """`schedule` in words: `daily 07:00`, `weekly monday 07:00`, `monthly 31 07:00`; or a cron expression."""

    name: str | None = None
    schedule: str | None = None
    format: FileFormat | None = None
    attach: bool | None = None
    only_with_rows: bool | None = None
    recipients: list[str] | None = None
    """Email addresses of people with accounts."""
    active: bool | None = None


class ScheduleIn(Body):
    """`query` is that of the report's page. Without `recipients` it is sent to the token's owner."""

    name: str
    schedule: str
    query: str = ""
    format: FileFormat = Format.CSV.value
    attach: bool = True
    only_with_rows: bool = False
    recipients: list[str] | None = None


class ScheduleOut(Schema):
    """`deliveries` counts what became of the last turn; who may not change it is told of their own alone."""

    id: int
    name: str
    report: str
    query: str
    schedule: str
    format: str
    attach: bool
    only_with_rows: bool
    owner: str
    recipients: list[str]
    active: bool
    next_turn_at: datetime | None
    last_turn_at: datetime | None
    deliveries: dict[str, int]


@router.get("/report-schedules", response=list[ScheduleOut])
@requires(Permission.EXPORT)
def schedules(request: ApiRequest) -> Any:
    found = queries.with_last_turn(queries.schedules(request.viewer).prefetch_related("recipients"))
    return [_row(request, schedule) for schedule in found]


@router.get("/report-schedules/{pk}", response=ScheduleOut)
@requires(Permission.EXPORT)
def schedule(request: ApiRequest, pk: int) -> Any:
    return _shown(request, pk)


@router.post("/reports/{name}/schedules", response={201: ScheduleOut})
@requires(Permission.EXPORT)
def create(request: ApiRequest, name: str, values: ScheduleIn) -> Any:
    """Have a report sent by mail again and again, to each recipient the rows that they may see."""
    report = visible_report(request.viewer, name)
    user = request.auth.user
    given = values.dict(exclude={"schedule", "query", "recipients"})
    with _named_as_in_requests():
        made = verbs.create_schedule(
            report,
            values.query,
            _turns(values.schedule),
            recipients=[user] if values.recipients is None else _people(request, values.recipients, user),
            owner=user,
            viewer=request.viewer,
            **given,
        )
    return _shown(request, made.pk)


@router.patch("/report-schedules/{pk}", response=ScheduleOut)
@requires(Permission.EXPORT)
@transaction.atomic
def change(request: ApiRequest, pk: int, values: ScheduleChanges) -> Any:
    """`active` pauses and resumes; turns that came meanwhile are not made up for."""
    found = _changeable(request, pk)
    given = {name: value for name, value in values.dict(exclude_unset=True).items() if value is not None}
    active, turns = given.pop("active", None), given.pop("schedule", None)
    if "recipients" in given:
        user = request.auth.user
        given["recipients"] = _people(request, given["recipients"], user, found)
    turns = None if turns is None else _turns(turns)
    with _named_as_in_requests():
        verbs.change_schedule(found, viewer=request.viewer, turns=turns, **given)
    if active is not None:
        (verbs.resume if active else verbs.pause)(found, actor=request.viewer.actor)
    return _shown(request, pk)


@router.post("/report-schedules/{pk}/send", response={202: ScheduleOut})
@requires(Permission.EXPORT)
def send(request: ApiRequest, pk: int) -> Any:
    """A turn out of turn; the next one stays where it is."""
    verbs.send_now(_changeable(request, pk), viewer=request.viewer)
    return _shown(request, pk)


@router.delete("/report-schedules/{pk}", response={204: None})
@requires(Permission.EXPORT)
def delete(request: ApiRequest, pk: int) -> Any:
    verbs.delete_schedule(_changeable(request, pk), actor=request.viewer.actor)
    return None


def _changeable(request: ApiRequest, pk: int) -> ReportSchedule:
    return get_object_or_404(queries.changeable_schedules(request.viewer), pk=pk)


def _shown(request: ApiRequest, pk: int) -> dict[str, Any]:
    found = queries.with_last_turn(queries.schedules(request.viewer).prefetch_related("recipients"))
    return _row(request, get_object_or_404(found, pk=pk))


def _row(request: ApiRequest, schedule: ReportSchedule) -> dict[str, Any]:
    user_id, all_of_it = request.viewer.user_id, queries.may_change_schedule(request.viewer, schedule)
    turn = schedule.last_turn
    deliveries = queries.deliveries_told(request.viewer, schedule, turn) if turn else []
    return {
        "id": schedule.pk,
        "name": schedule.name,
        "report": schedule.report,
        "query": schedule.query,
        "schedule": str(schedule.schedule),
        "format": schedule.format,
        "attach": schedule.attach,
        "only_with_rows": schedule.only_with_rows,
        "owner": schedule.owner.email,
        "recipients": [user.email for user in schedule.recipients.all() if all_of_it or user.pk == user_id],
        "active": schedule.active,
        "next_turn_at": schedule.next_turn_at,
        "last_turn_at": turn.taken_at if turn else None,
        "deliveries": Counter(each.state for each in deliveries),
    }


@contextmanager
def _named_as_in_requests() -> Iterator[None]:
    """The form has a field for each part of a schedule; a request has one for all of it."""
    try:
        yield
    except Refused as refusal:
        if refusal.field and refusal.field.startswith("schedule_"):
            raise Refused(refusal.sentence, field="schedule") from None
        raise


def _turns(text: str) -> Schedule:
    try:
        return Schedule.parse(text)
    except Unreadable as error:
        raise Refused(str(error), field="schedule") from None


def _people(
    request: ApiRequest, addresses: list[str], user: User, schedule: ReportSchedule | None = None
) -> list[User]:
    """By their addresses. Of others, who may not choose them learns nothing but that they may not."""
    wanted = {address.strip().lower() for address in addresses}
    possible = User.objects.filter(email__in=wanted)
    if not queries.may_choose_recipients(request.viewer):
        present = list(schedule.recipients.values_list("pk", flat=True)) if schedule else []
        possible = possible.filter(pk__in=[*present, user.pk])
    found = list(possible)
    if missing := sorted(wanted - {each.email.lower() for each in found}):
        sentence = _(
            "Nobody has an account with the email address “%(email)s”, to whom you may send reports."
        )
        raise Refused(sentence % {"email": missing[0]}, field="recipients")
    return found
