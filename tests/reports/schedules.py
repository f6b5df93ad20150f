"""What tests of reports on a schedule stand on: a report with rows, a schedule, and a worker's round."""

from datetime import timedelta
from threading import Event
from typing import Any

from homeroom.accounts.models import User
from homeroom.insurance.queries import today
from homeroom.inventory.exports.reports import report_named
from homeroom.inventory.models import Device
from homeroom.notifications.verbs import send_due_mail
from homeroom.reports.models import ReportDelivery, ReportSchedule
from homeroom.reports.verbs.delivering import take_due_report_turns, tell_finished_reports
from homeroom.reports.verbs.making import make_due_file
from homeroom.reports.verbs.schedules import create_schedule
from homeroom.schedules.schedule import Schedule
from tests.builders import make_device
from tests.insurance.records import make_synced_record

EXPIRING = "applecare-expiring"


def expiring(**values: Any) -> Device:
    """A device that the report tells of."""
    device = make_device(**values)
    make_synced_record(device, ends=today() + timedelta(days=10))
    return device


def make_schedule(
    owner: User,
    *recipients: User,
    turns: str = "weekly monday 07:00",
    report: str = EXPIRING,
    query: str = "",
    **values: Any,
) -> ReportSchedule:
    """Sent to its owner unless others are named."""
    return create_schedule(
        report_named(report),
        query,
        Schedule.parse(turns),
        recipients=recipients or [owner],
        owner=owner,
        viewer=owner.viewer(),
        **{"name": "Every week", "format": "csv"} | values,
    )


def work() -> None:
    """What a worker does about it, in the order in which it does."""
    for source in (take_due_report_turns, make_due_file, tell_finished_reports, send_due_mail):
        while source(Event()):
            pass


def states(schedule: ReportSchedule) -> dict[str, str]:
    """By recipient, of the last turn."""
    last = schedule.turns.first()
    found = ReportDelivery.objects.filter(turn=last).select_related("recipient")
    return {delivery.recipient.email: delivery.state for delivery in found}
