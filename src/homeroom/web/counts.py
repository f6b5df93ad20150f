"""Counting for a page: exactly as long as it is cheap, then "more than"."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.formats import number_format
from django.utils.translation import gettext as _

MOST_COUNTED = 10_000
MOST_OF_SITES = 3_000
"""For somebody who does not see all sites: for each row that they see, others are looked at that they don't."""


def written(number: int) -> str:
    """As people read it, its thousands apart."""
    return str(number_format(number, force_grouping=True))


@dataclass(frozen=True, slots=True)
class Number:
    """How many rows there are, counted only so far."""

    counted: int
    more: bool = False

    @property
    def shown(self) -> str:
        number = written(self.counted)
        return _("more than %(number)s") % {"number": number} if self.more else number

    def __bool__(self) -> bool:
        return self.counted > 0


def most_counted(site_ids: Collection[int] | None) -> int:
    """For somebody who sees these sites; None: all."""
    return MOST_COUNTED if site_ids is None else MOST_OF_SITES


def counted(rows: QuerySet[Any, Any], *, most: int = MOST_COUNTED, order: str = "") -> Number:
    """No page counts a million rows. `order`: in which the database soonest finds enough."""
    number = rows.order_by(*filter(None, [order])).values("pk")[: most + 1].count()
    return capped(number, most=most)


def capped(number: int, *, most: int = MOST_COUNTED) -> Number:
    """Of a number that was counted to one beyond the most."""
    return Number(min(number, most), number > most)
