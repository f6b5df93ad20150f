"""Filters of the list of devices by what Apple says of them."""

from decimal import Decimal, DecimalException

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from homeroom.applesync.queries.details import with_details
from homeroom.inventory.additions import ListAddition, add_to_device_list
from homeroom.inventory.filters import NOTHING, exactly
from homeroom.inventory.makes import of_another_make
from homeroom.inventory.models import Device

GIGABYTE = 10**9
"""As Apple counts."""
APPLE, OTHER = "apple", "other"


def add_apple_to_device_list() -> None:
    makes = [(APPLE, _("Apple, or not said")), (OTHER, _("Another make"))]
    added: dict[str, filters.Filter] = {
        "make": filters.ChoiceFilter(
            label=_("Make"), choices=makes, method=_by_make, empty_label=_("Every make")
        ),
        "model": filters.CharFilter(label=_("Model, exactly"), method=_by_model),
        "other_models": filters.CharFilter(
            label=_("Without these models, one a line"),
            method=_without_models,
            widget=forms.Textarea(attrs={"rows": 1}),
        ),
        "storage": filters.CharFilter(label=_("Storage in GB"), method=_by_storage),
    }
    for name, one in added.items():
        add_to_device_list(ListAddition(name, filter=one))


def storage_in_address(capacity: int | None) -> str:
    """A capacity as the filter takes it."""
    return NOTHING if capacity is None else f"{Decimal(capacity) / GIGABYTE:f}"


def _by_make(devices: QuerySet[Device], _name: str, make: str) -> QuerySet[Device]:
    return devices.filter(of_another_make() if make == OTHER else ~of_another_make())


def _by_model(devices: QuerySet[Device], _name: str, model: str) -> QuerySet[Device]:
    return with_details(devices).filter(Q(shown_model=exactly(model)))


def _without_models(devices: QuerySet[Device], _name: str, models: str) -> QuerySet[Device]:
    left_out = [exactly(line.strip()) for line in models.splitlines() if line.strip()]
    return with_details(devices).exclude(Q(shown_model__in=left_out))


def _by_storage(devices: QuerySet[Device], _name: str, storage: str) -> QuerySet[Device]:
    if storage == NOTHING:
        return devices.filter(apple_device__capacity__isnull=True)
    try:
        capacity = int(Decimal(storage) * GIGABYTE)
    except (DecimalException, ValueError, OverflowError):
        return devices.none()
    return devices.filter(apple_device__capacity=capacity) if 0 <= capacity < 2**63 else devices.none()
