"""What can be asked about replacements. Who sees an incident sees which devices may replace its device.

A depot's technicians ship and receive for every site: they also see what waits for its replacement to be received.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from homeroom.accounts.policy import Permission, Viewer
from homeroom.applesync.models import AppleDevice, Connection, Replacement
from homeroom.applesync.queries.orders import HasReplacementOrder
from homeroom.audit.models import Entry
from homeroom.incidents.models import Incident
from homeroom.incidents.queries import at_apple, incident_number, incidents, is_at_apple
from homeroom.inventory.models import Device
from homeroom.inventory.queries import tag_has, visible_devices
from homeroom.web.searching import with_words, within

State = Replacement.State
SHOWN_WITH = (
    "connection",
    "apple_device",
    "incident__status",
    "incident__person",
    "incident__shipment",
    "incident__device__site",
    "incident__device__status",
    "incident__device__apple_device",
)


def replacements(viewer: Viewer) -> QuerySet[Replacement]:
    """Every pairing of an incident that the viewer sees, in whatever state."""
    if not viewer.may(Permission.VIEW_INCIDENTS):
        return Replacement.objects.none()
    if viewer.site_ids is None:
        return Replacement.objects.all()
    # Looked up pairing by pairing: every page of the menu counts those that wait, and they are few.
    seen = Q(Exists(incidents(viewer).order_by().filter(pk=OuterRef("incident"))))
    if viewer.works_at_depot:
        seen |= Q(incident__status__system_key__isnull=False)
    if viewer.may(Permission.VIEW_SYNC):  # what is not ours is of no site, as all that is unmatched
        seen |= Q(incident__isnull=True)
    return Replacement.objects.filter(seen)


def shown(rows: QuerySet[Replacement]) -> QuerySet[Replacement]:
    """With all that a page tells of each, in one query."""
    return rows.select_related(*SHOWN_WITH).defer("connection__private_key")


def suggestions(viewer: Viewer) -> QuerySet[Replacement]:
    return replacements(viewer).filter(state=State.SUGGESTED)


def best_suggestions(viewer: Viewer) -> QuerySet[Replacement]:
    """Of each new device the best suggestion, those of one box to Apple together."""
    of_candidate = suggestions(viewer).filter(
        connection=OuterRef("connection"), replacement_serial=OuterRef("replacement_serial")
    )
    best = of_candidate.order_by("rank", "pk").values("pk")[:1]
    return (
        suggestions(viewer)
        .filter(pk=Subquery(best))
        .order_by(
            F("incident__shipment").asc(nulls_last=True),
            "connection",
            "apple_device__device_model",
            "apple_device__capacity",
            "detected_at",
            "pk",
        )
    )


def candidates_to_review(viewer: Viewer) -> int:
    """How many new devices wait for a person. For the menu of every page, so it asks for no more than that."""
    waiting = suggestions(viewer).order_by().values("connection", "replacement_serial")
    return waiting.distinct().count()


def other_suggestions(viewer: Viewer, best: Iterable[Replacement]) -> dict[int, int]:
    """How many other incidents are suggested for each of these, by its id."""
    found = list(best)
    rows = suggestions(viewer).filter(replacement_serial__in=[each.replacement_serial for each in found])
    counts: dict[tuple[int, str], int] = {}
    for key in rows.order_by().values_list("connection_id", "replacement_serial"):
        counts[key] = counts.get(key, 0) + 1
    return {each.pk: counts.get((each.connection_id, each.replacement_serial), 1) - 1 for each in found}


def is_suggested_elsewhere(viewer: Viewer, candidate: AppleDevice) -> bool:
    """Whether it may replace a device that the viewer doesn't see: others know whether it is theirs."""
    of_it = Replacement.objects.filter(
        state=State.SUGGESTED,
        connection=candidate.connection_id,
        replacement_serial=candidate.serial_number,
    )
    return of_it.exclude(pk__in=suggestions(viewer).values("pk")).exists()


def suggestions_for(viewer: Viewer, candidate: AppleDevice) -> QuerySet[Replacement]:
    """All for one new device, the best first."""
    of_it = suggestions(viewer).filter(
        connection=candidate.connection_id, replacement_serial=candidate.serial_number
    )
    return shown(of_it).order_by("rank", "pk")


def candidates(viewer: Viewer) -> QuerySet[AppleDevice]:
    """What Apple lists and a person may pair with an incident; it belongs to no site."""
    if not viewer.may(Permission.REVIEW_REPLACEMENTS):
        return AppleDevice.objects.none()
    return AppleDevice.objects.select_related("connection").defer("connection__private_key")


