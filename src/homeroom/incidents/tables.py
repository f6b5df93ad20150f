import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from homeroom.incidents.models import Incident
from homeroom.inventory.tables import WIDE_ONLY, WIDEST_ONLY


class IncidentTable(tables.Table):
    number = tables.TemplateColumn(
        template_name="incidents/_incident_cell.html", verbose_name=_("Incident"), order_by=("number",)
    )
    device = tables.TemplateColumn(
        template_name="incidents/_device_cell.html",
        verbose_name=_("Device"),
        order_by=("device__asset_tag", "number"),
        attrs=WIDE_ONLY,
    )
    person = tables.Column(order_by=("person__name", "number"), attrs=WIDEST_ONLY)
    status = tables.TemplateColumn(
        template_name="incidents/_status_cell.html",
        verbose_name=_("Status"),
        order_by=("status__name", "number"),
    )
    technician = tables.Column(order_by=("technician__name", "number"), attrs=WIDEST_ONLY)
    opened_at = tables.DateColumn(verbose_name=_("Opened"), short=True, attrs=WIDE_ONLY)

    class Meta:
        model = Incident
        fields = ("number", "device", "person", "status", "technician", "opened_at")
        caption = _("Incidents")
