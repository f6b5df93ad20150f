import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from homeroom.incidents.models import Incident
from homeroom.inventory.tables import WIDE_ONLY, WIDEST_ONLY


class CountedIncidentTable(tables.Table):
    number = tables.Column(verbose_name=_("Incident"))
    device = tables.Column(linkify=True, order_by=("device__asset_tag", "number"))
    summary = tables.Column(attrs=WIDE_ONLY)
    status = tables.Column(order_by=("status__name", "number"))
    opened_at = tables.DateColumn(attrs=WIDEST_ONLY)
    shipped_on = tables.Column(attrs=WIDE_ONLY)
    closed_at = tables.DateColumn(attrs=WIDE_ONLY)
    outcome = tables.Column(attrs=WIDEST_ONLY)

    class Meta:
        model = Incident
        fields = (
            "number",
            "device",
            "summary",
            "status",
            "opened_at",
            "shipped_on",
            "closed_at",
            "outcome",
        )
        caption = _("Incidents")
        empty_text = _("No incident fits.")
