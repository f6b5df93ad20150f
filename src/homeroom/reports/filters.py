"""The list behind the numbers of repairs and incidents."""

from datetime import date
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from homeroom.applesync.queries.details import shown_model
from homeroom.incidents.models import Incident
from homeroom.incidents.queries import is_at_apple
from homeroom.insurance.queries import today
from homeroom.inventory.filters import exactly, search_box, sites_of
from homeroom.inventory.models import Device
from homeroom.reports.queries.incidents import (
    closed_in_month,
    counted_in_rates,
    repaired_lately,
    with_result,
)
from homeroom.reports.statistics.figures import next_month
from homeroom.reports.statistics.tally import REPLACED, SAME_UNIT
from homeroom.web.searching import with_words, within

REPAIRS, AT_APPLE, INCIDENTS = "repairs", "at-apple", "incidents"


class CountedIncidentFilter(filters.FilterSet):
    q = filters.CharFilter(
        label=_("Search"),
        method="search",
        widget=search_box(_("Tag, serial number, summary")),
    )
    of = filters.ChoiceFilter(
        label=_("Which"),
        method="by_sort",
        choices=[
            (REPAIRS, _("Repairs at Apple that ended")),
            (AT_APPLE, _("At Apple now")),
            (INCIDENTS, _("Opened lately, lost and stolen aside")),
        ],
        empty_label=_("Every incident"),
    )
    month = filters.DateFilter(
        label=_("Closed in"),
        method="by_month",
        input_formats=["%Y-%m"],
        widget=forms.DateInput(attrs={"type": "month"}, format="%Y-%m"),
    )
    result = filters.ChoiceFilter(
        label=_("What came back"),
        method="by_result",
        choices=[(SAME_UNIT, _("The same unit")), (REPLACED, _("Another unit"))],
        empty_label=_("Either"),
    )
    site = filters.ModelChoiceFilter(
        field_name="device__site", label=_("Site"), queryset=sites_of, empty_label=_("Every site")
    )
    product_family = filters.ChoiceFilter(
        field_name="device__product_family",
        label=_("Family"),
        choices=Device.ProductFamily.choices,
        empty_label=_("Every family"),
    )
    model = filters.CharFilter(label=_("Model, exactly"), method="by_model")
    funding_source = filters.CharFilter(label=_("Funding source"), method="by_funding")

    more = ("model", "funding_source")

    class Meta:
        model = Incident
        fields = ("q", "of", "month", "result", "site", "product_family", "model", "funding_source")

    @property
    def uses_more(self) -> bool:
        return any(self.data.get(name) for name in self.more)

    def search(self, incidents: QuerySet[Incident], _name: str, text: str) -> QuerySet[Incident]:
        return with_words(incidents, text, within("device__asset_tag", "device__serial_number", "summary"))

    def by_sort(self, incidents: QuerySet[Incident], _name: str, sort: str) -> QuerySet[Incident]:
        day = today()
        which = {REPAIRS: repaired_lately(day), AT_APPLE: is_at_apple(), INCIDENTS: counted_in_rates(day)}
        return incidents.filter(which[sort])

    def by_month(self, incidents: QuerySet[Incident], _name: str, month: date) -> QuerySet[Incident]:
        return incidents.filter(closed_in_month(month, next_month(month)))

    def by_result(self, incidents: QuerySet[Incident], _name: str, result: str) -> QuerySet[Incident]:
        return incidents.filter(with_result(result))

    def by_model(self, incidents: QuerySet[Any], _name: str, model: str) -> QuerySet[Any]:
        named: QuerySet[Any] = incidents.alias(shown_model=shown_model("device__"))
        return named.filter(shown_model=exactly(model))

    def by_funding(self, incidents: QuerySet[Incident], _name: str, source: str) -> QuerySet[Incident]:
        return incidents.filter(device__funding_source=exactly(source))
