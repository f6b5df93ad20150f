import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from homeroom.inventory.models import Device, Person, Site

WIDE_ONLY = {"th": {"class": "d-none d-md-table-cell"}, "td": {"class": "d-none d-md-table-cell"}}
WIDEST_ONLY = {"th": {"class": "d-none d-xl-table-cell"}, "td": {"class": "d-none d-xl-table-cell"}}
NUMBER = {"th": {"class": "text-end"}, "td": {"class": "text-end"}}


class DeviceTable(tables.Table):
    asset_tag = tables.TemplateColumn(
        template_name="inventory/_device_cell.html", verbose_name=_("Asset tag"), order_by=("asset_tag", "pk")
    )
    serial_number = tables.Column(
        attrs={"th": WIDE_ONLY["th"], "td": {"class": "d-none d-md-table-cell text-mono"}}
    )
    model = tables.TemplateColumn(
        template_name="inventory/_model_cell.html", verbose_name=_("Model"), attrs=WIDEST_ONLY
    )
    status = tables.TemplateColumn(
        template_name="inventory/_status_cell.html", verbose_name=_("Status"), order_by=("status__name", "pk")
    )
    holder = tables.TemplateColumn(
        template_name="inventory/_holder_cell.html",
        verbose_name=_("Person"),
        order_by=("holder_name", "pk"),
        attrs=WIDE_ONLY,
    )
    site = tables.Column(order_by=("site__name", "pk"), attrs=WIDE_ONLY)

    class Meta:
        model = Device
        fields = ("asset_tag", "serial_number", "model", "status", "holder", "site")
        caption = _("Devices")


class PersonTable(tables.Table):
    name = tables.TemplateColumn(
        template_name="inventory/_person_cell.html", verbose_name=_("Name"), order_by=("name", "pk")
    )
    external_id = tables.Column(
        attrs={"th": WIDE_ONLY["th"], "td": {"class": "d-none d-md-table-cell text-mono"}}
    )
    email = tables.Column(attrs=WIDEST_ONLY)
    kind = tables.Column(attrs=WIDE_ONLY)
    grade = tables.Column(attrs=WIDE_ONLY)
    site = tables.Column(order_by=("site__name", "pk"), attrs=WIDE_ONLY)
    devices_held = tables.Column(verbose_name=_("Devices"), orderable=False, attrs=NUMBER)

    class Meta:
        model = Person
        fields = ("name", "external_id", "email", "kind", "grade", "site", "devices_held")
        caption = _("People")


class SiteTable(tables.Table):
    name = tables.Column(linkify=True)
    contact_name = tables.Column(attrs=WIDE_ONLY)
    contact_phone = tables.Column(attrs=WIDE_ONLY)
    devices_here = tables.Column(verbose_name=_("Devices"), attrs=NUMBER)
    people_here = tables.Column(verbose_name=_("People"), attrs=NUMBER)

    class Meta:
        model = Site
        fields = ("name", "contact_name", "contact_phone", "devices_here", "people_here")
        caption = _("Sites")
