"""How many rows a report has, and the keys of those that its page can turn over, in its order."""

from typing import Any

from django.db.models import QuerySet

from homeroom.reports.selection import Reading
from homeroom.web.counts import MOST_COUNTED, Number, capped

Keys = QuerySet[Any, int]


def keys_in_order(reading: Reading) -> tuple[Number, Keys | None]:
    """Few rows are looked for once, and then sorted. No keys: there are too many to be sorted while somebody waits."""
    asked = reading.selection
    found = list(asked.found.values_list("pk", flat=True)[: MOST_COUNTED + 1])
    number = capped(len(found), most=MOST_COUNTED)
    if not number.more:
        return number, asked.known.filter(pk__in=found).values_list("pk", flat=True)
    if reading.is_in_an_order_of_indexes or reading.is_in_usual_order:
        return number, asked.queryset.values_list("pk", flat=True)
    return number, None
