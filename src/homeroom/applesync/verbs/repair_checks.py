"""Asking Apple, of the devices that are about to be sent in alone, whether they are assigned and locked.

Nothing of the district's is changed, so the audit trail tells of it only in what was sent in spite of the answer.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from threading import Event

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from appleschool import (
    AppleError,
    AppleSchool,
    Forbidden,
    InvalidClient,
    Limits,
    NotAuthorized,
    NotFound,
    OrgDevice,
    RateLimited,
)
from appleschool import DeviceStatus as AssignmentStatus
from homeroom.applesync import diagnosis, pacing
from homeroom.applesync.client import open_apple
from homeroom.applesync.encryption import SecretCannotBeRead
from homeroom.applesync.models import AppleDevice, Connection, RepairCheck
from homeroom.applesync.pipeline.tasks import together
from homeroom.applesync.verbs.connections import note_contact

BATCH = 25
"""What a worker takes in hand at once: a token is asked for each time, so not one by one."""
LANES = 4
LEASE = timedelta(minutes=5)
REQUESTS = 3
"""The device, its service, its lock."""
LONGEST_WAIT = 30.0
LONGEST_FAILURE = 300

Standing = RepairCheck.Standing
Settle = Callable[[RepairCheck, "Told"], object]


@dataclass(frozen=True, slots=True)
class Told:
    """Apple's words about one device; the fields of a check."""

    standing: str = ""
    product_family: str = ""
    is_assigned: bool | None = None
    server_name: str = ""
    is_locked: bool | None = None
    lock_type: str = ""
    lock_failure: str = ""
    failure: str = ""


def request_checks(device_ids: Sequence[int], *, anew: bool = False) -> None:
    """Have a worker ask about these devices; those with a good answer only if `anew`. Returns at once."""
    if not Connection.objects.filter(active=True).exists():
        return
    with transaction.atomic():
        RepairCheck.objects.bulk_create(
            (RepairCheck(device_id=device_id) for device_id in set(device_ids)), ignore_conflicts=True
        )
        now = timezone.now()
        rows = RepairCheck.objects.filter(device__in=device_ids, wanted_at__isnull=True)
        rows = rows.filter(device__serial_number__isnull=False)
        unknown = rows if anew else rows.filter(Q(asked_at__isnull=True) | ~RepairCheck.valid(now))
        unknown.update(wanted_at=now)


def check_now(
    device_ids: Sequence[int], *, patience: float | None = None, told: Callable[[], object] = lambda: None
) -> None:
    """Ask about these devices now, all but those with a good answer, for `patience` seconds at most.

    Never inside a transaction. A failure is kept as the answer. `told` is called after each answer.
    """
    if not Connection.objects.filter(active=True).exists():
        return
    RepairCheck.objects.bulk_create(
        (RepairCheck(device_id=device_id) for device_id in set(device_ids)), ignore_conflicts=True
    )
    rows = RepairCheck.objects.filter(device__in=device_ids, device__serial_number__isnull=False)
    due = rows.filter(Q(asked_at__isnull=True) | ~RepairCheck.valid(timezone.now())).select_related("device")

    def settle(check: RepairCheck, answer: Told) -> None:
        _write(check, answer)
        told()

    _ask_all(list(due), settle, patience=patience)


def answer_due_checks(stop: Event) -> bool:
    """A worker's part: ask about some devices that are waited for; whether there were any."""
    claimed = _claim()
    if claimed:
        _ask_all(claimed, _write_claimed, stop=stop)
        # What a stop left over goes to the next worker.
        keys = [check.pk for check in claimed]
        RepairCheck.objects.filter(pk__in=keys, taken_until=claimed[0].taken_until).update(taken_until=None)
    return bool(claimed)


def _claim() -> list[RepairCheck]:
    with transaction.atomic():
        now = timezone.now()
        free = Q(taken_until__isnull=True) | Q(taken_until__lt=now)
        due = RepairCheck.objects.select_for_update(skip_locked=True).filter(free, wanted_at__isnull=False)
        keys = list(due.order_by("wanted_at", "pk").values_list("pk", flat=True)[:BATCH])
        RepairCheck.objects.filter(pk__in=keys).update(taken_until=now + LEASE)
    return list(RepairCheck.objects.filter(pk__in=keys).select_related("device").order_by("wanted_at", "pk"))


def _write_claimed(check: RepairCheck, told: Told) -> None:
    """Unless the claim has run out and somebody else has asked since."""
    rows = RepairCheck.objects.filter(pk=check.pk, taken_until=check.taken_until)
    rows.update(**asdict(told), asked_at=timezone.now(), wanted_at=None, taken_until=None)


def _write(check: RepairCheck, told: Told) -> None:
    rows = RepairCheck.objects.filter(pk=check.pk)
    rows.update(**asdict(told), asked_at=timezone.now(), wanted_at=None, taken_until=None)


def _ask_all(
    checks: Sequence[RepairCheck],
    settle: Settle,
    *,
    patience: float | None = None,
    stop: Event | None = None,
) -> None:
    """Ask the connection that lists a device, otherwise each in turn until one knows it."""
    connections = list(Connection.objects.filter(active=True).order_by("pk"))
    owners = _owners(checks)
    open_checks = {check.pk: check for check in checks}
    unknown: dict[int, Told] = {}

    def keep(check: RepairCheck, told: Told) -> None:
        if told.standing == Standing.UNKNOWN and check.pk not in owners:
            unknown[check.pk] = told  # the next connection may know it
            return
        del open_checks[check.pk]
        settle(check, told)

    for connection in connections:
        its_own = [
            check for check in open_checks.values() if owners.get(check.pk, connection.pk) == connection.pk
        ]
        if its_own:
            async_to_sync(_ask_connection)(connection, its_own, keep, patience=patience, stop=stop)
    for key, told in unknown.items():
        if key in open_checks:
            settle(open_checks.pop(key), told)
    if stop is None or not stop.is_set():
        for check in open_checks.values():
            settle(check, Told(failure=_("No connection to Apple is active.")))


