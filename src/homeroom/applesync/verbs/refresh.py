"""Refresh this device now: Apple is asked for one device and its coverage, also while a sync runs."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from appleschool import (
    AppleCareCoverage,
    AppleError,
    AppleSchool,
    Forbidden,
    InvalidClient,
    Limits,
    MdmDeviceDetails,
    NotAuthorized,
    NotFound,
    OrgDevice,
    PrivateKeyError,
    RateLimited,
    UnreadableRecord,
)
from homeroom.applesync import diagnosis, pacing
from homeroom.applesync.client import open_apple
from homeroom.applesync.encryption import SecretCannotBeRead
from homeroom.applesync.models import AppleDevice, Connection, ManagedDevice, SyncRun
from homeroom.applesync.pipeline import coverage, listing, managed, matching
from homeroom.applesync.pipeline.coverage import Answer
from homeroom.applesync.pipeline.queue import Target
from homeroom.applesync.verbs.connections import note_contact
from homeroom.audit.actors import Actor
from homeroom.audit.verbs import record
from homeroom.insurance import verbs as insurance
from homeroom.insurance.queries import today
from homeroom.inventory.models import Device
from homeroom.web.errors import Refused

PATIENCE = 8.0
"""Seconds; somebody is looking at a page meanwhile."""
LONGEST_WAIT = 2.0
REQUESTS = 3
"""The token, the device, its coverage. One more where built-in device management has the device."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh found: the mirror's row as it stands now, and what differed."""

    row: AppleDevice
    details_changed: bool
    coverage_asked: bool = False
    coverage_changed: bool = False
    failure: str = ""
    """Why Apple's answer about the coverage can't be trusted; what was known stays."""

    @property
    def sentence(self) -> str:
        """For people, in one or two sentences."""
        row = self.row
        if row.gone_since and row.released_at:
            return _("Apple released it from the organization on %(day)s.") % {"day": _day(row.released_at)}
        if row.gone_since:
            return _("It is no longer in %(portal)s.") % {"portal": row.connection.get_kind_display()}
        if self.failure:
            return _("Its coverage could not be read: %(why)s") % {"why": self.failure}
        outcome = {
            (True, True): _("its details and its coverage have changed."),
            (True, False): _("its details have changed."),
            (False, True): _("its coverage has changed."),
            (False, False): _("nothing has changed."),
        }[self.details_changed, self.coverage_changed]
        return _("Apple was asked just now: %(outcome)s") % {"outcome": outcome}


@dataclass(frozen=True, slots=True)
class Told:
    """Apple's words about one serial number. Coverages are None where Apple knows none, or was not asked."""

    connection: Connection
    device: OrgDevice | None
    at: datetime
    coverage_asked: bool = False
    coverages: Sequence[AppleCareCoverage | UnreadableRecord] | None = None
    details: MdmDeviceDetails | None = None


def refresh_device(device: Device, *, actor: Actor, patience: float = PATIENCE) -> Refreshed:
    """Ask Apple for the device and its coverage, and write both, or neither if Apple does not answer in time.

    Raises Refused, with what to do, where Apple can't be asked or does not know the device.
    """
    if not device.serial_number:
        raise Refused(_("This device has no serial number, and Apple is asked by it."))
    candidates = _connections(device.serial_number)
    told = _asked(candidates, device.serial_number, patience)
    with transaction.atomic():
        refreshed = _write(device, told)
        record(
            actor,
            "device.refreshed",
            device,
            after={
                "connection": told.connection.name,
                "released_at": refreshed.row.released_at,
                "gone_since": refreshed.row.gone_since,
                "details_changed": refreshed.details_changed,
                "coverage_changed": refreshed.coverage_changed,
                "failure": refreshed.failure,
            },
        )
    return refreshed


