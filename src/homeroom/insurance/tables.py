import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from homeroom.insurance.models import InsuranceRecord
from homeroom.inventory.tables import WIDE_ONLY, WIDEST_ONLY


class InsuranceTable(tables.Table):
    device = tables.Column(linkify=True, order_by=("device__asset_tag", "pk"))
    serial_number = tables.Column(
        accessor="device__serial_number",
        verbose_name=_("Serial number"),
        attrs={"th": WIDE_ONLY["th"], "td": {"class": "d-none d-md-table-cell text-mono"}},
    )
    kind = tables.Column(attrs=WIDEST_ONLY)
    agreement_number = tables.Column(attrs=WIDE_ONLY)
    starts = tables.DateColumn(short=True, attrs=WIDE_ONLY)
    plan = tables.TemplateColumn(template_name="insurance/_plan_cell.html", order_by=("plan", "pk"))
    status = tables.TemplateColumn(
        template_name="insurance/_status_cell.html", verbose_name=_("Status"), order_by=("status_today", "pk")
    )

    class Meta:
        model = InsuranceRecord
        fields = ("device", "serial_number", "plan", "status", "kind", "agreement_number", "starts", "ends")
        caption = _("Insurance records")
        empty_text = _("No insurance record fits.")
