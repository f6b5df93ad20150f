"""Devices and incidents in groups of like ones: one statement each, which the database counts."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db.models import BooleanField, Case, Count, Q, QuerySet, Value, When
from django.db.models.functions import TruncDate

from homeroom.applesync.queries.details import shown_model, with_details
from homeroom.incidents.models import Incident
from homeroom.incidents.queries import is_at_apple
from homeroom.insurance.queries import with_coverage
from homeroom.inventory.makes import of_another_make
from homeroom.inventory.models import Device
from homeroom.reports.queries.incidents import countable, opened_lately, zone
from homeroom.reports.statistics.tally import DeviceGroup, IncidentGroup, Values

CHUNK = 10_000


def device_groups(devices: QuerySet[Device], day: date) -> Iterator[DeviceGroup]:
    described: QuerySet[Any] = with_coverage(with_details(devices), day).annotate(
        other_make=_whether(of_another_make())
    )
    names = (
        "site_id",
        "product_family",
        "shown_model",
        "funding_source",
        "status__kind",
        "other_make",
        "storage",
        "coverage",
        "warranty",
        "coverage_ends",
    )
    rows = described.order_by().values_list(*names).annotate(number=Count("pk"))
    for site, family, model, funding, kind, other, storage, coverage, warranty, ends, number in rows.iterator(
        chunk_size=CHUNK
    ):
        of = Values(site, family, model, funding)
        yield DeviceGroup(of, kind, other, storage, coverage, warranty, ends, number)


def incident_groups(incidents: QuerySet[Incident], day: date) -> Iterator[IncidentGroup]:
    """Of those that can count: opened or closed lately, or with their device at Apple."""
    described: QuerySet[Any] = incidents.filter(countable(day)).annotate(
        shown_model=shown_model("device__"),
        opened_lately=_whether(opened_lately(day)),
        away=_whether(is_at_apple()),
        closed_on=TruncDate("closed_at", tzinfo=zone()),
    )
    names = (
        "device__site_id",
        "device__product_family",
        "shown_model",
        "device__funding_source",
        "kind",
        "outcome",
        "opened_lately",
        "away",
        "shipped_on",
        "closed_on",
    )
    rows = described.order_by().values_list(*names).annotate(number=Count("pk"))
    for site, family, model, funding, kind, outcome, opened, away, shipped, closed, number in rows.iterator(
        chunk_size=CHUNK
    ):
        of = Values(site, family, model, funding)
        yield IncidentGroup(of, kind, outcome, opened, away, shipped, closed, number)


def _whether(condition: Q) -> Case:
    return Case(
        When(condition, then=Value(value=True)), default=Value(value=False), output_field=BooleanField()
    )
