"""Searching a list: every word of what was typed must be found in a row."""

from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from homeroom.rows import Keyed

Row = TypeVar("Row", bound=Model)


def with_words(
    rows: QuerySet[Row],
    text: str,
    has: Callable[[str], Q],
    *,
    known: Callable[[str], set[int] | None] = lambda _word: None,
) -> QuerySet[Row]:
    """The rows that have each word; `has` says what it is to have one.

    `known` may know the keys of all that have it, where these are few.
    """
    having: set[int] | None = None
    for word in dict.fromkeys(text.split()):
        keys = known(word)
        if keys is None:
            rows = rows.filter(has(word))
        else:
            having = keys if having is None else having & keys
    return rows if having is None else rows.filter(Keyed(having))


def within(*paths: str) -> Callable[[str], Q]:
    """Whether one of these fields contains a word, in capitals or not."""

    def has(word: str) -> Q:
        return reduce(or_, (Q(**{f"{path}__icontains": word}) for path in paths))

    return has
