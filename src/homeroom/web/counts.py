"""Counting for a page: exactly as long as it is cheap, then "more than"."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.formats import number_format
from django.utils.translation import gettext as _

MOST_COUNTED = 10_000


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


def counted(rows: QuerySet[Any, Any], *, most: int = MOST_COUNTED, order: str = "") -> Number:
    """No page counts a million rows. `order`: in which the database soonest finds enough."""
    number = rows.order_by(*filter(None, [order])).values("pk")[: most + 1].count()
    return capped(number, most=most)


def capped(number: int, *, most: int = MOST_COUNTED) -> Number:
    """Of a number that was counted to one beyond the most."""
    return Number(min(number, most), number > most)