def look_up(serial_number: str, *, actor: Actor, patience: float = PATIENCE) -> AppleDevice:
    """Ask Apple for a serial number that the inventory need not have, such as of a device just out of its box.

    What Apple says of the device is kept as a sync would keep it; coverage is left to the sync.
    """
    if not serial_number:
        raise Refused(_("Type or scan the serial number first."))
    told = _asked(_connections(serial_number), serial_number, patience)
    if told.device is None:
        raise Refused(
            _(
                "%(portal)s does not know %(serial)s yet. Apple lists a replacement within hours of sending it."
            )
            % {"portal": told.connection.get_kind_display(), "serial": serial_number}
        )
    with transaction.atomic():
        rows = AppleDevice.objects.filter(connection=told.connection, serial_number=told.device.serial_number)
        before = rows.first()
        if before is None or _differs(before, told.device):
            listing.store_record(told.connection, told.device, at=told.at)
        row = rows.get()
        record(actor, "apple_device.looked_up", row, after={"connection": told.connection.name})
    return row


def _connections(serial_number: str) -> list[Connection]:
    """Whom to ask: the connection that has listed the device, otherwise every active one."""
    rows = AppleDevice.objects.filter(serial_number=serial_number).select_related("connection")
    owners = [row.connection for row in sorted(rows, key=lambda row: row.device_id is None)]
    if owners and not any(owner.active for owner in owners):
        raise Refused(_("“%(name)s” is not active. Activate it first.") % {"name": owners[0].name})
    active = [owner for owner in owners if owner.active][:1] or list(Connection.objects.filter(active=True))
    if not active:
        raise Refused(_("No connection to Apple is active, so Apple can't be asked."))
    return active


def _asked(connections: Sequence[Connection], serial_number: str, patience: float) -> Told:
    """Apple's answer from the first connection that knows the device, or else from the last."""
    deadline = time.monotonic() + patience
    for connection in connections:
        told = _asked_of(connection, serial_number, deadline - time.monotonic())
        if told.device is not None:
            break
    return told


def _asked_of(connection: Connection, serial_number: str, patience: float) -> Told:
    apple_id = _managed_as(connection, serial_number)
    requests = REQUESTS + bool(apple_id)
    wait = pacing.reserve(connection, requests, patience=min(patience, LONGEST_WAIT))
    if wait > LONGEST_WAIT:
        raise _refusal(RateLimited("", retry_after=wait), connection)

    async def ask() -> Told:
        async with asyncio.timeout(patience):
            await asyncio.sleep(wait)
            return await _ask(connection, serial_number, apple_id)

    try:
        return asyncio.run(ask())
    except TimeoutError:
        raise Refused(
            _("Apple did not answer within %(seconds)d seconds. Nothing was changed; try again later.")
            % {"seconds": PATIENCE}
        ) from None
    except SecretCannotBeRead as error:
        raise Refused(str(error)) from None
    except AppleError as error:
        raise _refusal(error, connection) from None


def _managed_as(connection: Connection, serial_number: str) -> str:
    """The device's id in built-in device management, as the last sync saw it; empty where it is not there."""
    found = ManagedDevice.objects.filter(
        row__connection=connection, row__serial_number=serial_number, enrolled=True
    )
    return found.values_list("apple_id", flat=True).first() or ""


async def _ask(connection: Connection, serial_number: str, apple_id: str) -> Told:
    limits = Limits(
        max_rate=settings.CONFIGURATION.apple_max_rate,
        concurrency=1,
        initial_rate=connection.pace,
        attempts=2,
        timeout=PATIENCE,
        longest_wait=LONGEST_WAIT,
    )
    async with open_apple(connection, limits=limits) as apple:
        try:
            device = await apple.org_device(serial_number)
        except NotFound:
            return Told(connection, None, timezone.now())
        if device.released_from_org_at:
            return Told(connection, device, timezone.now())
        details = await _details(apple, apple_id)
        if not connection.sync_coverage:
            return Told(connection, device, timezone.now(), details=details)
        told = Told(connection, device, timezone.now(), coverage_asked=True, details=details)
        with suppress(NotFound):
            coverages = await apple.apple_care_coverage(serial_number)
            told = replace(told, at=timezone.now(), coverages=coverages)
        return told


