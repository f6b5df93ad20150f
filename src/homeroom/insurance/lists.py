"""The AppleCare coverage on the list of devices."""

from datetime import date

import django_filters as filters
import django_tables2 as tables
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from homeroom.insurance import queries
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
LONGEST = 36_500
"""Days that a filter looks ahead at most."""


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
    for name, more in _more_filters().items():
        add_to_device_list(ListAddition(name, filter=more))


def in_state(devices: QuerySet[Device], state: str) -> QuerySet[Device]:
    return queries.in_state(devices, state, today())


def _more_filters() -> dict[str, filters.Filter]:
    a_day = forms.DateInput(attrs={"type": "date"})
    return {
        "warranty": filters.ChoiceFilter(
            label=_("Limited warranty"), choices=STATES, method=_with_warranty, empty_label=_("Any warranty")
        ),
        "expiring": filters.NumberFilter(
            label=_("AppleCare ends within days"), method=_expiring, min_value=0, max_value=LONGEST
        ),
        "ends_from": filters.DateFilter(label=_("AppleCare ends from"), method=_ends_from, widget=a_day),
        "ends_until": filters.DateFilter(label=_("AppleCare ends until"), method=_ends_until, widget=a_day),
        "ends": filters.ChoiceFilter(
            label=_("AppleCare's end"),
            choices=[("known", _("Known")), ("none", _("No end date"))],
            method=_with_end,
            empty_label=_("Known or not"),
        ),
    }


def _in_state(devices: QuerySet[Device], _name: str, state: str) -> QuerySet[Device]:
    return in_state(devices, state)


def _with_warranty(devices: QuerySet[Device], _name: str, state: str) -> QuerySet[Device]:
    return queries.in_state(devices, state, today(), kind="warranty")


def _expiring(devices: QuerySet[Device], _name: str, days: int) -> QuerySet[Device]:
    return queries.expiring(devices, today(), within=int(days))


def _ends_from(devices: QuerySet[Device], _name: str, day: date) -> QuerySet[Device]:
    return queries.ending(devices, today(), since=day)


def _ends_until(devices: QuerySet[Device], _name: str, day: date) -> QuerySet[Device]:
    return queries.ending(devices, today(), until=day)


def _with_end(devices: QuerySet[Device], _name: str, end: str) -> QuerySet[Device]:
    return with_coverage(devices, today()).filter(Q(coverage_ends__isnull=end == "none"))


def _column() -> tables.Column:
    return tables.TemplateColumn(
        template_name="insurance/_coverage_cell.html",
        verbose_name="AppleCare",
        order_by=("coverage_ends", "pk"),
    )
