"""Why a device stands as it does: the facts gathered, for the profile, the page, the command and the API alike."""

from collections.abc import Sequence
from typing import Annotated

from django.conf import settings
from django.db.models import Case, F, OuterRef, Q, Subquery, When
from django.utils import timezone
from django_stubs_ext.annotations import Annotations

from homeroom.accounts.policy import Viewer
from homeroom.applesync.models import AppleDevice, Connection, Replacement, RunChange, RunNote, SyncRun
from homeroom.applesync.queries.connections import Standing, standings
from homeroom.applesync.queries.considered import Considered, considered
from homeroom.applesync.queries.reconciliation import near_listed
from homeroom.applesync.queries.replacements import replacements
from homeroom.applesync.queries.runs import Listing, complete_listings
from homeroom.applesync.why.answers import Answer
from homeroom.applesync.why.facts import Facts, Insurance
from homeroom.applesync.why.rules import findings
from homeroom.incidents.models import Incident
from homeroom.incidents.queries import is_at_apple
from homeroom.insurance.models import InsuranceRecord
from homeroom.insurance.panels import coverages_of
from homeroom.insurance.queries import today
from homeroom.inventory import queries as inventory
from homeroom.inventory.models import Device
from homeroom.inventory.near import near_key

FEW = 3


def why(viewer: Viewer, asked: str) -> Answer:
    """Why the device with this serial number or asset tag stands as it does; also where there is no such device."""
    asked = asked.replace("\0", "").strip()  # which no database compares
    return _answer(_facts(viewer, asked, _device(viewer, asked)))


def why_of_device(viewer: Viewer, device: Device) -> Answer:
    """The same of a device that the viewer looks at."""
    return _answer(_facts(viewer, device.serial_number or device.asset_tag or "", device))


def _answer(facts: Facts) -> Answer:
    device, known = facts.device, facts.device or facts.elsewhere
    return Answer(
        asked=facts.asked,
        device_id=device.pk if device else None,
        serial_number=facts.serial_number,
        asset_tag=(known.asset_tag or "") if known else "",
        findings=findings(facts),
    )


def _device(viewer: Viewer, asked: str) -> Device | None:
    """As it was asked, or else in capitals, as Apple writes serial numbers."""
    found = inventory.device_by_serial_or_tag(viewer, asked)
    return found or inventory.device_by_serial_or_tag(viewer, asked.upper())


def _facts(viewer: Viewer, asked: str, device: Device | None) -> Facts:
    pk = None if device else inventory.device_scanned(asked)
    elsewhere = inventory.device_elsewhere(pk) if pk else None
    serial = (device.serial_number or "") if device else asked.upper()
    known = standings(viewer)
    rows = [] if elsewhere or not serial else _rows(serial, device)
    is_listed = any(row.connection.active and row.gone_since is None for row in rows)
    listings = _listings(known)
    incident = _incident(device) if device else None
    return Facts(
        viewer=viewer,
        asked=asked,
        device=device,
        elsewhere=elsewhere,
        near_devices=[] if device or elsewhere else _near_devices(viewer, serial),
        standings=known,
        rows=rows,
        near_rows=[] if elsewhere or is_listed else _near_rows(viewer, serial),
        listed_at={run.connection_id: run.listed_at for run in listings if run.listed_at},
        unreadable=0 if is_listed else _unreadable(listings),
        decision=_decision(known, serial) if device else None,
        incident=incident,
        pairings=_pairings(viewer, serial),
        considered=_considered(incident, rows),
        insurance=_insurance(device) if device else None,
        cycle=settings.CONFIGURATION.coverage_max_age_days,
        now=timezone.now(),
        today=today(),
    )


def _rows(serial: str, device: Device | None) -> Sequence[AppleDevice]:
    """That of the connection to which it belongs first, then the one that was added last."""
    found = AppleDevice.objects.filter(serial_number=serial).select_related("connection")
    rows = found.defer("connection__private_key").order_by(F("added_at").desc(nulls_last=True), "-pk")
    return sorted(rows, key=lambda row: device is None or row.device_id != device.pk)


def _incident(device: Device) -> Incident | None:
    """At Apple before everything else, then the one that was sent last, then one that is open."""
    asking = Q(sent_at__isnull=False) | Q(closed_at__isnull=True)
    order = (Case(When(is_at_apple(), then=0), default=1), F("sent_at").desc(nulls_last=True), "-number")
    return device.incidents.filter(asking).select_related("status", "device").order_by(*order).first()


def _pairings(viewer: Viewer, serial: str) -> Sequence[Replacement]:
    either = Q(original_serial=serial) | Q(replacement_serial=serial)
    found = replacements(viewer).filter(either).select_related("incident")
    return list(found.order_by(F("decided_at").desc(nulls_last=True), "rank", "pk")) if serial else []


def _considered(incident: Incident | None, rows: Sequence[AppleDevice]) -> Sequence[Considered]:
    """Of an incident that still waits for a replacement, and whose device Apple has listed."""
    if incident is None or not incident.is_open or not rows:
        return []
    return considered(incident, rows[0])


def _near_devices(viewer: Viewer, serial: str) -> Sequence[Device]:
    key = near_key(serial)
    near = inventory.visible_devices(viewer).filter(near_key=key).order_by("pk")
    return list(near[:FEW]) if key else []


def _near_rows(viewer: Viewer, serial: str) -> Sequence[AppleDevice]:
    key = near_key(serial)
    return list(near_listed(viewer, key)[:FEW]) if key else []


def _listings(known: Sequence[Standing]) -> Sequence[Annotated[SyncRun, Annotations[Listing]]]:
    """The last complete one of each active connection."""
    active = Connection.objects.filter(
        pk__in=[each.connection.pk for each in known if each.connection.active]
    )
    last = complete_listings().filter(connection=OuterRef("pk")).values("pk")[:1]
    return list(complete_listings().filter(pk__in=active.annotate(last=Subquery(last)).values("last")))


def _unreadable(listings: Sequence[SyncRun]) -> int:
    """Of a preview that was applied, the notes are the preview's."""
    runs = {run.pk for run in listings} | {run.replays_id for run in listings if run.replays_id}
    return RunNote.objects.filter(run__in=runs, kind=RunNote.Kind.UNREADABLE).count()


def _decision(known: Sequence[Standing], serial: str) -> RunChange | None:
    held = [each.held_run for each in known if each.connection.active and each.held_run]
    planned = RunChange.objects.filter(run__in=held, state=RunChange.State.PLANNED, serial_number=serial)
    return planned.first() if held else None


def _insurance(device: Device) -> Insurance:
    records = list(InsuranceRecord.objects.filter(device=device))
    applecare, warranty = coverages_of(device, records)
    return Insurance(applecare, warranty, records)
