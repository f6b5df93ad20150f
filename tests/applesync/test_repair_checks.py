"""Before a device is sent in: Apple is asked whether it is assigned and locked, of a simulated Apple over HTTP."""

import threading
import time
from datetime import timedelta

import pytest
from click.testing import CliRunner
from django.db import connection as database
from django.utils import timezone
from pytest_django import Settings

from appleschool_sim.devices import Device as Truth
from appleschool_sim.faults import Fault
from appleschool_sim.kinds import RequestKind
from appleschool_sim.testing import RunningSimulator
from homeroom.applesync.models import Connection, RepairCheck
from homeroom.applesync.repair_concerns import AppleInquiry, apple_concerns
from homeroom.applesync.verbs.repair_checks import answer_due_checks, check_now, request_checks
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.commands import incident as incident_command
from homeroom.incidents.models import Incident
from homeroom.incidents.shipping.commands import shipment as shipment_command
from homeroom.incidents.verbs.incidents import open_incident
from homeroom.incidents.verbs.statuses import ensure_system_statuses
from homeroom.inventory.models import Device
from tests.api.test_api import Caller
from tests.applesync.districts import connect, use_apple
from tests.builders import make_device
from tests.incidents.repairs import box_of

pytestmark = pytest.mark.django_db(transaction=True)
LOCKS = ("MDM", "MDM", "USER", "NONE")
"""How the simulated Apple locks what is assigned, by the place on its list."""
NEVER = threading.Event()


@pytest.fixture
def district(settings: Settings, apple: RunningSimulator) -> Connection:
    use_apple(settings, apple)
    ensure_system_statuses(actor=COMMAND_LINE)
    return connect(apple)


def truth(
    apple: RunningSimulator, *, family: str = "iPad", assigned: bool = True, lock: str = "NONE"
) -> Truth:
    return next(
        device
        for device in apple.world.devices()
        if device.model.family == family
        and (device.server_id is not None) is assigned
        and (not assigned or LOCKS[device.index % 4] == lock)
    )


def cracked(serial: str | None) -> Incident:
    return open_incident(make_device(serial_number=serial), summary="Cracked", actor=COMMAND_LINE)


def asked(incident: Incident, *, patience: float | None = None) -> RepairCheck:
    check_now([incident.device_id], patience=patience)
    return RepairCheck.objects.get(device=incident.device)


def concerns(incident: Incident) -> dict[str, str]:
    return {found.check: found.sentence for found in apple_concerns([incident]).get(incident.number, ())}


def requests(apple: RunningSimulator) -> dict[str, int]:
    counted: dict[str, int] = apple.control.counts()["requests"]
    return {kind: count for kind, count in counted.items() if count}


def test_an_assigned_ipad_is_a_concern_and_names_its_service(
    apple: RunningSimulator, district: Connection
) -> None:
    device = truth(apple, assigned=True, lock="NONE")
    incident = cracked(device.serial)
    asked(incident)
    server = apple.world.server(device.server_id or "")
    assert server is not None
    assert list(concerns(incident)) == ["assigned-to-service"]
    assert server.name in concerns(incident)["assigned-to-service"]
    assert AppleInquiry().answers([incident])[incident.number].sentences == ("Activation Lock is off.",)


def test_a_mac_stays_assigned(apple: RunningSimulator, district: Connection) -> None:
    incident = cracked(truth(apple, family="Mac", lock="NONE").serial)
    asked(incident)
    assert concerns(incident) == {}
    assert "A Mac stays so" in " ".join(AppleInquiry().answers([incident])[incident.number].sentences)


@pytest.mark.parametrize(("lock", "said"), [("MDM", "Lock is on."), ("USER", "personal Apple Account")])
def test_a_lock_is_a_concern_and_tells_whose_it_is(
    apple: RunningSimulator, district: Connection, lock: str, said: str
) -> None:
    incident = cracked(truth(apple, family="Mac", lock=lock).serial)
    asked(incident)
    assert said in concerns(incident)["activation-lock"]