async def _details(apple: AppleSchool, apple_id: str) -> MdmDeviceDetails | None:
    """What built-in device management says. A failure there stops no refresh; what was known stays."""
    if apple_id:
        with suppress(AppleError):
            return await apple.mdm_device_details(apple_id)
    return None


def _refusal(error: AppleError, connection: Connection) -> Refused:
    match error:
        case RateLimited():
            if error.status and error.retry_after:
                pacing.hold(connection.pk, error.retry_after)
            finding = diagnosis.of_error(error, connection)
            return Refused(f"{finding.detail} {_('Nothing was changed; try again in a few minutes.')}")
        case InvalidClient() | NotAuthorized() | Forbidden():
            refused = _("Apple refuses the credentials.")
            detail = (
                refused if isinstance(error, InvalidClient) else diagnosis.of_error(error, connection).detail
            )
            note_contact(connection, problem=detail)
            return Refused(
                _("%(detail)s Nothing was changed. “Test configuration” of “%(name)s” says what to do.")
                % {"detail": detail, "name": connection.name}
            )
        case PrivateKeyError():
            return Refused(f"{error.sentence} {error.fix}")
    return Refused(f"{error.sentence} {_('Nothing was changed.')} {error.fix}")


def _write(device: Device, told: Told) -> Refreshed:
    rows = AppleDevice.objects.select_related("connection").defer("connection__private_key")
    rows = rows.filter(connection=told.connection, serial_number=device.serial_number)
    before = rows.first()
    if told.device is None:
        if before is None:
            raise Refused(
                _(
                    "%(portal)s does not know this serial number. It may be in another organization, or misspelled."
                )
                % {"portal": told.connection.get_kind_display()}
            )
        rows.filter(gone_since__isnull=True).update(gone_since=told.at)
    elif before is None or _differs(before, told.device):
        listing.store_record(told.connection, told.device, at=told.at)
    row = rows.get()
    if row.gone_since is None and row.device_id is None:
        matching.link(told.connection, rows=[row.pk])
        row = rows.get()
    changed = before is None or _state(before) != _state(row)
    if told.details and ManagedDevice.objects.filter(pk=row.pk).exists():
        changed |= managed.store_details(row.pk, told.details, at=told.at)
    refreshed = Refreshed(row, details_changed=changed)
    if told.coverage_asked and row.device_id == device.pk:
        return _with_coverage(refreshed, device, told)
    return refreshed


def _differs(row: AppleDevice, told: OrgDevice) -> bool:
    is_gone, leaves = row.gone_since is not None, told.released_from_org_at is not None
    return is_gone != leaves or bytes(row.content_hash) != listing.content_hash(told.attributes)


def _state(row: AppleDevice) -> tuple[bytes, bool]:
    return bytes(row.content_hash), row.gone_since is not None


def _with_coverage(refreshed: Refreshed, device: Device, told: Told) -> Refreshed:
    target = Target(refreshed.row.pk, device.serial_number or "", device.pk)
    # Notes belong to a run, and there is none: what they would say is in the refresh's own answer.
    answers = coverage.of_devices_still_there([Answer(target, told.at, told.coverages)])
    judged = coverage.judge(SyncRun(connection=told.connection), answers)
    found = insurance.apply_apple_coverage(judged.good, today=today())
    insurance.record_failed_checks(judged.failed)
    return Refreshed(
        refreshed.row,
        refreshed.details_changed,
        coverage_asked=True,
        coverage_changed=bool(found.changes),
        failure=judged.failed[0].failure if judged.failed else "",
    )


def _day(moment: datetime) -> str:
    return date_format(timezone.localtime(moment).date(), "DATE_FORMAT")
