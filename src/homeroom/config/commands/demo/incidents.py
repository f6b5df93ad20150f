"""What has befallen the demo district's devices: some incidents are open, some were closed."""

import io
from dataclasses import dataclass

from django.core.files.base import ContentFile
from PIL import Image, ImageDraw

from homeroom.accounts.models import User
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.models import Incident, IncidentStatus
from homeroom.incidents.verbs.attachments import open_incident_with
from homeroom.incidents.verbs.incidents import close_incident, comment, set_status, update_incident
from homeroom.inventory.models import Device, DeviceStatus

_Kind, _Outcome = Incident.Kind, Incident.Outcome


@dataclass(frozen=True, slots=True)
class Story:
    kind: Incident.Kind
    summary: str
    description: str = ""
    photo: bool = False
    taken: bool = False
    comment: str = ""
    outcome: Incident.Outcome | None = None


STORIES = (
    Story(_Kind.SCREEN, "Screen cracked, lower left corner", "Fell from the desk in class.", photo=True),
    Story(
        _Kind.SCREEN,
        "Screen shattered",
        "Run over by a chair.",
        photo=True,
        taken=True,
        comment="Glass taped.",
    ),
    Story(_Kind.BATTERY, "Battery empty by noon", taken=True, comment="Health is at 61 %. Ask Apple."),
    Story(_Kind.LIQUID, "Juice in the charging port", "Does not charge since.", photo=True),
    Story(_Kind.LOST, "Left on the bus", "Route 12, on the way home.", comment="The bus company is asked."),
    Story(_Kind.HARDWARE, "Home button stuck"),
    Story(_Kind.STOLEN, "Taken from a locker", "The police report is at the office."),
    Story(
        _Kind.SCREEN,
        "Hairline crack",
        photo=True,
        outcome=_Outcome.NOT_COVERED,
        comment="The family was billed.",
    ),
    Story(_Kind.HARDWARE, "Speaker rattles", outcome=_Outcome.REPAIRED),
    Story(_Kind.OTHER, "Will not join the Wi-Fi", outcome=_Outcome.OTHER, comment="It was the profile."),
)
FIRST, STEP = 12, 5
"""Which devices: every fifth of those that somebody has, past the ones with mistyped serial numbers."""


def tell_stories(technician: User) -> None:
    """Once, in a district that has no incident yet."""
    if Incident.objects.exists():
        return
    held = Device.objects.filter(assignments__ended_at__isnull=True, assignments__isnull=False)
    in_service = held.filter(status__kind=DeviceStatus.Kind.IN_SERVICE).order_by("pk")
    devices = in_service[FIRST : FIRST + STEP * len(STORIES) : STEP]
    for device, story in zip(devices, STORIES, strict=False):
        _tell(device, story, technician)


def _tell(device: Device, story: Story, technician: User) -> None:
    incident = open_incident_with(
        device,
        [ContentFile(_cracked(device.pk), name="crack.png")] if story.photo else [],
        kind=story.kind,
        summary=story.summary,
        description=story.description,
        actor=COMMAND_LINE,
    )
    if story.taken:
        update_incident(incident, technician=technician, actor=technician.actor)
        set_status(incident, IncidentStatus.objects.get(name="In progress"), actor=technician.actor)
    if story.comment:
        comment(incident, story.comment, actor=technician.actor)
    if story.outcome:
        close_incident(incident, outcome=story.outcome, actor=technician.actor)


def _cracked(seed: int) -> bytes:
    """A drawing of a tablet with a broken screen, in place of a photo."""
    width, height = 960, 720
    picture = Image.new("RGB", (width, height), "#b9a78d")
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((130, 90, width - 130, height - 90), 36, fill="#1d1f23")
    draw.rounded_rectangle((165, 125, width - 165, height - 125), 10, fill="#3f5a78")
    x, y = 230 + seed % 7 * 60, 470 - seed % 5 * 40
    for end in range(165, width - 165, 70):
        draw.line((x, y, (x + end) // 2 + seed % 11, 300, end, 125), fill="#dfe8f1", width=3)
        draw.line((x, y, (x + end) // 2 - seed % 13, 540, end, height - 125), fill="#dfe8f1", width=2)
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()
