"""The three lists as reports: one set of columns for downloads, the command line and the API."""

from typing import Any

from django.db.models import QuerySet, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import JSONObject
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Permission, Viewer
from homeroom.applesync.models import AppleDevice
from homeroom.applesync.queries import reconciliation as queries
from homeroom.applesync.reconciliation.filters import InAppleFilter, InInventoryFilter, NearMatchFilter
from homeroom.applesync.verbs.reconciliation import inventory_values
from homeroom.inventory.exports.reports import Link, Page, Report, ReportColumn, register_report
from homeroom.inventory.models import Device
from homeroom.inventory.near import differences
from homeroom.inventory.reporting import SITE, STATUS, identity, shown_family

IN_APPLE = "in-apple-not-in-inventory"
IN_INVENTORY = "in-inventory-not-in-apple"
NEAR = "near-matches"


def _model(facts: dict[str, Any]) -> str:
    return inventory_values(**{name: value or "" for name, value in facts.items()})["model"]


def _family(name: str) -> str | None:
    return name if name in Device.ProductFamily.values else None


def _differences(spellings: dict[str, str | None]) -> str:
    if not (spellings["inventory"] and spellings["apple"]):
        return ""
    return ", ".join(differences(spellings["inventory"], spellings["apple"]))


def _shown_reason(reason: str) -> Any:
    return queries.Reason(reason).label


_MODEL = ReportColumn("model", heading=_("Model as typed"), sort=("model", "pk"), shown=False)
IN_APPLE_COLUMNS = (
    ReportColumn("asset_tag", heading=_("Asset tag"), shown=False),
    ReportColumn(
        "serial_number",
        heading=_("Serial number"),
        sort=("not_in_inventory__serial_number", "pk"),
        link=Link("applesync:add-from-apple"),
    ),
    ReportColumn("name", heading=_("Name"), shown=False),
    ReportColumn("manufacturer", heading=_("Manufacturer"), shown=False),
    ReportColumn("model", "facts", _model, heading=_("Model"), shown=False),
    ReportColumn(
        "product_family",
        convert=_family,
        heading=_("Family"),
        sort=("product_family", "pk"),
        shown=False,
    ),
    ReportColumn("site", heading=_("Site"), shown=False),
    ReportColumn("status", "own_status", heading=_("Status"), shown=False),
    ReportColumn("apple_model", "device_model", heading=_("Model at Apple"), sort=("device_model", "pk")),
    ReportColumn("apple_capacity", heading=_("Capacity")),
    ReportColumn("apple_color", "color", heading=_("Color"), shown=False),
    ReportColumn("apple_part_number", "part_number", heading=_("Part number"), shown=False),
    ReportColumn(
        "apple_order_number", "order_number", heading=_("Order number"), sort=("order_number", "pk")
    ),
    ReportColumn("apple_added_at", "added_at", heading=_("Added at Apple"), sort=("added_at", "pk")),
    ReportColumn("connection", "connection__name", heading=_("Connection"), shown=False),
    ReportColumn("near_match", heading=_("Near match")),
)
"""The import's own columns first, those that only the district can fill in left empty."""
IN_INVENTORY_COLUMNS = (
    *identity(),
    ReportColumn("name", heading=_("Name"), sort=("name", "pk"), shown=False),
    ReportColumn("manufacturer", heading=_("Manufacturer"), sort=("manufacturer", "pk"), shown=False),
    _MODEL,
    ReportColumn(
        "product_family",
        heading=_("Family"),
        sort=("product_family", "pk"),
        shown=False,
        show=shown_family,
    ),
    SITE,
    STATUS,
    ReportColumn("retired", heading=_("Retired"), shown=False),
    ReportColumn("reason", heading=_("Why"), sort=("reason", "pk"), show=_shown_reason),
    ReportColumn("left_at", heading=_("Left Apple's list"), sort=("left_at", "pk")),
    ReportColumn("near_match", heading=_("Near match")),
)
NEAR_COLUMNS = (
    *identity(),
    ReportColumn("apple_serial_number", heading=_("Apple's spelling"), sort=("apple_serial_number", "pk")),
    ReportColumn("differs_in", "spellings", _differences, heading=_("Differs in")),
    _MODEL,
    ReportColumn("apple_model", heading=_("Model at Apple"), shown=False),
    SITE,
    STATUS,
    ReportColumn("connection", "apple_connection", heading=_("Connection"), shown=False),
)