def _owners(checks: Iterable[RepairCheck]) -> dict[int, int]:
    """The active connection that lists each device, by the device."""
    serials = {check.device.serial_number or "": check.pk for check in checks}
    rows = AppleDevice.objects.filter(
        serial_number__in=serials, connection__active=True, gone_since__isnull=True
    )
    # One that two connections list is linked for the one it belongs to, and that one comes last.
    listed = rows.order_by("device").values_list("serial_number", "connection", "device")
    ordered = sorted(listed, key=lambda row: row[2] is not None)
    return {serials[serial]: connection for serial, connection, _device in ordered}


async def _ask_connection(
    connection: Connection,
    checks: Sequence[RepairCheck],
    settle: Settle,
    *,
    patience: float | None,
    stop: Event | None,
) -> None:
    """Ask about each; what the account as a whole is refused is the answer for all that are left."""
    settled: set[int] = set()
    lanes = asyncio.Semaphore(LANES)

    async def ask(apple: AppleSchool, check: RepairCheck) -> None:
        async with lanes:
            if stop is not None and stop.is_set():
                return
            await _turn(connection, LONGEST_WAIT if patience is None else min(patience, 2.0))
            told = await _told(apple, check.device.serial_number or "", connection)
            settled.add(check.pk)
            await sync_to_async(settle)(check, told)

    why = ""
    try:
        async with (
            asyncio.timeout(patience),
            open_apple(connection, limits=_limits(connection, patience)) as apple,
        ):
            await together(*(ask(apple, check) for check in checks))
    except TimeoutError:
        why = _("Apple did not answer within %(seconds)d seconds.") % {"seconds": patience or 0}
    except SecretCannotBeRead as error:
        why = str(error)
    except AppleError as error:
        why = await sync_to_async(_why)(error, connection)
    if why:
        for check in checks:
            if check.pk not in settled:
                await sync_to_async(settle)(check, Told(failure=why[:LONGEST_FAILURE]))


def _limits(connection: Connection, patience: float | None) -> Limits:
    return Limits(
        max_rate=settings.CONFIGURATION.apple_max_rate,
        concurrency=LANES,
        initial_rate=connection.pace,
        attempts=2 if patience else 3,
        timeout=min(patience or 15.0, 15.0),
        longest_wait=2.0 if patience else LONGEST_WAIT,
    )


async def _turn(connection: Connection, patience: float) -> None:
    """Wait for a slice of the connection's pace, which a sync and other processes draw on as well."""
    wait = await sync_to_async(pacing.reserve)(connection, REQUESTS, patience=patience)
    if wait > patience:
        raise RateLimited("", retry_after=wait)
    await asyncio.sleep(wait)


async def _told(apple: AppleSchool, serial_number: str, connection: Connection) -> Told:
    """Three answers at most. An error that concerns this device alone is its answer; others are raised."""
    try:
        device = await apple.org_device(serial_number)
    except NotFound:
        return Told(Standing.UNKNOWN)
    except AppleError as error:
        if not error.concerns_one_request or error.status is None:
            raise
        return Told(failure=diagnosis.of_error(error, connection).detail[:LONGEST_FAILURE])
    if device.released_from_org_at:
        return Told(Standing.RELEASED, device.product_family or "")
    assigned, server = await _assignment(apple, device)
    locked, lock_type, lock_failure = await _lock(apple, serial_number, assigned=assigned)
    return Told(
        standing=Standing.KNOWN,
        product_family=(device.product_family or "")[:50],
        is_assigned=assigned,
        server_name=server[:200],
        is_locked=locked,
        lock_type=lock_type[:50],
        lock_failure=lock_failure[:LONGEST_FAILURE],
    )


async def _assignment(apple: AppleSchool, device: OrgDevice) -> tuple[bool, str]:
    """Whether a service has it, and which. The device's own word stands where the service can't be asked."""
    if device.status == AssignmentStatus.UNASSIGNED:
        return False, ""
    try:
        server = await apple.assigned_server(device.serial_number)
    except (RateLimited, InvalidClient, NotAuthorized):
        raise
    except AppleError as error:
        if error.status is None:
            raise
        return True, ""
    return server is not None, (server.name or server.id) if server else ""


async def _lock(apple: AppleSchool, serial_number: str, *, assigned: bool) -> tuple[bool | None, str, str]:
    """Whether it is locked, how, and why Apple can't say. Of what no service has Apple says nothing, and means it."""
    try:
        lock = await apple.activation_lock_status(serial_number)
    except NotFound:
        return None, "", _("it has no record of the lock.") if assigned else ""
    except (RateLimited, InvalidClient, NotAuthorized):
        raise
    except Forbidden:
        return None, "", _("this API account may not read it.")
    except AppleError as error:
        if error.status is None:
            raise
        return None, "", str(error.sentence)
    if lock.is_locked is None:
        return None, "", _("its answer can't be read.")
    return lock.is_locked, lock.lock_type or "", ""


def _why(error: AppleError, connection: Connection) -> str:
    """In a sentence; what concerns the whole connection is noted there too."""
    if isinstance(error, RateLimited) and error.status and error.retry_after:
        pacing.hold(connection.pk, error.retry_after)
    if isinstance(error, InvalidClient):
        sentence = _("Apple refuses the credentials.")
    else:
        sentence = diagnosis.of_error(error, connection).detail
    if isinstance(error, InvalidClient | NotAuthorized | Forbidden):
        note_contact(connection, problem=sentence)
    return sentence
