"""Applying, dismissing and undoing a pairing: whole or not at all, and never twice."""

import pytest

from homeroom.applesync.models import AppleDevice, Connection, Replacement
from homeroom.applesync.verbs.replacements import (
    apply_replacement,
    dismiss_candidate,
    dismiss_replacement,
    pair_replacement,
    undo_replacement,
)
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.incidents.models import Incident
from homeroom.incidents.verbs.incidents import close_incident, open_incident
from homeroom.incidents.verbs.repairs import send_to_apple
from homeroom.incidents.verbs.statuses import ensure_system_statuses as ensure_incident_statuses
from homeroom.inventory.queries import open_assignment
from homeroom.inventory.verbs.assignments import check_in, check_out
from homeroom.inventory.verbs.statuses import ensure_system_statuses as ensure_device_statuses
from homeroom.web.errors import Refused
from tests.applesync.mirrors import make_connection, make_listed
from tests.builders import make_device, make_person

pytestmark = pytest.mark.django_db
State = Replacement.State


@pytest.fixture
def connection() -> Connection:
    ensure_device_statuses(actor=COMMAND_LINE)
    ensure_incident_statuses(actor=COMMAND_LINE)
    return make_connection()


def at_apple() -> Incident:
    device = make_device()
    check_out(device, make_person(), actor=COMMAND_LINE)
    incident = open_incident(device, summary="Cracked screen", actor=COMMAND_LINE)
    return send_to_apple(incident, reason="Tested.", actor=COMMAND_LINE)


def suggestion(candidate: AppleDevice, incident: Incident) -> Replacement:
    return Replacement.objects.create(
        connection=candidate.connection,
        incident=incident,
        original_serial=incident.device.serial_number,
        replacement_serial=candidate.serial_number,
        apple_device=candidate,
    )


def test_applying_changes_device_incident_and_assignment_together(connection):
    incident = at_apple()
    other = suggestion(make_listed("NEW2", connection), incident)

    applied = apply_replacement(suggestion(make_listed("NEW1", connection), incident), actor=COMMAND_LINE)

    incident.refresh_from_db()
    assert str(incident.status) == "AppleCare Replacement Received"
    assert str(incident.device.status) == "Replaced by AppleCare"
    assert open_assignment(incident.device) is None
    assert (applied.state, applied.decided_by) == (State.APPLIED, "Command line")
    assert not Replacement.objects.filter(pk=other.pk).exists()
    assert Entry.objects.get(action="replacement.applied").after["replacement"] == "NEW1"


def test_it_is_never_applied_twice_whichever_side_comes_again(connection):
    first, second = at_apple(), at_apple()
    new = make_listed("NEW1", connection)
    applied = pair_replacement(new, first, actor=COMMAND_LINE)

    for attempt in (
        lambda: apply_replacement(applied, actor=COMMAND_LINE),
        lambda: pair_replacement(new, second, actor=COMMAND_LINE),
        lambda: pair_replacement(make_listed("NEW2", connection), first, actor=COMMAND_LINE),
        lambda: dismiss_candidate(new, actor=COMMAND_LINE),
    ):
        with pytest.raises(Refused):
            attempt()

    assert Replacement.objects.filter(state=State.APPLIED).get() == applied
    second.refresh_from_db()
    assert second.is_at_apple


def test_a_device_with_two_incidents_at_apple_is_replaced_once(connection):
    first = at_apple()
    second = open_incident(first.device, summary="Battery", actor=COMMAND_LINE)
    send_to_apple(second, reason="Tested.", actor=COMMAND_LINE)
    pair_replacement(make_listed("NEW1", connection), first, actor=COMMAND_LINE)
    with pytest.raises(Refused, match="replaced by NEW1 already"):
        pair_replacement(make_listed("NEW2", connection), second, actor=COMMAND_LINE)
    second.refresh_from_db()
    assert second.is_at_apple


def test_nothing_is_half_done_when_the_device_is_no_longer_at_apple(connection):
    incident = at_apple()
    close_incident(incident, outcome="repaired", actor=COMMAND_LINE)
    with pytest.raises(Refused, match="not at Apple"):
        pair_replacement(make_listed("NEW1", connection), incident, actor=COMMAND_LINE)
    assert not Replacement.objects.exists()
    assert open_assignment(incident.device) is not None


def test_undoing_gives_everything_back_and_the_pairing_stays_undone(connection):
    incident = at_apple()
    person = incident.person
    applied = pair_replacement(make_listed("NEW1", connection), incident, actor=COMMAND_LINE)
    incident.refresh_from_db()
    close_incident(incident, outcome="replaced", actor=COMMAND_LINE)

    with pytest.raises(Refused, match="why"):
        undo_replacement(applied, reason=" ", actor=COMMAND_LINE)
    undone = undo_replacement(applied, reason="Of another school", actor=COMMAND_LINE)

    incident.refresh_from_db()
    assert (undone.state, undone.reason, undone.applied_at) == (State.UNDONE, "Of another school", None)
    assert (incident.is_at_apple, incident.is_open) == (True, True)
    assert str(incident.device.status) == "In service"
    assert open_assignment(incident.device).person == person
    assert apply_replacement(undone, actor=COMMAND_LINE).state == State.APPLIED


def test_undoing_leaves_the_device_with_whoever_has_it_now(connection):
    incident = at_apple()
    applied = pair_replacement(make_listed("NEW1", connection), incident, actor=COMMAND_LINE)
    incident.person.active = False
    incident.person.save()

    undo_replacement(applied, reason="Wrong one", actor=COMMAND_LINE)

    assert open_assignment(incident.device) is None


def test_a_dismissed_suggestion_and_a_device_that_is_not_ours_stay_so(connection):
    incident, new = at_apple(), make_listed("NEW1", connection)
    dismissed = dismiss_replacement(suggestion(new, incident), reason="Older", actor=COMMAND_LINE)
    assert (dismissed.state, dismissed.reason) == (State.DISMISSED, "Older")
    with pytest.raises(Refused, match="suggestion"):
        dismiss_replacement(dismissed, actor=COMMAND_LINE)

    suggestion(new, at_apple())
    for _again in range(2):
        dismiss_candidate(new, reason="A reseller's order", actor=COMMAND_LINE)
    assert [row.incident for row in Replacement.objects.filter(state=State.DISMISSED)] == [None, incident]
    assert not Replacement.objects.filter(state=State.SUGGESTED).exists()


def test_a_device_that_was_checked_in_meanwhile_is_nobodys(connection):
    incident = at_apple()
    check_in(incident.device, actor=COMMAND_LINE)
    applied = pair_replacement(make_listed("NEW1", connection), incident, actor=COMMAND_LINE)
    assert applied.restores == {"status": incident.device.status_id, "assignment": None}
