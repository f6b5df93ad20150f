import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from homeroom.applesync.models import Replacement
from homeroom.inventory.tables import WIDE_ONLY, WIDEST_ONLY

CELLS = "applesync/replacements/"


class ReplacementTable(tables.Table):
    replacement_serial = tables.TemplateColumn(
        template_name=f"{CELLS}_pair_cell.html",
        verbose_name=_("Replacement"),
        order_by=("replacement_serial", "pk"),
    )
    original_serial = tables.TemplateColumn(
        template_name=f"{CELLS}_original_cell.html",
        verbose_name=_("Original"),
        order_by=("original_serial", "pk"),
        attrs=WIDE_ONLY,
    )
    incident = tables.TemplateColumn(
        template_name=f"{CELLS}_incident_cell.html",
        verbose_name=_("Incident"),
        order_by=("incident", "pk"),
        attrs=WIDE_ONLY,
    )
    order_number = tables.Column(
        order_by=("order_number", "pk"),
        attrs={"th": WIDEST_ONLY["th"], "td": {"class": "d-none d-xl-table-cell text-mono"}},
    )
    state = tables.TemplateColumn(
        template_name=f"{CELLS}_state_cell.html", verbose_name=_("State"), order_by=("state", "pk")
    )
    detected_at = tables.DateColumn(
        verbose_name=_("Detected"), short=True, order_by=("detected_at", "pk"), attrs=WIDE_ONLY
    )
    applied_at = tables.DateColumn(
        verbose_name=_("Applied"), short=True, order_by=("applied_at", "pk"), attrs=WIDEST_ONLY
    )
    decided_by = tables.Column(verbose_name=_("Decided by"), order_by=("decided_by", "pk"), attrs=WIDEST_ONLY)

    class Meta:
        model = Replacement
        fields = (
            "replacement_serial",
            "original_serial",
            "incident",
            "order_number",
            "state",
            "detected_at",
            "applied_at",
            "decided_by",
        )
        caption = _("Replacements")