@pytest.mark.parametrize("empty_id", [False, True])
def test_an_unassigned_device_is_as_apple_wants_it_though_its_lock_is_not_told(
    apple: RunningSimulator, district: Connection, *, empty_id: bool
) -> None:
    if empty_id:
        apple.control.switch_on(Fault.EMPTY_SERVER_ID)
    incident = cracked(truth(apple, assigned=False).serial)
    asked(incident)
    assert concerns(incident) == {}
    assert "nobody is signed in to Find My" in " ".join(
        AppleInquiry().answers([incident])[incident.number].sentences
    )


def test_three_requests_and_a_token_are_spent_of_that_device_alone(
    apple: RunningSimulator, district: Connection
) -> None:
    incident = cracked(truth(apple).serial)
    asked(incident)
    assert requests(apple) == {"token": 1, "device": 1, "assigned_server": 1, "activation_lock": 1}
    asked(incident)
    assert sum(requests(apple).values()) == 4


def test_a_device_that_apple_does_not_know_or_released_is_a_concern(
    apple: RunningSimulator, district: Connection
) -> None:
    stranger, device = cracked("NOBODYS"), truth(apple)
    asked(stranger)
    assert list(concerns(stranger)) == ["not-known-to-apple"]
    apple.control.release(device.serial)
    released = cracked(device.serial)
    asked(released)
    assert list(concerns(released)) == ["released-from-apple"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault.THROTTLED, "slow down"),
        (Fault.FORBIDDEN, "does not let this account read"),
        (Fault.SERVER_ERROR, "Apple"),
        (Fault.DROPPED, "Apple"),
        (Fault.TOKEN_REFUSED, "refuses the credentials"),
        (Fault.BROKEN_JSON, "Apple"),
    ],
)
def test_what_could_not_be_asked_is_a_concern_and_never_fine(
    apple: RunningSimulator, district: Connection, fault: Fault, said: str
) -> None:
    incident = cracked(truth(apple, assigned=False).serial)
    apple.control.switch_on(fault, seconds=60)
    asked(incident, patience=4)
    assert said in concerns(incident)["apple-not-asked"]
    assert "could not be asked" in concerns(incident)["apple-not-asked"]


def test_apple_out_of_reach_is_a_concern(
    apple: RunningSimulator, district: Connection, settings: Settings
) -> None:
    incident = cracked(truth(apple).serial)
    use_apple(settings, apple, apple_api_url="http://127.0.0.1:9/v1")
    asked(incident, patience=4)
    assert "could not be asked" in concerns(incident)["apple-not-asked"]


def test_it_gives_up_after_its_patience(apple: RunningSimulator, district: Connection) -> None:
    apple.control.switch_on(Fault.SLOW, seconds=20)
    incident = cracked(truth(apple).serial)
    began = time.monotonic()
    asked(incident, patience=0.5)
    assert time.monotonic() - began < 5
    assert "did not answer" in concerns(incident)["apple-not-asked"]


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.UNAVAILABLE, Fault.FORBIDDEN])
def test_a_lock_state_that_apple_can_not_tell_is_a_concern_of_its_own(
    apple: RunningSimulator, district: Connection, fault: Fault
) -> None:
    incident = cracked(truth(apple, family="Mac", lock="NONE").serial)
    apple.control.switch_on(fault, kinds=[RequestKind.ACTIVATION_LOCK])
    asked(incident)
    assert list(concerns(incident)) == ["activation-lock-unknown"]
    district.refresh_from_db()
    assert district.state == Connection.State.ACTIVE


def test_a_service_that_can_not_be_told_leaves_the_device_assigned(
    apple: RunningSimulator, district: Connection
) -> None:
    incident = cracked(truth(apple, lock="NONE").serial)
    apple.control.switch_on(Fault.FORBIDDEN, kinds=[RequestKind.ASSIGNED_SERVER])
    asked(incident)
    assert "a device management service" in concerns(incident)["assigned-to-service"]


