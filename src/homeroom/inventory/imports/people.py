"""What a row of a people file would do. Pure."""

from collections.abc import Mapping

from django.utils.translation import gettext as translated

from homeroom.inventory.imports.rows import Planned, Reading
from homeroom.inventory.imports.rules import Row, Surroundings, writable

PLAIN_FIELDS = ("external_id", "name", "email", "kind", "grade", "active")
LONGEST_NAME = 200


def plan_person(reading: Reading, headers: Mapping[str, str], around: Surroundings) -> Planned:
    row = Row(reading, headers)
    external_id = row.value("external_id") or ""
    if not external_id and not row.problems:
        row.refuse("external_id", translated("The row has no external ID."))
    known = around.by_identity.get(("external_id", external_id))
    if known is not None and not known.site_is_seen:
        sentence = translated("This person belongs to %(site)s, which is not one of your sites.")
        row.refuse("", sentence % {"site": known.values["site"]})
    wanted = writable(reading, PLAIN_FIELDS)
    if not wanted.get("name"):
        wanted.pop("name", None)
        if known is None and not row.problems:
            row.refuse("name", translated("A new person needs a name."))
    elif len(wanted["name"]) > LONGEST_NAME:
        row.refuse(
            "name", translated("The name is longer than %(most)d characters.") % {"most": LONGEST_NAME}
        )
    if site := row.site(around, known):
        wanted["site"] = site
    return row.planned(external_id, known, wanted)
