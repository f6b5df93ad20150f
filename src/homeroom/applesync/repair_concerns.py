"""What Apple's last word about a device means for sending it in. Registered with the preflight; asks nobody."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from appleschool import LockType
from homeroom.applesync.models import Connection, RepairCheck
from homeroom.applesync.verbs import repair_checks as verbs
from homeroom.incidents.inquiry import Answer
from homeroom.incidents.models import Incident
from homeroom.incidents.preflight import Concern, Concerns
from homeroom.inventory.models import Device

STAYS_ASSIGNED = frozenset({Device.ProductFamily.MAC.value})
"""Families that Apple repairs while they are assigned; the others may come back unrepaired."""


def apple_concerns(incidents: Sequence[Incident]) -> Concerns:
    """The preflight's check: what Apple said lately, or that it could not be asked."""
    now, can_ask = timezone.now(), _somebody_can_be_asked()
    checks = _checks(incidents)
    found = {}
    for incident in incidents:
        check = checks.get(incident.device_id)
        if found_here := list(_concerns(incident.device, check, now=now, can_ask=can_ask)):
            found[incident.number] = found_here
    return found


class AppleInquiry:
    """How pages and commands have Apple asked before a device is sent."""

    def request(self, incidents: Sequence[Incident], *, anew: bool) -> None:
        verbs.request_checks([incident.device_id for incident in incidents], anew=anew)

    def ask(
        self, incidents: Sequence[Incident], *, patience: float | None, told: Callable[[], object]
    ) -> None:
        verbs.check_now([incident.device_id for incident in incidents], patience=patience, told=told)

    def answers(self, incidents: Sequence[Incident]) -> Mapping[int, Answer]:
        if not _somebody_can_be_asked():
            return {}
        now, checks = timezone.now(), _checks(incidents)
        return {
            incident.number: _answer(checks.get(incident.device_id), now)
            for incident in incidents
            if incident.device.serial_number
        }


def _somebody_can_be_asked() -> bool:
    return Connection.objects.filter(active=True).exists()


def _checks(incidents: Sequence[Incident]) -> Mapping[int, RepairCheck]:
    return RepairCheck.objects.in_bulk([incident.device_id for incident in incidents])


def _concerns(
    device: Device, check: RepairCheck | None, *, now: datetime, can_ask: bool
) -> Iterator[Concern]:
    if not device.serial_number:
        yield _not_asked(_("Apple can't be asked about it: it has no serial number."), "")
    elif not can_ask:
        fix = _("An administrator activates it under System Settings > MDM Settings.")
        yield _not_asked(_("Apple could not be asked: no connection to Apple is active."), fix)
    elif check is None or check.asked_at is None:
        sentence = _("Apple has not been asked yet whether it is assigned and whether it is locked.")
        yield _not_asked(sentence, _("Wait for the answer, or ask again."))
    elif check.failure:
        yield _not_asked(
            _("Apple could not be asked: %(why)s") % {"why": check.failure}, _("Ask again in a few minutes.")
        )
    elif not check.is_valid(now):
        told = {"time": date_format(timezone.localtime(check.asked_at), "SHORT_DATETIME_FORMAT")}
        sentence = _("Apple was last asked on %(time)s, which is too long ago to rely on.") % told
        yield _not_asked(sentence, _("Ask again."))
    else:
        yield from _of_answer(device, check)


def _not_asked(sentence: str, fix: str) -> Concern:
    return Concern("apple-not-asked", sentence, fix)


def _of_answer(device: Device, check: RepairCheck) -> Iterator[Concern]:
    match check.standing:
        case RepairCheck.Standing.UNKNOWN:
            yield Concern(
                "not-known-to-apple",
                _("Apple does not know this serial number in your organization."),
                _("Compare it with the device. Its replacement would not appear by itself."),
            )
            return
        case RepairCheck.Standing.RELEASED:
            yield Concern(
                "released-from-apple",
                _("It was released from the organization."),
                _("Apple sends replacements of released devices without adding them. Add it again first."),
            )
            return
    family = check.product_family or device.product_family
    if check.is_assigned and family not in STAYS_ASSIGNED:
        yield _assigned(check)
    yield from _of_lock(check)


def _assigned(check: RepairCheck) -> Concern:
    name = check.server_name
    return Concern(
        "assigned-to-service",
        _("It is still assigned to “%(name)s”; Apple may return it unrepaired.") % {"name": name}
        if name
        else _("It is still assigned to a device management service; Apple may return it unrepaired."),
        _("Unassign it in Apple School Manager, but do not release it: its replacement would not appear."),
    )


def _of_lock(check: RepairCheck) -> Iterator[Concern]:
    if check.is_locked:
        by_person = check.lock_type == LockType.USER
        yield Concern(
            "activation-lock",
            _("Activation Lock is on, by a personal Apple Account.")
            if by_person
            else _("Activation Lock is on."),
            _("Have the person sign out of Find My, or turn the lock off with its bypass code.")
            if by_person
            else _("Turn it off in your device management service."),
        )
    elif check.lock_failure:
        yield Concern(
            "activation-lock-unknown",
            _("Apple could not say whether Activation Lock is on: %(why)s") % {"why": check.lock_failure},
            _("Ask again, or look at the device under Settings > General > About."),
        )


def _answer(check: RepairCheck | None, now: datetime) -> Answer:
    if check is None:
        return Answer()
    known = check.standing == RepairCheck.Standing.KNOWN and not check.failure
    return Answer(
        sentences=tuple(_sentences(check)) if known else (),
        asked_at=check.asked_at,
        awaited_since=check.wanted_at,
        is_good=check.is_valid(now),
    )


def _sentences(check: RepairCheck) -> Iterator[str]:
    """What is worth knowing and no concern."""
    if check.is_assigned is False:
        yield _("It is not assigned to any device management service.")
    elif check.is_assigned and check.product_family in STAYS_ASSIGNED:
        yield _("It is assigned to a device management service. A Mac stays so while Apple repairs it.")
    if check.is_locked is False:
        yield _("Activation Lock is off.")
    elif check.is_locked is None and not check.lock_failure:
        yield _(
            "Whether Activation Lock is on Apple tells only of assigned devices. "
            "See on the device that nobody is signed in to Find My."
        )
