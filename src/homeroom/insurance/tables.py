import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from homeroom.insurance.models import InsuranceRecord


class InsuranceTable(tables.Table):
    device = tables.Column(linkify=True, order_by=("device__asset_tag", "pk"))
    serial_number = tables.Column(
        accessor="device__serial_number",
        verbose_name=_("Serial number"),
        attrs={"td": {"class": "text-mono"}},
    )
    plan = tables.TemplateColumn(template_name="insurance/_plan_cell.html", order_by=("plan", "pk"))
    status = tables.TemplateColumn(
        template_name="insurance/_status_cell.html", verbose_name=_("Status"), order_by=("status_today", "pk")
    )

    class Meta:
        model = InsuranceRecord
        fields = ("device", "serial_number", "plan", "kind", "agreement_number", "starts", "ends", "status")
        caption = _("Insurance records")
        empty_text = _("No insurance record fits.")
