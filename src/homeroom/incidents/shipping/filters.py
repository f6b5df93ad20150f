from typing import Any

import django_filters as filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.access import ViewerRequest
from homeroom.incidents.models import Incident, Shipment
from homeroom.incidents.queries import incident_number, is_overdue
from homeroom.incidents.shipping.queries import shipments
from homeroom.inventory.filters import search_box
from homeroom.inventory.models import Device, Site
from homeroom.inventory.queries import search_devices, visible_sites


def _sites(request: ViewerRequest) -> QuerySet[Site]:
    """A depot's technician sees what is away from every site, so they choose among all."""
    viewer = request.viewer
    return Site.objects.all() if viewer.works_at_depot else visible_sites(viewer)


def _shipments(request: ViewerRequest) -> QuerySet[Shipment]:
    return shipments(request.viewer).filter(shipped_at__isnull=False)


class AtAppleFilter(filters.FilterSet):
    q = filters.CharFilter(
        label=_("Search"), method="search", widget=search_box(_("Tag, serial or repair number, person"))
    )
    site = filters.ModelChoiceFilter(
        label=_("Site"), field_name="device__site", queryset=_sites, empty_label=_("Every site")
    )
    shipment = filters.ModelChoiceFilter(
        label=_("Shipment"), queryset=_shipments, empty_label=_("Any shipment or none")
    )
    overdue = filters.ChoiceFilter(
        label=_("Overdue"),
        method="by_overdue",
        choices=[("true", _("Overdue only"))],
        empty_label=_("Overdue or not"),
    )

    class Meta:
        model = Incident
        fields = ("q", "site", "shipment", "overdue")

    def search(self, found: QuerySet[Incident], _name: str, text: str) -> QuerySet[Incident]:
        devices = search_devices(Device.objects.all(), text).order_by().values("pk")
        return found.filter(
            Q(device__in=devices) | Q(repair_number__icontains=text) | Q(person__name__icontains=text)
        )

    def by_overdue(self, found: QuerySet[Incident], _name: str, _overdue: str) -> QuerySet[Incident]:
        return found.filter(is_overdue())


class OverdueFilter(AtAppleFilter):
    """Of what is overdue anyway."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.filters["overdue"]


class ShipmentFilter(filters.FilterSet):
    q = filters.CharFilter(
        label=_("Search"), method="search", widget=search_box(_("Number, reference, tracking number"))
    )
    state = filters.ChoiceFilter(
        label=_("State"),
        method="by_state",
        choices=[("open", _("Being packed")), ("shipped", _("Shipped"))],
        empty_label=_("Every state"),
    )

    class Meta:
        model = Shipment
        fields = ("q", "state")

    def search(self, found: QuerySet[Shipment], _name: str, text: str) -> QuerySet[Shipment]:
        wanted = (
            Q(reference__icontains=text) | Q(tracking_number__icontains=text) | Q(carrier__icontains=text)
        )
        if (number := incident_number(text)) is not None:
            wanted |= Q(pk=number)
        return found.filter(wanted)

    def by_state(self, found: QuerySet[Shipment], _name: str, state: str) -> QuerySet[Shipment]:
        return found.filter(shipped_at__isnull=state == "open")
