"""What happened to an incident: every change from the audit trail, with the comments and photos at their places."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from homeroom.incidents import queries
from homeroom.incidents.models import Attachment, Comment, Incident
from homeroom.inventory.timeline import Happening, happenings, register_sentence

SENTENCES = {
    "incident.opened": _("Opened"),
    "incident.updated": _("Changed"),
    "incident.status_set": _("Status changed"),
    "incident.closed": _("Closed"),
    "incident.commented": _("Comment"),
    "incident.photo_added": _("Photo added"),
    "incident.file_added": _("File added"),
    "incident.photo_removed": _("Photo removed"),
    "incident.file_removed": _("File removed"),
    "incident.packed": _("Packed for Apple"),
    "incident.unpacked": _("Taken out of a shipment"),
    "incident.sent_to_apple": _("Sent to Apple"),
    "incident.shipping_day_corrected": _("Day of shipping corrected"),
    "incident.replacement_received": _("Replacement received from Apple"),
    "incident.replacement_taken_back": _("Replacement taken back"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A happening with the comment or the photo that it is about; `removed` names one that is gone."""

    happening: Happening
    comment: Comment | None = None
    attachment: Attachment | None = None
    removed: str = ""


def register_sentences() -> None:
    for action, sentence in SENTENCES.items():
        register_sentence(action, sentence)


def incident_timeline(incident: Incident) -> list[Moment]:
    """Newest first, as on a device. Three queries. Takes no viewer: they see the incident."""
    comments = {comment.pk: comment for comment in queries.comments(incident)}
    attachments = {attachment.pk: attachment for attachment in queries.attachments(incident)}
    moments = []
    for happening in happenings(incident):
        attachment = happening.told.get("attachment", 0)
        shown = attachments.get(attachment) if happening.action.endswith("_added") else None
        moments.append(
            Moment(
                happening,
                comments.get(happening.told.get("comment", 0)),
                shown,
                "" if shown or not attachment else str(happening.told.get("name", "")),
            )
        )
    return moments
