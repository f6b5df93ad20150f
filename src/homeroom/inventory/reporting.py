"""What reports of devices have in common: the columns that say which device it is, whose and where."""

from dataclasses import replace
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Viewer
from homeroom.inventory.exports.reports import Link, ReportColumn
from homeroom.inventory.models import Assignment, Device

DEVICE = Link("inventory:device")


def shown_family(family: str | None) -> Any:
    return dict(Device.ProductFamily.choices).get(family or "", family)


def identity(path: str = "", *, link: Link = DEVICE) -> tuple[ReportColumn, ...]:
    """Tag and serial number; with a `path`, of what has the device."""
    return (
        ReportColumn(
            "asset_tag",
            f"{path}asset_tag",
            heading=_("Asset tag"),
            sort=(f"{path}asset_tag", "pk"),
            link=link,
        ),
        ReportColumn(
            "serial_number",
            f"{path}serial_number",
            heading=_("Serial number"),
            sort=(f"{path}serial_number", "pk"),
            link=link,
        ),
    )


SITE = ReportColumn("site", "site__name", heading=_("Site"), sort=("site__name", "pk"))
STATUS = ReportColumn("status", "status__name", heading=_("Status"), sort=("status__name", "pk"))
DEVICE_COLUMNS = (
    *identity(),
    ReportColumn("name", heading=_("Name"), sort=("name", "pk"), shown=False),
    ReportColumn("model", heading=_("Model as typed"), sort=("model", "pk"), shown=False),
    ReportColumn(
        "product_family",
        heading=_("Family"),
        sort=("product_family", "pk"),
        shown=False,
        show=shown_family,
    ),
    SITE,
    replace(STATUS, shown=False),
    ReportColumn("person", "person_id_number", heading=_("Person's external ID"), shown=False),
    ReportColumn("person_name", heading=_("Person")),
)
PURCHASE_COLUMNS = (
    ReportColumn("purchase_date", heading=_("Purchased"), sort=("purchase_date", "pk"), shown=False),
    ReportColumn("cost", heading=_("Cost"), sort=("cost", "pk"), shown=False),
    ReportColumn("purchase_order", heading=_("Purchase order"), shown=False),
    ReportColumn("funding_source", heading=_("Funding source"), sort=("funding_source", "pk"), shown=False),
)


def with_people(devices: QuerySet[Any], _viewer: Viewer) -> QuerySet[Any]:
    """Annotate who has each device now, looked up for the rows that are read, not for those that are sorted."""
    holder = Assignment.objects.filter(device=OuterRef("pk"), ended_at=None)
    with_people: QuerySet[Any] = devices.annotate(
        person_id_number=Subquery(holder.values("person__external_id")[:1]),
        person_name=Subquery(holder.values("person__name")[:1]),
    )
    return with_people
