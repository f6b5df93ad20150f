"""Run in an installation's own environment: a box of ten iPads at Apple, and ten new ones that could be any of them."""

import django

django.setup()

from homeroom.audit.actors import COMMAND_LINE  # noqa: E402 - models need Django to be set up
from homeroom.incidents.models import Shipment  # noqa: E402
from homeroom.inventory.verbs.assignments import swap_for_loaner  # noqa: E402
from tests.applesync.repairs import connected, make_at_apple, make_candidate, suggest  # noqa: E402
from tests.builders import make_device, make_person, make_site  # noqa: E402


def main() -> None:
    connection = connected(name="North District")
    school = make_site(name="North School")
    box = Shipment.objects.create(opened_by="Tess Technician", opened_by_id="user:1")
    incidents = [
        make_at_apple(
            connection,
            shipment=box,
            site=school,
            person=make_person(name=f"Student {number}", site=school),
            serial_number=f"DMQOLD{number:04}",
            asset_tag=f"A{number:04}",
            funding_source="Title I",
        )
        for number in range(10)
    ]
    swap_for_loaner(incidents[0].device, make_device(asset_tag="LOAN1", site=school), actor=COMMAND_LINE)
    for number in range(10):
        candidate = make_candidate(f"DMQNEW{number:04}", connection)
        for rank, incident in enumerate([*incidents[number:], *incidents[:number]][:4]):
            suggest(candidate, incident, rank=rank)
    make_candidate("DMQALONE01", connection)


main()
