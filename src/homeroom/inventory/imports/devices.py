"""What a row of a devices file would do. Pure."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _

from homeroom.inventory.imports.rows import Planned, Reading
from homeroom.inventory.imports.rules import Known, KnownPerson, Row, Surroundings, writable

PLAIN_FIELDS = (
    "asset_tag",
    "serial_number",
    "name",
    "manufacturer",
    "model",
    "product_family",
    "purchase_date",
    "cost",
    "purchase_order",
    "funding_source",
    "notes",
    "replaces_serial",
)
UNKNOWN_STATUS = _("There is no device status “%(text)s”.")


def plan_device(reading: Reading, headers: Mapping[str, str], around: Surroundings) -> Planned:
    row = Row(reading, headers)
    known = _found(row, around)
    label = row.value("serial_number") or row.value("asset_tag") or ""
    if known is not None and not known.site_is_seen:
        sentence = translated("This device belongs to %(site)s, which is not one of your sites.")
        row.refuse("", sentence % {"site": known.values["site"]})
        return row.planned(label, known, {})  # nothing else is told of it
    wanted = writable(reading, PLAIN_FIELDS)
    if site := row.site(around, known):
        wanted["site"] = site
    if status := _status(row, around, known):
        wanted["status"] = status
    if "person" in reading.values:
        wanted["person"] = _person(row, around, known)
        _refuse_handing_out_retired(row, around, known, wanted)
    return row.planned(label, known, wanted)


def _found(row: Row, around: Surroundings) -> Known | None:
    """The device that the row is about: by serial number first, then by asset tag. They must not disagree."""
    serial, tag = row.value("serial_number"), row.value("asset_tag")
    if not serial and not tag:
        if not row.problems:
            row.refuse("", translated("The row has neither a serial number nor an asset tag."))
        return None
    by_serial = around.by_identity.get(("serial_number", serial)) if serial else None
    by_tag = around.by_identity.get(("asset_tag", tag)) if tag else None
    if by_tag is None or by_serial is by_tag:
        return by_serial
    tagged = by_tag.values["serial_number"]
    if by_serial is None and not (serial and tagged):
        return by_tag
    if not by_tag.site_is_seen:
        sentence = translated(
            "Asset tag %(tag)s belongs to a device of %(site)s, which is not one of your sites."
        )
    elif tagged:
        sentence = translated("Asset tag %(tag)s belongs to the device with serial number %(serial)s.")
    else:
        sentence = translated("Asset tag %(tag)s belongs to another device, which has no serial number.")
    row.refuse("asset_tag", sentence % {"tag": tag, "serial": tagged, "site": by_tag.values["site"]})
    return by_serial or by_tag


def _status(row: Row, around: Surroundings, known: Known | None) -> str | None:
    """A missing status is In service for a new device and no change for a known one."""
    text = row.value("status")
    if known is not None and text in {None, known.values["status"]}:
        return None
    return row.chosen("status", around.statuses, UNKNOWN_STATUS) or (None if known else around.default_status)


def _person(row: Row, around: Surroundings, known: Known | None) -> KnownPerson | None:
    text: Any = row.value("person")
    if text is None:
        return None
    holder: KnownPerson | None = known.values["person"] if known is not None else None
    if holder is not None and holder.external_id == text:
        return holder
    found = around.people.get(text) or around.people.get(text.lower(), ())
    if len(found) == 1:
        if not found[0].active and found[0] != holder:
            row.refuse("person", translated("%(person)s is not active.") % {"person": found[0].name})
        return found[0]
    sentence = (
        translated("Several people are called “%(text)s”. Use the external ID or the email.")
        if found
        else translated("There is no person “%(text)s” at your sites.")
    )
    row.refuse("person", sentence % {"text": text})
    return None


def _refuse_handing_out_retired(
    row: Row, around: Surroundings, known: Known | None, wanted: Mapping[str, Any]
) -> None:
    person, holder = wanted["person"], known.values["person"] if known else None
    status = wanted.get("status") or (known.values["status"] if known else "")
    if (
        person is not None
        and person != holder
        and status in around.statuses
        and around.statuses[status].is_retired
    ):
        row.refuse(
            "person", translated("A device that is retired (%(status)s) goes to nobody.") % {"status": status}
        )
