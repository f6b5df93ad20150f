import django_filters as filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.access import ViewerRequest
from homeroom.applesync.models import AppleDevice, Connection
from homeroom.applesync.queries import connections
from homeroom.applesync.queries import reconciliation as queries
from homeroom.inventory.filters import search_box, sites_of
from homeroom.inventory.makes import APPLE_FAMILIES
from homeroom.inventory.models import Device
from homeroom.inventory.queries import search_devices

FAMILIES = [(family.value, family.label) for family in APPLE_FAMILIES]


def _connections(request: ViewerRequest) -> QuerySet[Connection]:
    return connections.connections(request.viewer).filter(active=True)


class InAppleFilter(filters.FilterSet):
    q = filters.CharFilter(
        label=_("Search"), method="search", widget=search_box(_("Serial, order or part number, model"))
    )
    connection = filters.ModelChoiceFilter(
        label=_("Connection"), queryset=_connections, empty_label=_("Every connection")
    )
    product_family = filters.ChoiceFilter(label=_("Family"), choices=FAMILIES, empty_label=_("Every family"))
    near = filters.ChoiceFilter(
        label=_("Near match"),
        method="by_near_match",
        choices=[("without", _("Without one")), ("with", _("With one"))],
        empty_label=_("With or without"),
    )

    class Meta:
        model = AppleDevice
        fields = ("q", "connection", "product_family", "near")

    def search(self, rows: QuerySet[AppleDevice], _name: str, text: str) -> QuerySet[AppleDevice]:
        return queries.search_apple_devices(rows, text)

    def by_near_match(self, rows: QuerySet[AppleDevice], _name: str, near: str) -> QuerySet[AppleDevice]:
        return queries.with_near_device(rows).filter(near_match=near == "with")


class InInventoryFilter(filters.FilterSet):
    q = filters.CharFilter(
        label=_("Search"), method="search", widget=search_box(_("Tag, serial number, name, person"))
    )
    site = filters.ModelChoiceFilter(label=_("Site"), queryset=sites_of, empty_label=_("Every site"))
    product_family = filters.ChoiceFilter(label=_("Family"), choices=FAMILIES, empty_label=_("Every family"))
    retired = filters.ChoiceFilter(
        label=_("Retired"),
        method="by_retired",
        choices=[("no", _("Not retired")), ("yes", _("Retired"))],
        empty_label=_("Retired or not"),
    )

    class Meta:
        model = Device
        fields = ("q", "site", "product_family", "retired")

    def search(self, devices: QuerySet[Device], _name: str, text: str) -> QuerySet[Device]:
        return search_devices(devices, text)

    def by_retired(self, devices: QuerySet[Device], _name: str, retired: str) -> QuerySet[Device]:
        is_retired = queries.is_retired()
        return devices.filter(is_retired if retired == "yes" else ~is_retired)


class NearMatchFilter(filters.FilterSet):
    q = filters.CharFilter(label=_("Search"), method="search", widget=search_box(_("Tag, either spelling")))
    connection = filters.ModelChoiceFilter(
        label=_("Connection"),
        queryset=_connections,
        field_name="apple_connection_id",
        method="by_connection",
        empty_label=_("Every connection"),
    )
    family = filters.ChoiceFilter(
        label=_("Family"), choices=FAMILIES, field_name="apple_family", empty_label=_("Every family")
    )
    site = filters.ModelChoiceFilter(label=_("Site"), queryset=sites_of, empty_label=_("Every site"))

    class Meta:
        model = Device
        fields = ("q", "connection", "family", "site")

    def search(self, devices: QuerySet[Device], _name: str, text: str) -> QuerySet[Device]:
        return queries.search_near_matches(devices, text)

    def by_connection(self, devices: QuerySet[Device], name: str, connection: Connection) -> QuerySet[Device]:
        return devices.filter(**{name: connection.pk})
