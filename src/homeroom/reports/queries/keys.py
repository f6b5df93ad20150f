"""How many rows a report has, and the keys of those that its page can turn over, in its order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from homeroom.reports.selection import Reading
from homeroom.rows import Keyed
from homeroom.web.counts import MOST_COUNTED, Number, capped

Keys = QuerySet[Any, int]
FEW = 2_000
"""Rows that are sooner sorted than met in the order of an index."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a report has. Without `keys` in order there are too many to be sorted while somebody waits."""

    number: Number
    keys: Keys | None


def find(reading: Reading) -> Found:
    """Rows are looked for once; what is asked of few of them is asked by their keys."""
    found = list(reading.selection.found.values_list("pk", flat=True)[: MOST_COUNTED + 1])
    return Found(capped(len(found), most=MOST_COUNTED), _in_order(reading, found))


def _in_order(reading: Reading, found: Sequence[int]) -> Keys | None:
    asked, more = reading.selection, len(found) > MOST_COUNTED
    is_met_in_order = reading.is_in_an_order_of_indexes and len(found) > FEW
    if is_met_in_order or (more and reading.is_in_usual_order):
        return asked.queryset.values_list("pk", flat=True)
    return None if more else asked.known.filter(Keyed(found)).values_list("pk", flat=True)
