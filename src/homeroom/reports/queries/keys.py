"""How many rows a report has, and the keys of those that its page can turn over, in its order."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from homeroom.reports.selection import Reading
from homeroom.web.counts import MOST_COUNTED, Number, capped, counted

Keys = Sequence[int] | QuerySet[Any, int]
MOST_SORTED = 20_000
"""Rows that a page sorts while somebody waits; beyond, it has the orders that an index has."""


def keys_in_order(reading: Reading) -> tuple[Number, Keys | None]:
    """Each looked for once where that is as quick. No keys: there are too many to be sorted while somebody waits."""
    asked = reading.selection
    keys = asked.queryset.values_list("pk", flat=True)
    if reading.is_in_an_order_of_indexes:
        number = counted(asked.found)
        if number.more:  # fewer are better found all and sorted
            return number, keys.filter(asked.among)
    elif not reading.is_in_usual_order and counted(asked.found, most=MOST_SORTED).more:
        return Number(MOST_SORTED, more=True), None
    found = list(keys[: MOST_COUNTED + 1])
    return capped(len(found)), found
