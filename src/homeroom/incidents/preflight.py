"""What would go wrong if a device were sent to Apple now. Higher apps register the checks that are theirs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from homeroom.incidents.models import Attachment, Incident
from homeroom.insurance.queries import today, with_coverage
from homeroom.insurance.rules import CoverageState
from homeroom.inventory.models import Assignment, Device
from homeroom.web.errors import Refused


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing that speaks against sending. `check` is a stable word for programs."""

    check: str
    sentence: str
    fix: str = ""


Concerns = Mapping[int, Sequence[Concern]]
"""By the incident's number."""
Check = Callable[[Sequence[Incident]], Concerns]

_checks: list[Check] = []


class PreflightConcerns(Refused):
    """Something speaks against sending, and no reason was given to send it all the same."""

    def __init__(self, concerns: Concerns) -> None:
        self.concerns = concerns
        super().__init__(_sentence(concerns), field="reason")


def _sentence(concerns: Concerns) -> str:
    """Of one unit everything, of many how many they are: each tells its own beside it."""
    if len(concerns) == 1:
        sentences = [concern.sentence for each in concerns.values() for concern in each]
        return " ".join([*sentences, _("Give a reason to send it all the same.")])
    told = {"count": len(concerns)}
    return _("Something speaks against sending %(count)d units. Give a reason, or leave them out.") % told


def register_check(check: Check) -> None:
    """Called once, in `AppConfig.ready()`. A check looks at many incidents at once and sends no request to anybody."""
    _checks.append(check)


def preflight(incidents: Iterable[Incident]) -> Concerns:
    """All concerns about these incidents, in the order of the checks; those without any are left out."""
    looked_at = list(incidents)
    found: dict[int, list[Concern]] = {}
    for check in (not_covered, other_incident, no_photo, no_loaner, *_checks):
        for number, concerns in check(looked_at).items():
            found.setdefault(number, []).extend(concerns)
    return found


def not_covered(incidents: Sequence[Incident]) -> Concerns:
    """Without AppleCare today; unknown is told apart from none."""
    devices = Device.objects.filter(pk__in=[incident.device_id for incident in incidents])
    states = {device.pk: device.coverage for device in with_coverage(devices, today()).only("pk")}  # type: ignore[attr-defined]
    pays = _("Apple may bill the repair. Ask for its price first, or have it repaired elsewhere.")
    words = {
        CoverageState.ENDED: Concern("not-covered", _("Its AppleCare coverage has ended."), pays),
        CoverageState.NONE: Concern("not-covered", _("It has no AppleCare coverage."), pays),
        CoverageState.UNKNOWN: Concern(
            "coverage-unknown",
            _("Whether it has AppleCare coverage is not known."),
            _("Refresh the device, or look it up at Apple."),
        ),
    }
    return {
        incident.number: [words[state]]
        for incident in incidents
        if (state := CoverageState(states[incident.device_id])) in words
    }


def other_incident(incidents: Sequence[Incident]) -> Concerns:
    open_ones = Incident.objects.filter(
        device__in=[incident.device_id for incident in incidents], closed_at__isnull=True
    )
    numbers: dict[int, list[int]] = {}
    for device_id, number in open_ones.order_by("number").values_list("device_id", "number"):
        numbers.setdefault(device_id, []).append(number)
    found = {}
    for incident in incidents:
        if others := [number for number in numbers.get(incident.device_id, []) if number != incident.number]:
            told = {"numbers": ", ".join(f"#{number}" for number in others)}
            sentence = _("The device has another open incident: %(numbers)s.") % told
            fix = _("Close it, or say there that this one takes its place.")
            found[incident.number] = [Concern("other-incident", sentence, fix)]
    return found


def no_photo(incidents: Sequence[Incident]) -> Concerns:
    photos = Attachment.objects.filter(incident__in=list(incidents), kind=Attachment.Kind.PHOTO)
    with_photo = set(photos.values_list("incident", flat=True))
    concern = Concern(
        "no-photo", _("There is no photo of the damage."), _("Take one before the device is packed.")
    )
    return {incident.number: [concern] for incident in incidents if incident.number not in with_photo}


def no_loaner(incidents: Sequence[Incident]) -> Concerns:
    """Of incidents of a person: they have no loaner now."""
    loans = Assignment.objects.filter(
        person__in=[incident.person_id for incident in incidents if incident.person_id],
        kind=Assignment.Kind.LOANER,
        ended_at__isnull=True,
    )
    lent = set(loans.values_list("person", flat=True))
    return {
        incident.number: [
            Concern(
                "no-loaner",
                _("%(person)s has no loaner meanwhile.") % {"person": incident.person},
                _("Give them one while the device is away."),
            )
        ]
        for incident in incidents
        if incident.person and incident.person_id not in lent
    }
