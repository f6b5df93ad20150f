"""The AppleCare coverage on the list of devices."""

from typing import Any

import django_filters as filters
import django_tables2 as tables
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from homeroom.insurance.queries import today, with_coverage
from homeroom.insurance.rules import CoverageState
from homeroom.inventory.additions import ListAddition, add_to_device_list
from homeroom.inventory.models import Device

STATES = (
    (CoverageState.COVERED.value, _("Covered")),
    (CoverageState.ENDED.value, _("Ended")),
    (CoverageState.NONE.value, _("Checked: none")),
    (CoverageState.UNKNOWN.value, _("Not known")),
)


def add_coverage_to_device_list() -> None:
    add_to_device_list(
        ListAddition(
            "coverage",
            annotate=lambda devices: with_coverage(devices, today()),
            column=_column,
            filter=filters.ChoiceFilter(
                label="AppleCare", choices=STATES, method=_in_state, empty_label=_("Any AppleCare")
            ),
        )
    )


def in_state(devices: QuerySet[Device], state: str) -> QuerySet[Device]:
    known: QuerySet[Any] = with_coverage(devices, today())
    return known.filter(coverage=state)


def _in_state(devices: QuerySet[Device], _name: str, state: str) -> QuerySet[Device]:
    return in_state(devices, state)


def _column() -> tables.Column:
    return tables.TemplateColumn(
        template_name="insurance/_coverage_cell.html",
        verbose_name="AppleCare",
        order_by=("coverage_ends", "pk"),
    )
