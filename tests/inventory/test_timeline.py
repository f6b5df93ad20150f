from pathlib import Path

import pytest

from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import PersonalValues
from homeroom.audit.verbs import record
from homeroom.inventory.models import Device
from homeroom.inventory.timeline import MOST_ENTRIES, timeline
from homeroom.inventory.verbs.assignments import check_in, check_out, swap_for_loaner, transfer
from homeroom.inventory.verbs.devices import create_device, set_status, update_device
from tests.builders import make_device, make_person, make_site, make_status
from tests.inventory.files import bring_in, write_csv

pytestmark = pytest.mark.django_db


def sentences(device) -> list[str]:
    *told, added = [happening.sentence for happening in timeline(device)]
    assert added == "Added to the inventory"
    return told


def test_it_tells_the_desks_work_newest_first():
    device, ann, ben = make_device(), make_person(name="Ann"), make_person(name="Ben")
    check_out(device, ann, actor=COMMAND_LINE)
    transfer(device, ben, actor=COMMAND_LINE)
    check_in(device, actor=COMMAND_LINE)

    assert sentences(device) == ["Checked in from Ben", "Transferred from Ann to Ben", "Checked out to Ann"]


def test_a_loan_stands_on_the_loaners_timeline():
    own, loaner = make_device(), make_device()
    check_out(own, make_person(name="Ann"), actor=COMMAND_LINE)
    swap_for_loaner(own, loaner, actor=COMMAND_LINE)
    assert sentences(loaner) == ["Lent to Ann"]


def test_a_person_whose_name_is_erased_is_known_by_the_external_id():
    device = make_device()
    check_out(device, make_person(name="Ann", external_id="S-1"), actor=COMMAND_LINE)
    PersonalValues.objects.all().delete()
    assert sentences(device) == ["Checked out to S-1"]


def test_it_shows_values_before_and_after():
    device = make_device(notes="")
    set_status(device, make_status("Lost", kind="lost"), actor=COMMAND_LINE)
    update_device(device, actor=COMMAND_LINE, notes="Seen at 50%", replaces_serial="X1")

    updated, status_set, _added = timeline(device)
    assert [(c.name, c.before, c.after) for c in updated.changes] == [
        ("Notes", "", "Seen at 50%"),
        ("Replaces serial number", "", "X1"),
    ]
    assert [(c.name, c.before, c.after) for c in status_set.changes] == [("Status", "In service", "Lost")]
    assert status_set.actor == "Command line"


def test_an_action_without_a_sentence_is_told_by_its_own_words():
    device = make_device()
    record(COMMAND_LINE, "device.put_100%_right", device, before={"odd": None}, after={"odd": 1})
    happening, _added = timeline(device)
    assert happening.sentence == "Put 100% right"
    assert happening.changes[0].name == "Odd"


def test_it_tells_of_this_device_alone_and_not_for_ever():
    device, other = make_device(), make_device()
    update_device(other, actor=COMMAND_LINE, name="Other")
    for number in range(MOST_ENTRIES + 5):
        update_device(device, actor=COMMAND_LINE, name=f"Name {number}")
    assert len(timeline(device)) == MOST_ENTRIES
    assert "Other" not in str(timeline(device))


def test_a_device_that_somebody_added_says_who():
    values = {"asset_tag": "A1", "serial_number": "S1", "site": make_site(), "status": make_status()}
    (added,) = timeline(create_device(actor=COMMAND_LINE, **values))
    assert (added.sentence, added.actor) == ("Added to the inventory", "Command line")


def test_a_device_that_came_by_an_import_says_which(tmp_path: Path):
    site = make_site()
    bring_in(write_csv(tmp_path / "summer.csv", ("serial_number",), ("S1",)))
    make_device(serial_number="S2", site=site)
    bring_in(write_csv(tmp_path / "autumn.csv", ("serial_number", "name"), ("S1", "Cart"), ("S3", "Cart")))
    came = {device.serial_number: timeline(device)[-1] for device in Device.objects.all()}
    assert came["S1"].sentence == "Added by the import of summer.csv"
    assert came["S1"].actor == "Command line"
    assert came["S2"].sentence == "Added to the inventory"
    assert came["S3"].sentence == "Added by the import of autumn.csv"
