"""What higher apps add to the list of devices: columns and filters, without the list knowing them."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import django_filters as filters
import django_tables2 as tables
from django.db.models import QuerySet

from homeroom.inventory.models import Device


@dataclass(frozen=True, slots=True)
class ListAddition:
    """`annotate` brings what the column shows to the rows of a page. The filter stands in the address by `name`.

    A filter without a column is one that few people need: it stands under *More filters*.
    """

    name: str
    filter: filters.Filter
    annotate: Callable[[QuerySet[Device]], QuerySet[Device]] | None = None
    column: Callable[[], tables.Column] | None = None


_additions: list[ListAddition] = []


def add_to_device_list(addition: ListAddition) -> None:
    """Called once, in `AppConfig.ready()`."""
    _additions.append(addition)


def with_additions(devices: QuerySet[Device]) -> QuerySet[Device]:
    for addition in _additions:
        if addition.annotate is not None:
            devices = addition.annotate(devices)
    return devices


def added_columns() -> list[tuple[str, tables.Column]]:
    return [(addition.name, addition.column()) for addition in _additions if addition.column is not None]


def added_filters() -> dict[str, filters.Filter]:
    return {addition.name: deepcopy(addition.filter) for addition in _additions}


def more_filters() -> list[str]:
    return [addition.name for addition in _additions if addition.column is None]