def register_reconciliation() -> None:
    register_report(
        Report(
            name=IN_APPLE,
            title=_("In Apple School Manager, not in inventory"),
            about=_("What Apple lists and no device of the inventory has as its serial number."),
            rows=_in_apple,
            known=AppleDevice.objects.all,
            filter=InAppleFilter,
            order="serial_number",
            in_order=("serial_number",),
            permission=Permission.VIEW_SYNC,
            empty=_("No active connection lists a device that the inventory lacks."),
            place=40,
            page=Page("applesync:in-apple", _("Add them to the inventory")),
        ),
        IN_APPLE_COLUMNS,
        annotate=_as_import_rows,
    )
    register_report(
        Report(
            name=IN_INVENTORY,
            title=_("In inventory, not in Apple School Manager"),
            about=_("Apple devices of the inventory that are not on Apple's list today, and why."),
            rows=_in_inventory,
            known=Device.objects.all,
            filter=InInventoryFilter,
            order="asset_tag",
            in_order=("asset_tag", "serial_number", "name"),
            is_rare=True,
            permission=Permission.VIEW_SYNC,
            empty=_("Apple lists every Apple device of the inventory."),
            place=50,
            page=Page("applesync:in-inventory", _("Reconciliation")),
        ),
        IN_INVENTORY_COLUMNS,
        annotate=_with_reason,
    )
    register_report(
        Report(
            name=NEAR,
            title=_("Near matches"),
            about=_(
                "Devices whose serial number Apple spells a little differently; nothing is linked by it."
            ),
            rows=_near,
            known=lambda: queries.with_nearest(Device.objects.all()),
            filter=NearMatchFilter,
            order="asset_tag",
            permission=Permission.VIEW_SYNC,
            empty=_("No serial number is spelled nearly as Apple spells one."),
            place=60,
            page=Page("applesync:near-matches", _("Take Apple's spelling")),
        ),
        NEAR_COLUMNS,
        annotate=_with_spellings,
    )


def _in_apple(viewer: Viewer) -> QuerySet[AppleDevice]:
    return queries.in_apple_not_in_inventory(viewer).order_by("not_in_inventory__serial_number", "pk")


def _in_inventory(viewer: Viewer) -> QuerySet[Device]:
    return queries.in_inventory_not_in_apple(viewer).order_by("pk")


def _near(viewer: Viewer) -> QuerySet[Device]:
    return queries.near_matches(viewer).order_by("pk")


def _as_import_rows(rows: QuerySet[Any], _viewer: Viewer) -> QuerySet[Any]:
    capacity = KeyTextTransform("deviceCapacity", "attributes")
    as_import_rows: QuerySet[Any] = queries.with_near_device(rows).annotate(
        asset_tag=Value(""),
        name=Value(""),
        manufacturer=Value("Apple"),
        site=Value(""),
        own_status=Value(""),
        apple_capacity=capacity,
        facts=JSONObject(
            serial_number="serial_number",
            product_family="product_family",
            device_model="device_model",
            product_type="product_type",
            capacity=capacity,
            color="color",
        ),
    )
    return as_import_rows


def _with_reason(devices: QuerySet[Any], _viewer: Viewer) -> QuerySet[Any]:
    return queries.with_reason(devices)


def _with_spellings(devices: QuerySet[Any], _viewer: Viewer) -> QuerySet[Any]:
    spelled = JSONObject(inventory="serial_number", apple="apple_serial_number")
    with_spellings: QuerySet[Any] = devices.annotate(spellings=spelled)
    return with_spellings
