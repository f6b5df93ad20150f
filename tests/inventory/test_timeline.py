import pytest

from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import PersonalValues
from homeroom.audit.verbs import record
from homeroom.inventory.timeline import MOST_ENTRIES, timeline
from homeroom.inventory.verbs.assignments import check_in, check_out, swap_for_loaner, transfer
from homeroom.inventory.verbs.devices import set_status, update_device
from tests.builders import make_device, make_person, make_status

pytestmark = pytest.mark.django_db


def sentences(device) -> list[str]:
    return [happening.sentence for happening in timeline(device)]


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

    updated, status_set = timeline(device)
    assert [(c.name, c.before, c.after) for c in updated.changes] == [
        ("Notes", "", "Seen at 50%"),
        ("Replaces serial number", "", "X1"),
    ]
    assert [(c.name, c.before, c.after) for c in status_set.changes] == [("Status", "In service", "Lost")]
    assert status_set.actor == "Command line"


def test_an_action_without_a_sentence_is_told_by_its_own_words():
    device = make_device()
    record(COMMAND_LINE, "device.put_100%_right", device, before={"odd": None}, after={"odd": 1})
    (happening,) = timeline(device)
    assert happening.sentence == "Put 100% right"
    assert happening.changes[0].name == "Odd"


def test_it_tells_of_this_device_alone_and_not_for_ever():
    device, other = make_device(), make_device()
    update_device(other, actor=COMMAND_LINE, name="Other")
    for number in range(MOST_ENTRIES + 5):
        update_device(device, actor=COMMAND_LINE, name=f"Name {number}")
    assert len(timeline(device)) == MOST_ENTRIES
    assert "Other" not in str(timeline(device))