def candidates_without_incident(viewer: Viewer) -> QuerySet[Any]:
    """New devices with an order number as replacements have it, for which nothing is suggested or decided.

    Only those that appeared since Homeroom knows the connection, or since its first open repair was shipped: what a
    district received in former years is nobody's question. What is in the inventory has been accounted for.
    """
    decided = Replacement.objects.filter(
        Q(state__in=(State.SUGGESTED, State.APPLIED)) | Q(incident__isnull=True),
        connection=OuterRef("connection"),
        replacement_serial=OuterRef("serial_number"),
    )
    in_inventory = Device.objects.filter(serial_number=OuterRef("serial_number"))
    lately = Q(appeared_at__gte=F("connection__created_at"))
    shipped = Incident.objects.filter(is_at_apple()).aggregate(first=Min("shipped_on"))["first"]
    if shipped:
        lately |= Q(appeared_at__date__gte=shipped)
    return (
        candidates(viewer)
        .annotate(appeared_at=Coalesce("added_at", "first_seen_at"))
        .filter(
            HasReplacementOrder(),
            lately,
            ~Exists(decided),
            ~Exists(in_inventory),
            connection__active=True,
            connection__process_replacements=True,
            gone_since__isnull=True,
        )
        .order_by("-appeared_at", "pk")
    )


def incidents_for(viewer: Viewer, candidate: AppleDevice) -> QuerySet[Incident]:
    """At Apple, of the candidate's connection as far as anybody knows, the longest away first."""
    listed_by = Q(device__apple_device__connection=candidate.connection_id)
    return (
        at_apple(viewer)
        .filter(listed_by | Q(device__apple_device__isnull=True))
        .exclude(device__serial_number=candidate.serial_number)
        .select_related("device__site", "device__apple_device", "person", "status", "shipment")
    )


def search_replacements(rows: QuerySet[Replacement], text: str) -> QuerySet[Replacement]:
    """Every word must be found in either serial number, the original's tag, the order or the incident's number."""
    return with_words(rows, text, _replacement_has)


def _replacement_has(word: str) -> Q:
    fields = ("original_serial", "replacement_serial", "order_number")
    has_it = within(*fields)(word) | tag_has(word, "incident__device")
    number = incident_number(word)
    return has_it if number is None else has_it | Q(incident=number)


CHAIN = """
WITH RECURSIVE chain (id, original_serial, replacement_serial) AS (
    SELECT id, original_serial, replacement_serial FROM applesync_replacement
    WHERE state = 'applied' AND (original_serial = %s OR replacement_serial = %s)
    UNION
    SELECT one.id, one.original_serial, one.replacement_serial FROM applesync_replacement AS one
    JOIN chain ON one.original_serial = chain.replacement_serial OR one.replacement_serial = chain.original_serial
    WHERE one.state = 'applied'
)
SELECT id, original_serial, replacement_serial FROM chain
"""


def chain_of(serial_number: str) -> Sequence[Replacement]:
    """What was applied before and after, the first original first. Takes no viewer: they see one of the devices."""
    found = list(Replacement.objects.raw(CHAIN, [serial_number, serial_number])) if serial_number else []
    by_original = {each.original_serial: each for each in found}
    replacements_of_others = {each.replacement_serial for each in found}
    firsts = [each for each in found if each.original_serial not in replacements_of_others] or found[:1]
    ordered: list[Replacement] = []
    step = firsts[0] if firsts else None
    while step is not None and step not in ordered:
        ordered.append(step)
        step = by_original.get(step.replacement_serial)
    return ordered


def devices_called(viewer: Viewer, serial_numbers: Iterable[str]) -> dict[str, Device]:
    """Those of these serial numbers that the inventory has and the viewer sees."""
    found = visible_devices(viewer).filter(serial_number__in=list(serial_numbers))
    return {device.serial_number or "": device for device in found}


def entries_of(replacement: Replacement) -> QuerySet[Entry]:
    """Its audit trail, the latest first. Takes no viewer: they see the replacement."""
    kind = Replacement._meta.label_lower
    return Entry.objects.filter(object_type=kind, object_id=str(replacement.pk)).order_by("-pk")


def connections_that_process(viewer: Viewer) -> QuerySet[Connection]:
    """Without any, nothing is ever suggested."""
    found = Connection.objects.defer("private_key").filter(active=True, process_replacements=True)
    return found if viewer.may(Permission.REVIEW_REPLACEMENTS) else found.none()
