from datetime import timedelta

import pytest
from django.utils import timezone

from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.inventory.models import Assignment, DeviceStatus
from homeroom.inventory.verbs.assignments import check_in, check_out, swap_for_loaner, transfer
from homeroom.web.errors import Refused
from tests.builders import make_device, make_person, make_status

pytestmark = pytest.mark.django_db
Kind = Assignment.Kind


def test_it_checks_a_device_out_and_in_again_and_keeps_the_history():
    device, person = make_device(), make_person()

    check_out(device, person, kind=Kind.PRIMARY, actor=COMMAND_LINE)
    check_in(device, actor=COMMAND_LINE)

    assignment = device.assignments.get()
    assert assignment.person == person
    assert assignment.ended_at >= assignment.started_at


def test_it_refuses_to_check_out_a_device_that_somebody_has():
    device, ann = make_device(asset_tag="T1"), make_person(name="Ann Smith")
    check_out(device, ann, actor=COMMAND_LINE)

    with pytest.raises(Refused, match="T1 is with Ann Smith"):
        check_out(device, make_person(), actor=COMMAND_LINE)


def test_it_refuses_to_check_in_a_device_that_nobody_has():
    with pytest.raises(Refused, match="not checked out"):
        check_in(make_device(), actor=COMMAND_LINE)


def test_it_refuses_to_give_a_device_to_somebody_who_has_left():
    with pytest.raises(Refused, match="not active") as refusal:
        check_out(make_device(), make_person(active=False), actor=COMMAND_LINE)
    assert refusal.value.field == "person"


def test_it_refuses_to_give_out_a_retired_device():
    retired = make_device(status=make_status("Gone", kind=DeviceStatus.Kind.RETIRED))
    with pytest.raises(Refused, match="is retired"):
        check_out(retired, make_person(), actor=COMMAND_LINE)


def test_it_refuses_a_check_out_in_the_future():
    with pytest.raises(Refused, match="still to come"):
        check_out(make_device(), make_person(), actor=COMMAND_LINE, at=timezone.now() + timedelta(hours=1))


def test_it_refuses_a_check_out_at_a_time_when_somebody_else_had_the_device():
    device = make_device()
    check_out(device, make_person(), actor=COMMAND_LINE, at=timezone.now() - timedelta(days=2))
    check_in(device, actor=COMMAND_LINE)

    with pytest.raises(Refused, match="Somebody else"):
        check_out(device, make_person(), actor=COMMAND_LINE, at=timezone.now() - timedelta(days=1))


def test_it_transfers_a_device_from_one_person_to_another():
    device, ann, ben = make_device(), make_person(), make_person()
    check_out(device, ann, kind=Kind.LOANER, actor=COMMAND_LINE)

    transfer(device, ben, actor=COMMAND_LINE)

    older, newer = device.assignments.order_by("pk")
    assert (older.person, newer.person) == (ann, ben)
    assert older.ended_at == newer.started_at
    assert newer.kind == Kind.LOANER


def test_a_refused_transfer_ends_nothing():
    device, ann = make_device(), make_person()
    check_out(device, ann, actor=COMMAND_LINE)

    with pytest.raises(Refused, match="already"):
        transfer(device, ann, actor=COMMAND_LINE)

    assert device.assignments.get().ended_at is None


def test_a_loaner_is_given_while_the_primary_device_stays_the_persons_own():
    own, loaner, ann = make_device(), make_device(), make_person()
    check_out(own, ann, actor=COMMAND_LINE)

    swap_for_loaner(own, loaner, actor=COMMAND_LINE)

    assert own.assignments.get().ended_at is None
    assert loaner.assignments.get().person == ann
    assert loaner.assignments.get().kind == Kind.LOANER


def test_a_loaner_that_is_swapped_comes_back():
    broken, other, ann = make_device(), make_device(), make_person()
    check_out(broken, ann, kind=Kind.LOANER, actor=COMMAND_LINE)

    swap_for_loaner(broken, other, actor=COMMAND_LINE)

    assert broken.assignments.get().ended_at is not None
    assert other.assignments.get(ended_at=None).person == ann


@pytest.mark.parametrize("same", [True, False], ids=["itself", "a device that somebody has"])
def test_it_refuses_as_a_loaner(same):
    own = make_device()
    check_out(own, make_person(), actor=COMMAND_LINE)
    loaner = own if same else make_device()
    if not same:
        check_out(loaner, make_person(), actor=COMMAND_LINE)

    with pytest.raises(Refused) as refusal:
        swap_for_loaner(own, loaner, actor=COMMAND_LINE)
    assert refusal.value.field == "loaner"


def test_the_audit_trail_keeps_the_name_of_the_person_apart():
    check_out(make_device(), make_person(name="Ann Smith", external_id="S-1"), actor=COMMAND_LINE)

    entry = Entry.objects.get(action="device.checked_out")
    assert entry.after["person"] == "S-1"
    assert "Ann" not in str(entry.after)
    assert entry.personal.after == {"name": "Ann Smith"}
