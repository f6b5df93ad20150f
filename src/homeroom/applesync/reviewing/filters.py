import django_filters as filters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from homeroom.applesync.models import Connection, Replacement
from homeroom.applesync.queries.replacements import search_replacements
from homeroom.inventory.filters import search_box, sites_of


def _connections(_request: HttpRequest) -> QuerySet[Connection]:
    return Connection.objects.defer("private_key")


class ReplacementFilter(filters.FilterSet):
    q = filters.CharFilter(
        label=_("Search"),
        method="search",
        widget=search_box(_("Either serial number, asset tag, order or incident number")),
    )
    state = filters.ChoiceFilter(
        label=_("State"), choices=Replacement.State.choices, empty_label=_("Every state")
    )
    site = filters.ModelChoiceFilter(
        label=_("Site"),
        queryset=sites_of,
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
