"""The demo's devices at Apple: single ones, some of them overdue, and a box of identical iPads."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice

from django.db.models import Count, QuerySet

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.applesync.models import AppleDevice
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.models import Incident
from homeroom.incidents.queries import is_at_apple
from homeroom.incidents.verbs.incidents import open_incident
from homeroom.incidents.verbs.repairs import correct_shipping_day, receive_back, send_to_apple
from homeroom.incidents.verbs.shipments import add_unit, create_shipment, ship
from homeroom.insurance.queries import today
from homeroom.inventory.models import Assignment, Device
from homeroom.inventory.queries import possible_loaners
from homeroom.inventory.verbs.assignments import swap_for_loaner

IN_THE_BOX = 6
BEING_PACKED = 3
REASON = "The demo has no photos."
BATCH_SUMMARY = "Does not charge, from the cart of room 12"
SINGLE = (
    # What is wrong, how, days away, and whether its person has a loaner.
    ("screen", "Cracked screen after a fall", 33, True),
    ("battery", "Battery lasts an hour", 21, True),
    ("hardware", "Volume buttons stuck", 16, False),
    ("screen", "Lines across the display", 9, True),
    ("liquid", "Juice in the keyboard", 4, False),
    ("hardware", "No sound from the left speaker", 1, False),
)
ALIKE = ("product_type", "device_model", "color", "capacity", "part_number")


def send_some() -> None:
    """Fill the board, once: with incidents there it does nothing."""
    if Incident.objects.filter(sent_at__isnull=False).exists():
        return
    alike = _identical_ipads(IN_THE_BOX + BEING_PACKED)
    others = iter(_others(alike, len(SINGLE) + 1))
    _ship_a_box(alike[:IN_THE_BOX])
    for (kind, summary, days, lends), device in zip(SINGLE, islice(others, len(SINGLE)), strict=False):
        _send_one(device, kind, summary, days=days, lends=lends)
    for device in others:
        receive_back(_send_one(device, "battery", "Swollen battery", days=12, lends=True), actor=COMMAND_LINE)
    _begin_a_box(alike[IN_THE_BOX:])


def to_be_replaced() -> Iterator[tuple[str, list[str]]]:
    """Worth a replacement at the simulator: one recognized with certainty, and the box of which a person is asked."""
    away = Incident.objects.filter(is_at_apple()).order_by("pk")
    models = away.values_list("device__apple_device__product_type", flat=True)
    alone = [model for model, count in Counter(models).items() if model and count == 1]
    single = away.filter(shipment=None, device__apple_device__product_type__in=alone)
    if one := _serials(single[:1]):
        yield "The next sync pairs by itself what comes for this one", one
    if box := _serials(away.exclude(shipment=None)):
        yield "It asks about what comes for this box", box


def _serials(incidents: QuerySet[Incident]) -> list[str]:
    return [serial or "" for serial in incidents.values_list("device__serial_number", flat=True)]


def _ship_a_box(devices: Sequence[Device]) -> None:
    box = create_shipment(
        reference="Cart 12", carrier="UPS", tracking_number="1Z999AA10123456784", actor=COMMAND_LINE
    )
    for device in devices:
        incident = open_incident(device, summary=BATCH_SUMMARY, actor=COMMAND_LINE)
        add_unit(box, incident, actor=COMMAND_LINE)
    if devices:
        ship(box, reason=REASON, shipped_on=today() - timedelta(days=6), actor=COMMAND_LINE)


def _begin_a_box(devices: Sequence[Device]) -> None:
    box = create_shipment(reference="Cart 14", actor=COMMAND_LINE)
    for device in devices:
        incident = open_incident(device, kind="screen", summary="Cracked screen", actor=COMMAND_LINE)
        add_unit(box, incident, actor=COMMAND_LINE)


def _send_one(device: Device, kind: str, summary: str, *, days: int, lends: bool) -> Incident:
    incident = open_incident(device, kind=kind, summary=summary, actor=COMMAND_LINE)
    if lends and (loaner := possible_loaners(COMMAND_LINE_VIEWER, device).first()):
        swap_for_loaner(device, loaner, actor=COMMAND_LINE)
    sent = send_to_apple(incident, reason=REASON, actor=COMMAND_LINE)
    if days:
        shipped_on = today() - timedelta(days=days)
        reason = "Entered later in the demo."
        sent = correct_shipping_day(sent, shipped_on=shipped_on, reason=reason, actor=COMMAND_LINE)
    return sent


def _identical_ipads(most: int) -> list[Device]:
    """Of the model, color and size of which the district carries most."""
    carried = _carried().filter(apple_device__product_family="iPad")
    paths = [f"apple_device__{name}" for name in ALIKE]
    largest = carried.values(*paths).annotate(count=Count("pk")).order_by("-count", *paths).first()
    if largest is None:
        return []
    largest.pop("count")
    return list(carried.filter(**largest).order_by("pk")[:most])


def _others(alike: Sequence[Device], most: int) -> list[Device]:
    return list(_carried().exclude(pk__in=[device.pk for device in alike]).order_by("pk")[:most])


def _carried() -> QuerySet[Device]:
    """What people have and Apple lists, and nothing has befallen yet."""
    listed = AppleDevice.objects.filter(gone_since__isnull=True, device__isnull=False).values("device")
    held = Assignment.objects.filter(ended_at__isnull=True, kind=Assignment.Kind.PRIMARY).values("device")
    return Device.objects.filter(pk__in=listed, incidents__isnull=True).filter(pk__in=held)
