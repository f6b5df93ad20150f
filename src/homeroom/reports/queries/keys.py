"""How many rows a report has, and the keys of those that its page can turn over, in its order."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from homeroom.reports.selection import Reading
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
    asked = reading.selection
    found = list(asked.found.values_list("pk", flat=True)[: MOST_COUNTED + 1])
    number = capped(len(found), most=MOST_COUNTED)
    return Found(number, _in_order(reading, number, asked.known.filter(pk__in=found)))


def _in_order(reading: Reading, number: Number, rows: QuerySet[Any]) -> Keys | None:
    is_met_in_order = reading.is_in_an_order_of_indexes and number.counted > FEW
    if is_met_in_order or (number.more and reading.is_in_usual_order):
        rows = reading.selection.queryset
    elif number.more:
        return None
    return rows.values_list("pk", flat=True)