def test_a_refused_key_is_noted_on_the_connection(apple: RunningSimulator, district: Connection) -> None:
    apple.control.revoke_key()
    asked(cracked(truth(apple).serial))
    district.refresh_from_db()
    assert district.state == Connection.State.NEEDS_ATTENTION


def test_a_failure_is_soon_asked_again_and_replaces_what_was_known(
    apple: RunningSimulator, district: Connection
) -> None:
    incident = cracked(truth(apple, assigned=False).serial)
    asked(incident)
    RepairCheck.objects.update(asked_at=timezone.now() - timedelta(hours=1))
    assert "too long ago" in concerns(incident)["apple-not-asked"]
    apple.control.switch_on(Fault.FORBIDDEN)
    assert asked(incident).standing == ""
    apple.control.clear_faults()
    RepairCheck.objects.update(asked_at=timezone.now() - timedelta(minutes=2))
    asked(incident)
    assert concerns(incident) == {}


def test_without_a_connection_or_a_serial_number_it_says_so(district: Connection) -> None:
    nameless = cracked(None)
    asked_of_nobody = cracked("X")
    request_checks([nameless.device_id])
    assert not answer_due_checks(NEVER)
    assert "no serial number" in concerns(nameless)["apple-not-asked"]
    Connection.objects.update(active=False)
    assert "no connection to Apple is active" in concerns(asked_of_nobody)["apple-not-asked"]
    check_now([asked_of_nobody.device_id])
    request_checks([asked_of_nobody.device_id])
    assert not answer_due_checks(NEVER)


def test_every_connection_is_asked_until_one_knows_the_device(
    apple: RunningSimulator, district: Connection
) -> None:
    Connection.objects.create(
        name="A", client_id="SCHOOLAPI.x", key_id="x", private_key=district.private_key, pk=district.pk + 1
    )
    incident = cracked(truth(apple, assigned=False).serial)
    asked(incident)
    assert concerns(incident) == {}


# In the background


def test_a_worker_asks_about_all_that_are_waited_for(apple: RunningSimulator, district: Connection) -> None:
    incidents = [cracked(device.serial) for device in list(apple.world.devices())[:40]]
    request_checks([incident.device_id for incident in incidents])
    assert all(answer.is_awaited for answer in AppleInquiry().answers(incidents).values())
    while answer_due_checks(NEVER):
        pass
    answers = AppleInquiry().answers(incidents).values()
    assert all(answer.is_good and not answer.is_awaited for answer in answers)
    assert not any("apple-not-asked" in concerns(incident) for incident in incidents)


def test_what_has_a_good_answer_is_asked_again_only_on_demand(
    apple: RunningSimulator, district: Connection
) -> None:
    incident = cracked(truth(apple).serial)
    asked(incident)
    request_checks([incident.device_id])
    assert not answer_due_checks(NEVER)
    request_checks([incident.device_id], anew=True)
    assert answer_due_checks(NEVER)


def test_two_workers_share_the_work_and_a_dead_ones_is_taken_up(
    apple: RunningSimulator, district: Connection
) -> None:
    incident = cracked(truth(apple).serial)
    request_checks([incident.device_id])
    RepairCheck.objects.update(taken_until=timezone.now() + timedelta(minutes=1))
    assert not answer_due_checks(NEVER)
    RepairCheck.objects.update(taken_until=timezone.now() - timedelta(seconds=1))
    assert answer_due_checks(NEVER)
    assert RepairCheck.objects.get().wanted_at is None


