"""From a cracked screen to Apple and back: the verbs that every way in calls."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.incidents.models import Incident, IncidentStatus
from homeroom.incidents.preflight import PreflightConcerns
from homeroom.incidents.verbs.incidents import close_incident, open_incident, set_status, update_incident
from homeroom.incidents.verbs.repairs import (
    correct_shipping_day,
    receive_back,
    receive_replacement,
    send_to_apple,
    take_back_replacement,
)
from homeroom.incidents.verbs.statuses import (
    default_status,
    delete_status,
    ensure_system_statuses,
    rename_status,
)
from homeroom.insurance.queries import today
from homeroom.inventory.system_statuses import SystemStatusIsNotChosen
from homeroom.inventory.verbs.assignments import check_out
from homeroom.web.errors import Refused
from tests.builders import make_device, make_person

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def connected() -> None:
    ensure_system_statuses(actor=COMMAND_LINE)


def cracked() -> Incident:
    return open_incident(make_device(), summary="Cracked screen", actor=COMMAND_LINE)


def sent(**values: object) -> Incident:
    return send_to_apple(cracked(), reason="Tested.", actor=COMMAND_LINE, **values)  # type: ignore[arg-type]


def test_an_incident_keeps_who_had_the_device_when_it_was_opened():
    device, person = make_device(), make_person()
    check_out(device, person, actor=COMMAND_LINE)

    incident = open_incident(device, summary=" Cracked screen ", actor=COMMAND_LINE)

    assert (incident.person, incident.summary, str(incident.status)) == (person, "Cracked screen", "New")
    assert Entry.objects.get(action="incident.opened").personal.after == {"name": person.name}


def test_a_closed_status_closes_it_with_an_outcome_and_an_open_one_opens_it_again():
    incident = cracked()
    with pytest.raises(Refused, match="outcome"):
        set_status(incident, default_status(is_open=False), actor=COMMAND_LINE)

    closed = close_incident(incident, outcome="not_covered", actor=COMMAND_LINE)
    assert (closed.is_open, closed.outcome) == (False, "not_covered")

    opened = set_status(closed, default_status(is_open=True), actor=COMMAND_LINE)
    assert (opened.is_open, opened.outcome, opened.closed_at) == (True, "", None)


def test_sending_to_apple_asks_for_a_reason_where_the_preflight_has_concerns():
    incident = cracked()
    with pytest.raises(PreflightConcerns) as refused:
        send_to_apple(incident, actor=COMMAND_LINE)
    assert [concern.check for concern in refused.value.concerns[incident.number]] == [
        "coverage-unknown",
        "no-photo",
        "apple-not-asked",
    ]

    gone = send_to_apple(incident, repair_number=" r123 ", reason="The family insists.", actor=COMMAND_LINE)

    assert (gone.is_at_apple, gone.repair_number, gone.shipped_on) == (True, "R123", today())
    entry = Entry.objects.get(action="incident.sent_to_apple")
    assert entry.after["reason"] == "The family insists."
    assert entry.after["overridden"]


def test_the_day_of_shipping_can_be_corrected_to_an_earlier_one_with_a_reason():
    with time_machine.travel(datetime.now(UTC) - 5 * DAY, tick=False):
        incident = cracked()
    gone = send_to_apple(incident, reason="Tested.", actor=COMMAND_LINE)
    assert gone.shipped_at == gone.sent_at

    with pytest.raises(Refused, match="why"):
        correct_shipping_day(gone, shipped_on=today() - DAY, reason=" ", actor=COMMAND_LINE)
    with pytest.raises(Refused, match="to come"):
        correct_shipping_day(gone, shipped_on=today() + DAY, reason="Typed wrong", actor=COMMAND_LINE)
    corrected = correct_shipping_day(gone, shipped_on=today() - DAY, reason="Set late", actor=COMMAND_LINE)

    assert corrected.shipped_at is not None
    assert corrected.sent_at == gone.sent_at
    assert corrected.shipped_at < corrected.sent_at


def test_a_unit_that_came_back_closes_its_incident():
    assert receive_back(sent(), actor=COMMAND_LINE).outcome == "repaired"
    with pytest.raises(Refused, match="not replaced"):
        receive_back(sent(), outcome="replaced", actor=COMMAND_LINE)
    with pytest.raises(Refused, match="not at Apple"):
        receive_back(cracked(), actor=COMMAND_LINE)


def test_a_replacement_is_received_only_by_what_is_at_apple_and_can_be_taken_back():
    with pytest.raises(Refused, match="not at Apple"):
        receive_replacement(cracked(), actor=COMMAND_LINE)
    gone = sent()
    received = receive_replacement(gone, actor=COMMAND_LINE)
    assert received.status.system_key == "applecare_replacement_received"

    closed = close_incident(received, outcome="replaced", actor=COMMAND_LINE)
    again = take_back_replacement(closed, reason="Another one's.", actor=COMMAND_LINE)
    assert (again.is_at_apple, again.is_open, again.sent_at) == (True, True, gone.sent_at)


@pytest.mark.parametrize("key", IncidentStatus.SystemKey)
@pytest.mark.parametrize(
    "attempt",
    [
        lambda incident, status: set_status(incident, status, actor=COMMAND_LINE),
        lambda incident, status: Incident.objects.update(status=status),
        lambda incident, status: Incident.objects.filter(pk=incident.pk).update(status_id=status.pk),
        lambda incident, status: setattr(incident, "status", status) or incident.save(),
        lambda incident, status: Incident.objects.create(device=incident.device, summary="x", status=status),
        lambda incident, status: (
            setattr(incident, "status", status) or Incident.objects.bulk_update([incident], ["status"])
        ),
        lambda incident, status: (
            setattr(incident, "status", status) or incident.save(update_fields=["status_id"])
        ),
        lambda incident, status: (
            setattr(incident, "status", status) or Incident.objects.bulk_update([incident], ["status_id"])
        ),
        lambda incident, status: status.incidents.add(incident),
        lambda incident, status: Incident._base_manager.update(status=status),
        lambda incident, status: Incident.objects.bulk_create(
            [Incident(device=incident.device, summary="x", status=status)]
        ),
        lambda incident, status: update_incident(incident, status=status, actor=COMMAND_LINE),
    ],
)
def test_a_system_status_is_refused_from_every_other_way_in(attempt, key):
    incident = cracked()
    with pytest.raises((SystemStatusIsNotChosen, Refused, TypeError)):
        attempt(incident, IncidentStatus.objects.get(system_key=key))
    assert not Incident.objects.filter(status__system_key__isnull=False).exists()


def test_a_status_that_incidents_have_is_neither_closed_nor_deleted():
    status = cracked().status
    with pytest.raises(Refused, match="another status first"):
        rename_status(status, name=status.name, is_open=False, actor=COMMAND_LINE)
    with pytest.raises(Refused, match="another status first"):
        delete_status(status, actor=COMMAND_LINE)
