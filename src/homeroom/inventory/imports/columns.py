"""What columns a file can bring, and the headers by which each is known."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from homeroom.inventory.imports.models import Noun


class Kind(StrEnum):
    """How the text of a cell is read."""

    IDENTITY = "identity"
    TEXT = "text"
    LONG_TEXT = "long-text"
    DATE = "date"
    COST = "cost"
    FAMILY = "family"
    CATEGORY = "category"
    SITE = "site"
    STATUS = "status"
    PERSON = "person"
    EMAIL = "email"
    PERSON_KIND = "person-kind"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Field:
    """A column that can be brought in. `known_as` are other people's headers for it, the most exact first."""

    name: str
    label: str | Promise = field(compare=False)
    kind: Kind = Kind.TEXT
    max_length: int = 0
    known_as: tuple[str, ...] = field(default=(), compare=False)


DEVICE_FIELDS = (
    Field(
        "asset_tag",
        _("Asset tag"),
        Kind.IDENTITY,
        100,
        ("tag", "asset", "asset number", "asset no", "barcode"),
    ),
    Field(
        "serial_number",
        _("Serial number"),
        Kind.IDENTITY,
        100,
        ("serial", "serial no", "serial num", "s n", "device serial number"),
    ),
    Field("name", _("Name"), Kind.TEXT, 200, ("asset name", "device name", "item name")),
    Field("manufacturer", _("Manufacturer"), Kind.TEXT, 100, ("make", "brand", "vendor")),
    Field("model", _("Model"), Kind.TEXT, 200, ("model name", "device model", "asset model")),
    Field("product_family", _("Product family"), Kind.FAMILY, 0, ("family", "device type", "device family")),
    Field(
        "category", _("Category (product family where it names one)"), Kind.CATEGORY, 0, ("asset category",)
    ),
    Field(
        "site",
        _("Site"),
        Kind.SITE,
        150,
        ("school", "location", "default location", "building", "campus", "site name", "school name"),
    ),
    Field("status", _("Status"), Kind.STATUS, 100, ("device status", "asset status", "status label")),
    Field(
        "person",
        _("Person (external ID, email or name)"),
        Kind.PERSON,
        254,
        (
            "assigned to",
            "checked out to",
            "checked out",
            "assigned person",
            "user",
            "assignee",
            "student",
            "student id",
            "person external id",
        ),
    ),
    Field(
        "employee_number",
        _("Person's external ID (before Person)"),
        Kind.PERSON,
        100,
        ("employee no", "employee num", "employee number"),
    ),
    Field("purchase_date", _("Purchase date"), Kind.DATE, 0, ("purchased", "date purchased", "purchased on")),
    Field("cost", _("Cost"), Kind.COST, 0, ("purchase cost", "price", "purchase price", "unit cost")),
    Field(
        "purchase_order",
        _("Purchase order"),
        Kind.TEXT,
        100,
        ("order number", "po number", "po", "purchase order number", "order no", "po no"),
    ),
    Field("funding_source", _("Funding source"), Kind.TEXT, 100, ("funding", "fund", "grant")),
    Field("notes", _("Notes"), Kind.LONG_TEXT, 0, ("note", "comments", "comment", "remarks")),
    Field("replaces_serial", _("Replaces serial number"), Kind.TEXT, 100, ("replaces", "replaced serial")),
)

PEOPLE_FIELDS = (
    Field(
        "external_id",
        _("External ID"),
        Kind.IDENTITY,
        100,
        (
            "id",
            "student id",
            "sis id",
            "student number",
            "person id",
            "employee no",
            "employee number",
            "employee id",
            "staff id",
            "sourcedid",
        ),
    ),
    Field("name", _("Name"), Kind.TEXT, 200, ("full name", "student name", "display name", "person")),
    Field(
        "first_name", _("First name (where there is no Name)"), Kind.TEXT, 100, ("given name", "firstname")
    ),
    Field(
        "last_name",
        _("Last name (where there is no Name)"),
        Kind.TEXT,
        100,
        ("family name", "surname", "lastname"),
    ),
    Field("email", _("Email"), Kind.EMAIL, 254, ("email address", "e mail", "mail", "username")),
    Field("kind", _("Kind"), Kind.PERSON_KIND, 0, ("role", "type", "person type")),
    Field("grade", _("Grade"), Kind.TEXT, 20, ("grade level", "year", "class")),
    Field(
        "site",
        _("Site"),
        Kind.SITE,
        150,
        ("school", "location", "building", "campus", "site name", "school name"),
    ),
    Field("active", _("Active"), Kind.BOOLEAN, 0, ("enabled", "activated", "is active", "enrolled")),
)

FIELDS: dict[str, tuple[Field, ...]] = {Noun.DEVICES: DEVICE_FIELDS, Noun.PEOPLE: PEOPLE_FIELDS}
IDENTITIES: dict[str, tuple[str, ...]] = {
    Noun.DEVICES: ("serial_number", "asset_tag"),
    Noun.PEOPLE: ("external_id",),
}


def field_named(noun: str, name: str) -> Field:
    return next(one for one in FIELDS[noun] if one.name == name)


def recognised(noun: str, headers: Sequence[str]) -> list[str]:
    """The field of each header, empty for a header that stands for none.

    Homeroom's own names and labels go before other people's: of two headers for one field the better
    known one wins.
    """
    best: dict[str, tuple[int, int]] = {}
    for position, header in enumerate(headers):
        words = _words(header)
        for one in FIELDS[noun]:
            names = (_words(one.name), _words(str(one.label)), *one.known_as)
            if words in names:
                best[one.name] = min(best.get(one.name, (len(names), 0)), (names.index(words), position))
    mapping = [""] * len(headers)
    for name, (_rank, position) in best.items():
        mapping[position] = mapping[position] or name
    return mapping


def _words(header: str) -> str:
    return re.sub(r"[\W_]+", " ", header.casefold()).strip()