def test_a_worker_that_is_stopped_gives_back_what_it_has_not_asked(
    apple: RunningSimulator, district: Connection
) -> None:
    incident = cracked(truth(apple).serial)
    request_checks([incident.device_id])
    stop = threading.Event()
    stop.set()
    answer_due_checks(stop)
    check = RepairCheck.objects.get()
    assert check.wanted_at is not None
    assert check.taken_until is None
    assert requests(apple).get("device", 0) == 0


def test_what_concerns_the_whole_account_fails_all_that_are_left_at_once(
    apple: RunningSimulator, district: Connection
) -> None:
    incidents = [cracked(device.serial) for device in list(apple.world.devices())[:20]]
    request_checks([incident.device_id for incident in incidents])
    apple.control.revoke_key()
    assert answer_due_checks(NEVER)
    assert RepairCheck.objects.exclude(failure="").count() == len(incidents)
    assert requests(apple).get("token", 0) <= 8


def test_nothing_is_asked_inside_a_transaction(apple: RunningSimulator, district: Connection) -> None:
    incident = cracked(truth(apple).serial)
    within = []
    check_now([incident.device_id], told=lambda: within.append(database.in_atomic_block))
    assert within == [False]


# The ways in that ask by themselves


def test_the_commands_ask_before_they_send(apple: RunningSimulator, district: Connection) -> None:
    single, boxed = cracked(truth(apple, lock="USER").serial), cracked(truth(apple, lock="MDM").serial)
    arguments = ["set-status", str(single.number), "Sent for AppleCare Repair"]
    refused = CliRunner().invoke(incident_command, arguments)
    assert refused.exit_code == 1
    assert "still assigned to" in refused.stderr
    assert CliRunner().invoke(incident_command, [*arguments, "--reason", "x"]).exit_code == 0
    box = box_of(boxed)
    refused = CliRunner().invoke(shipment_command, ["ship", str(box.number)])
    assert refused.exit_code == 1
    assert "Asked Apple: 1 of 1" in refused.stderr
    assert "Activation Lock is on." in refused.stderr


def test_a_unit_comes_back_by_command(apple: RunningSimulator, district: Connection) -> None:
    incident = cracked(truth(apple, assigned=False).serial)
    number = str(incident.number)
    arguments = ["set-status", number, "Sent for AppleCare Repair", "--reason", "x"]
    assert CliRunner().invoke(incident_command, arguments).exit_code == 0
    done = CliRunner().invoke(
        incident_command, ["receive-back", number, "--outcome", "not_covered", "--json"]
    )
    assert done.exit_code == 0, done.output
    assert '"outcome": "not_covered"' in done.stdout
    again = CliRunner().invoke(incident_command, ["receive-back", number])
    assert again.exit_code == 1
    assert "not at Apple" in again.stderr


def test_the_api_asks_before_it_sends(apple: RunningSimulator, district: Connection) -> None:
    incident = cracked(truth(apple, lock="USER").serial)
    answer = Caller().send("POST", f"/incidents/{incident.number}/send-to-apple", {})
    assert answer.status_code == 422
    checks = {found["check"] for found in answer.json()["concerns"]}
    assert {"assigned-to-service", "activation-lock"} <= checks
    assert "apple-not-asked" not in checks


def test_a_page_asks_through_a_worker_and_waits_for_nobody(
    apple: RunningSimulator, district: Connection, as_technician
) -> None:
    incident = cracked(truth(apple, lock="NONE").serial)
    address = f"/incidents/{incident.number}/before-sending/"
    as_technician.post(address, headers={"HX-Request": "true"})
    assert requests(apple) == {}
    assert answer_due_checks(NEVER)
    page = as_technician.get(address).content.decode()
    assert "still assigned to" in page
    assert "Activation Lock is off." in page


def test_a_device_that_is_deleted_meanwhile_is_forgotten(
    apple: RunningSimulator, district: Connection
) -> None:
    device = make_device(serial_number=truth(apple).serial)
    request_checks([device.pk])
    Device.objects.filter(pk=device.pk).delete()
    assert not answer_due_checks(NEVER)
