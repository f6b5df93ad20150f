from typing import Any

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from homeroom.applesync.models import AppleDevice
from homeroom.inventory.models import Device
from homeroom.inventory.tables import WIDE_ONLY, WIDEST_ONLY

CELLS = "applesync/reconciliation/"


class InAppleTable(tables.Table):
    chosen = tables.TemplateColumn(
        template_name=f"{CELLS}_chosen_cell.html", verbose_name=_("Chosen"), orderable=False
    )
    serial_number = tables.TemplateColumn(
        template_name=f"{CELLS}_apple_cell.html",
        verbose_name=_("Serial number"),
        order_by=("not_in_inventory__serial_number", "pk"),
    )
    device_model = tables.TemplateColumn(
        template_name=f"{CELLS}_apple_model_cell.html",
        verbose_name=_("Model"),
        order_by=("device_model", "pk"),
        attrs=WIDE_ONLY,
    )
    order_number = tables.Column(
        order_by=("order_number", "pk"),
        attrs={"th": WIDEST_ONLY["th"], "td": {"class": "d-none d-xl-table-cell text-mono"}},
    )
    added_at = tables.DateColumn(
        verbose_name=_("Added"), short=True, order_by=("added_at", "pk"), attrs=WIDE_ONLY
    )
    connection = tables.Column(
        verbose_name=_("Connection"), order_by=("connection__name", "pk"), attrs=WIDEST_ONLY
    )
    add = tables.TemplateColumn(
        template_name=f"{CELLS}_add_cell.html", verbose_name=_("Decide"), orderable=False
    )

    class Meta:
        model = AppleDevice
        fields = ("chosen", "serial_number", "device_model", "order_number", "added_at", "connection", "add")
        caption = _("In Apple School Manager, not in inventory")

    def __init__(self, *args: Any, may_add: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_add:
            self.columns.hide("chosen")
            self.columns.hide("add")


class InInventoryTable(tables.Table):
    asset_tag = tables.TemplateColumn(
        template_name=f"{CELLS}_device_cell.html", verbose_name=_("Device"), order_by=("asset_tag", "pk")
    )
    serial_number = tables.Column(
        order_by=("serial_number", "pk"),
        attrs={"th": WIDE_ONLY["th"], "td": {"class": "d-none d-md-table-cell text-mono"}},
    )
    model = tables.Column(order_by=("model", "pk"), attrs=WIDEST_ONLY)
    status = tables.TemplateColumn(
        template_name="inventory/_status_cell.html",
        verbose_name=_("Status"),
        order_by=("status__name", "pk"),
        attrs=WIDE_ONLY,
    )
    site = tables.Column(order_by=("site__name", "pk"), attrs=WIDE_ONLY)
    reason = tables.TemplateColumn(
        template_name=f"{CELLS}_reason_cell.html", verbose_name=_("Why"), orderable=False
    )

    class Meta:
        model = Device
        fields = ("asset_tag", "serial_number", "model", "status", "site", "reason")
        caption = _("In inventory, not in Apple School Manager")


class NearMatchTable(tables.Table):
    asset_tag = tables.TemplateColumn(
        template_name=f"{CELLS}_device_cell.html", verbose_name=_("Device"), order_by=("asset_tag", "pk")
    )
    serial_number = tables.TemplateColumn(
        template_name=f"{CELLS}_spellings_cell.html",
        verbose_name=_("Inventory and Apple"),
        order_by=("serial_number", "pk"),
    )
    differs = tables.TemplateColumn(
        template_name=f"{CELLS}_differs_cell.html",
        verbose_name=_("Differs in"),
        orderable=False,
        attrs=WIDE_ONLY,
    )
    site = tables.Column(order_by=("site__name", "pk"), attrs=WIDE_ONLY)
    connection = tables.Column(
        accessor="apple_connection",
        verbose_name=_("Connection"),
        order_by=("apple_connection", "pk"),
        attrs=WIDEST_ONLY,
    )
    take = tables.TemplateColumn(
        template_name=f"{CELLS}_take_cell.html",
        verbose_name=_("Decide"),
        orderable=False,
        attrs=WIDE_ONLY,
    )

    class Meta:
        model = Device
        fields = ("asset_tag", "serial_number", "differs", "site", "connection", "take")
        caption = _("Near matches")
