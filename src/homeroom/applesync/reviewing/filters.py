from typing import Any

import django_filters as filters
from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from homeroom.applesync.models import Connection, Replacement
from homeroom.applesync.queries.replacements import search_replacements
from homeroom.inventory.models import Site
from homeroom.inventory.queries import visible_sites


def _connections(_request: HttpRequest) -> QuerySet[Connection]:
    return Connection.objects.defer("private_key")


def _sites(request: HttpRequest) -> QuerySet[Site]:
    return visible_sites(request.viewer)  # type: ignore[attr-defined]


def _search_box(example: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"type": "search", "placeholder": example, "autocomplete": "off"})


class ReplacementFilter(filters.FilterSet):
    q = filters.CharFilter(
        label=_("Search"),
        method="search",
        widget=_search_box(_("Either serial number, asset tag, order or incident number")),
    )
    state = filters.ChoiceFilter(
        label=_("State"), choices=Replacement.State.choices, empty_label=_("Every state")
    )
    site = filters.ModelChoiceFilter(
        label=_("Site"),
        queryset=_sites,
        field_name="incident__device__site",
        empty_label=_("Every site"),
    )
    connection = filters.ModelChoiceFilter(
        label=_("Connection"), queryset=_connections, empty_label=_("Every connection")
    )

    class Meta:
        model = Replacement
        fields = ("q", "state", "site", "connection")

    def search(self, rows: QuerySet[Replacement], _name: str, text: str) -> QuerySet[Replacement]:
        return search_replacements(rows, text)
