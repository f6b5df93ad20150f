from collections.abc import Mapping
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.access import ViewerRequest
from homeroom.inventory import queries
from homeroom.inventory.additions import added_filters, more_filters
from homeroom.inventory.models import Device, DeviceStatus, Person, Site

CURRENT = "current"
NOTHING = "(none)"
"""How an address says that a text is empty: an empty value is no filter."""


def exactly(text: str) -> str:
    """The text that a filter by a whole text means."""
    return "" if text == NOTHING else text


def with_default(data: Mapping[str, Any] | None, **defaults: Any) -> QueryDict:
    """What an address says, with what it means where it says nothing: a filter that is never left out."""
    told = data.copy() if isinstance(data, QueryDict) else QueryDict(mutable=True)
    for name, default in defaults.items():
        if not told.get(name, "").strip():
            told[name] = str(default)
    return told


def sites_of(request: ViewerRequest) -> QuerySet[Site]:
    """The sites among which whoever asks may choose."""
    return queries.visible_sites(request.viewer)


def search_box(example: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"type": "search", "placeholder": example, "autocomplete": "off"})


class DeviceFilter(filters.FilterSet):
    q = filters.CharFilter(
        label=_("Search"),
        method="search",
        widget=search_box(_("Tag, serial number, name, person")),
    )
    site = filters.ModelChoiceFilter(label=_("Site"), queryset=sites_of, empty_label=_("Every site"))
    status = filters.ModelChoiceFilter(
        label=_("Status"), queryset=lambda _request: DeviceStatus.objects.all(), empty_label=_("Every status")
    )
    product_family = filters.ChoiceFilter(
        label=_("Family"), choices=Device.ProductFamily.choices, empty_label=_("Every family")
    )
    held = filters.ChoiceFilter(
        label=_("With"),
        method="by_holder",
        choices=[("somebody", _("Somebody")), ("nobody", _("Nobody"))],
        empty_label=_("Anybody or nobody"),
    )

    status_kind = filters.ChoiceFilter(
        label=_("Kind of status"),
        method="by_kind",
        choices=[(CURRENT, _("Neither lost nor retired")), *DeviceStatus.Kind.choices],
        empty_label=_("Every kind"),
    )
    funding_source = filters.CharFilter(label=_("Funding source"), method="by_funding")

    class Meta:
        model = Device
        fields = ("q", "site", "status", "product_family", "held")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, added in added_filters().items():
            added.field_name, added.parent, added.model = name, self, Device
            self.filters.setdefault(name, added)  # what a narrower filter declares itself stands

    @property
    def more(self) -> list[str]:
        """The names of filters that stand apart, since few people need them."""
        return ["status_kind", "funding_source", *more_filters()]

    @property
    def uses_more(self) -> bool:
        return any(self.data.get(name) for name in self.more)

    def search(self, devices: QuerySet[Device], _name: str, text: str) -> QuerySet[Device]:
        return queries.search_devices(devices, text)

    def by_holder(self, devices: QuerySet[Device], _name: str, held: str) -> QuerySet[Device]:
        return queries.held(devices) if held == "somebody" else queries.not_held(devices)

    def by_kind(self, devices: QuerySet[Device], _name: str, kind: str) -> QuerySet[Device]:
        return queries.current(devices) if kind == CURRENT else devices.filter(status__kind=kind)

    def by_funding(self, devices: QuerySet[Device], _name: str, source: str) -> QuerySet[Device]:
        return devices.filter(funding_source=exactly(source))


class PersonFilter(filters.FilterSet):
    q = filters.CharFilter(
        label=_("Search"), method="search", widget=search_box(_("Name, external ID, email"))
    )
    site = filters.ModelChoiceFilter(label=_("Site"), queryset=sites_of, empty_label=_("Every site"))
    kind = filters.ChoiceFilter(label=_("Kind"), choices=Person.Kind.choices, empty_label=_("Everybody"))
    active = filters.ChoiceFilter(
        label=_("Active"),
        choices=[("true", _("Active")), ("false", _("Not active"))],
        empty_label=_("Active or not"),
        method="by_active",
    )

    class Meta:
        model = Person
        fields = ("q", "site", "kind", "active")

    def search(self, people: QuerySet[Person], _name: str, text: str) -> QuerySet[Person]:
        return queries.search_people(people, text)

    def by_active(self, people: QuerySet[Person], _name: str, active: str) -> QuerySet[Person]:
        return people.filter(active=active == "true")
