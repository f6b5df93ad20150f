import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from homeroom.incidents.models import Incident, Shipment
from homeroom.inventory.tables import NUMBER, WIDE_ONLY, WIDEST_ONLY

NUMBER_WIDE_ONLY = {
    "th": {"class": "d-none d-md-table-cell text-end"},
    "td": {"class": "d-none d-md-table-cell text-end"},
}


class AtAppleTable(tables.Table):
    """The longest away first."""

    device = tables.TemplateColumn(
        template_name="incidents/board/_device_cell.html",
        verbose_name=_("Device"),
        order_by=("device__asset_tag", "pk"),
    )
    number = tables.TemplateColumn(
        template_name="incidents/board/_incident_cell.html", verbose_name=_("Incident"), attrs=WIDE_ONLY
    )
    person = tables.TemplateColumn(
        template_name="incidents/board/_person_cell.html",
        verbose_name=_("Person"),
        order_by=("person__name", "pk"),
        attrs=WIDE_ONLY,
    )
    site = tables.Column(
        accessor="device__site",
        verbose_name=_("Site"),
        order_by=("device__site__name", "pk"),
        attrs=WIDEST_ONLY,
    )
    shipment = tables.Column(linkify=True, order_by=("shipment", "pk"), attrs=WIDEST_ONLY)
    repair_number = tables.Column(
        attrs={"th": WIDEST_ONLY["th"], "td": {"class": "d-none d-xl-table-cell text-mono"}}
    )
    shipped_on = tables.TemplateColumn(
        template_name="incidents/board/_away_cell.html",
        verbose_name=_("Away"),
        order_by=("shipped_on", "pk"),
    )
    receive = tables.TemplateColumn(
        template_name="incidents/board/_receive_cell.html",
        verbose_name=_("Received back"),
        orderable=False,
        attrs=NUMBER_WIDE_ONLY,
    )

    class Meta:
        model = Incident
        fields = ("device", "number", "person", "site", "shipment", "repair_number", "shipped_on", "receive")
        caption = _("At Apple")


class ShipmentTable(tables.Table):
    number = tables.TemplateColumn(
        template_name="incidents/shipments/_number_cell.html", verbose_name=_("Shipment")
    )
    reference = tables.Column(attrs=WIDE_ONLY)
    carrier = tables.Column(attrs=WIDEST_ONLY)
    tracking_number = tables.Column(
        attrs={"th": WIDEST_ONLY["th"], "td": {"class": "d-none d-xl-table-cell text-mono"}}
    )
    opened_at = tables.DateColumn(attrs=WIDE_ONLY)
    shipped_at = tables.TemplateColumn(
        template_name="incidents/shipments/_state_cell.html",
        verbose_name=_("Shipped"),
        order_by=("shipped_at", "pk"),
    )
    unit_count = tables.Column(verbose_name=_("Units"), attrs=NUMBER)
    away_count = tables.Column(verbose_name=_("At Apple"), attrs=NUMBER_WIDE_ONLY)

    class Meta:
        model = Shipment
        fields = (
            "number",
            "reference",
            "carrier",
            "tracking_number",
            "opened_at",
            "shipped_at",
            "unit_count",
            "away_count",
        )
        caption = _("Shipments")
