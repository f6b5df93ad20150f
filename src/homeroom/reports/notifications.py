"""What people are told by mail: that a report's file is there, which its schedule has had made for them."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.models import User
from homeroom.accounts.policy import Permission
from homeroom.inventory.exports.formats import CONTENT_TYPES, Format
from homeroom.notifications.attachments import Attachment
from homeroom.notifications.kinds import Delivery, Kind
from homeroom.notifications.verbs import notify
from homeroom.reports.models import TOLD_AS, ReportDelivery
from homeroom.reports.queries.files import why_closed
from homeroom.reports.queries.schedules import why_nothing


def _file(context: Mapping[str, Any]) -> Iterator[Attachment]:
    """None if it is to be linked, is no longer kept, or holds what its recipient might see and now may not."""
    delivery = _delivery(context)
    if delivery is None or delivery.file is None or not delivery.turn.schedule.attach:
        return
    file = delivery.file
    if not why_closed(file, delivery.recipient.viewer()):
        yield Attachment(file.file_name, file.path, CONTENT_TYPES[Format(file.format)])


def _may_know(user: User, context: Mapping[str, Any]) -> bool:
    """Whoever still receives the schedule, may see its report, and has not deleted the file."""
    delivery = _delivery(context)
    if delivery is None or delivery.state == ReportDelivery.State.DECLINED:
        return False
    if why_nothing(user, delivery.turn.schedule.report):
        return False
    return delivery.turn.schedule.recipients.filter(pk=user.pk).exists()


def _delivery(context: Mapping[str, Any]) -> ReportDelivery | None:
    found = ReportDelivery.objects.select_related("turn__schedule", "recipient", "file")
    return found.filter(pk=context["delivery"]).first() if "delivery" in context else None


REPORT_ON_SCHEDULE = Kind(
    key=TOLD_AS,
    label=_("Reports on a schedule"),
    help_text=_("The reports that are sent to you, each with the rows that you may see."),
    permission=Permission.EXPORT,
    template="reports/mail/on_schedule",
    default_of_others=Delivery.AT_ONCE,
    attachments=_file,
    may_know=_may_know,
)


def tell(delivery: ReportDelivery) -> None:
    """In the transaction that settles it."""
    schedule, file = delivery.turn.schedule, delivery.file
    assert file is not None  # noqa: S101 - it is ready
    context = {
        "delivery": delivery.pk,
        "name": schedule.name,
        "report": schedule.title,
        "words": file.words,
        "rows": file.rows or 0,
        "owner": str(schedule.owner),
        "is_own": schedule.owner_id == delivery.recipient_id,
        "file_path": reverse("reports:file-content", args=[file.pk]),
        "kept_until": file.expires_at,
    }
    notify(
        REPORT_ON_SCHEDULE,
        fact=delivery.fact,
        context=context,
        path=schedule.get_absolute_url(),
        only_to=[delivery.recipient_id],
    )
