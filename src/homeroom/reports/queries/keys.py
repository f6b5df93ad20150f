"""How many rows a report has, and the keys of those that its page can turn over, in its order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from homeroom.plans import merged
from homeroom.reports.selection import Reading
from homeroom.rows import Keyed
from homeroom.web.counts import Number, capped, most_counted

Keys = Sequence[int] | QuerySet[Any, int]


@dataclass(frozen=True, slots=True)
class Found:
    """What a report has. Without `keys` in order there are too many to be sorted while somebody waits."""

    number: Number
    keys: Keys | None


def find(reading: Reading) -> Found:
    """Rows are looked for once; what is asked of those that are not too many is asked by their keys."""
    most = most_counted(reading.viewer.site_ids)
    found = list(_soonest(reading)[: most + 1])
    number = capped(len(found), most=most)
    return Found(number, _in_order(reading, number, found))


def _soonest(reading: Reading) -> QuerySet[Any, int]:
    """The keys in the order in which the database soonest has enough of them, or in the one that is wanted."""
    found = reading.selection.found
    if reading.is_found_in_order:
        return reading.selection.keys_in_order(found)
    if reading.is_often_met:
        found = merged(found)
    return found.values_list("pk", flat=True)


def _in_order(reading: Reading, number: Number, found: Sequence[int]) -> Keys | None:
    asked = reading.selection
    if reading.is_found_in_order:
        return found
    if not number.more:
        return asked.keys_in_order(reading.report.known().filter(Keyed(found)))
    return asked.keys_in_order(asked.found) if reading.is_in_an_order_of_indexes else None
