"""The three lists as reports: one set of columns for downloads, the command line and the API."""

from typing import Any

from django.db.models import QuerySet, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import JSONObject

from homeroom.accounts.policy import Viewer
from homeroom.applesync.models import AppleDevice
from homeroom.applesync.queries import reconciliation as queries
from homeroom.applesync.verbs.reconciliation import inventory_values
from homeroom.inventory.exports.columns import ExportColumn, ExportNoun
from homeroom.inventory.exports.reports import register_report
from homeroom.inventory.models import Device
from homeroom.inventory.near import differences

IN_APPLE = "in-apple-not-in-inventory"
IN_INVENTORY = "in-inventory-not-in-apple"
NEAR = "near-matches"


def _model(facts: dict[str, Any]) -> str:
    return inventory_values(**{name: value or "" for name, value in facts.items()})["model"]


def _family(name: str) -> str | None:
    return name if name in Device.ProductFamily.values else None


def _differences(spellings: dict[str, str]) -> str:
    return ", ".join(differences(spellings["inventory"], spellings["apple"]))


IN_APPLE_COLUMNS = (
    ExportColumn("asset_tag"),
    ExportColumn("serial_number"),
    ExportColumn("name"),
    ExportColumn("manufacturer"),
    ExportColumn("model", "facts", _model),
    ExportColumn("product_family", convert=_family),
    ExportColumn("site"),
    ExportColumn("status", "own_status"),
    ExportColumn("apple_model", "device_model"),
    ExportColumn("apple_capacity"),
    ExportColumn("apple_color", "color"),
    ExportColumn("apple_part_number", "part_number"),
    ExportColumn("apple_order_number", "order_number"),
    ExportColumn("apple_added_at", "added_at"),
    ExportColumn("connection", "connection__name"),
    ExportColumn("near_match"),
)
"""The import's own columns first, those that only the district can fill in left empty."""
IN_INVENTORY_COLUMNS = (
    ExportColumn("asset_tag"),
    ExportColumn("serial_number"),
    ExportColumn("name"),
    ExportColumn("manufacturer"),
    ExportColumn("model"),
    ExportColumn("product_family"),
    ExportColumn("site", "site__name"),
    ExportColumn("status", "status__name"),
    ExportColumn("retired"),
    ExportColumn("reason"),
    ExportColumn("left_at"),
    ExportColumn("near_match"),
)
NEAR_COLUMNS = (
    ExportColumn("asset_tag"),
    ExportColumn("serial_number"),
    ExportColumn("apple_serial_number"),
    ExportColumn("differs_in", "spellings", _differences),
    ExportColumn("model"),
    ExportColumn("apple_model"),
    ExportColumn("site", "site__name"),
    ExportColumn("status", "status__name"),
    ExportColumn("connection", "apple_connection"),
)


def register_reconciliation() -> None:
    register_report(ExportNoun(IN_APPLE, _in_apple), IN_APPLE_COLUMNS, annotate=_as_import_rows)
    register_report(ExportNoun(IN_INVENTORY, _in_inventory), IN_INVENTORY_COLUMNS, annotate=_with_reason)
    register_report(ExportNoun(NEAR, _near), NEAR_COLUMNS, annotate=_with_spellings)


def _in_apple(viewer: Viewer) -> QuerySet[AppleDevice]:
    return queries.in_apple_not_in_inventory(viewer).order_by("serial_number", "pk")


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
