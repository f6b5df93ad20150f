"""*Refresh this device now*: in the browser, on the command line and through the API, from a simulated Apple."""

import json
import time

import pytest
from click.testing import CliRunner
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from appleschool_sim.actions import Change
from appleschool_sim.faults import Fault
from appleschool_sim.testing import RunningSimulator
from homeroom.accounts.models import ApiToken
from homeroom.accounts.policy import Role
from homeroom.accounts.verbs.tokens import create_token
from homeroom.applesync.commands import apple as apple_command
from homeroom.applesync.models import AppleDevice, Connection, SyncRun
from homeroom.applesync.verbs.refresh import refresh_device
from homeroom.applesync.verbs.runs import begin_sync
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.insurance.models import CoverageCheck, InsuranceRecord
from homeroom.inventory.models import Device
from homeroom.web.errors import Refused
from tests.applesync.districts import connect, listed, stock, sync, use_apple
from tests.builders import make_device, make_site, make_status, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def district(settings: Settings, apple: RunningSimulator) -> Connection:
    """Ten devices, synced."""
    use_apple(settings, apple)
    stock(listed(apple)[:10])
    connection = connect(apple)
    sync(connection)
    return connection


@pytest.fixture
def device(district: Connection, apple: RunningSimulator) -> Device:
    return Device.objects.get(serial_number=listed(apple)[0])


def test_it_brings_what_changed_of_details_and_coverage_and_is_audited_once(
    apple: RunningSimulator, device: Device
) -> None:
    serial = device.serial_number or ""
    apple.control.change(Change(serial=serial, color="PLAID"))
    CoverageCheck.objects.filter(device=device).delete()
    before = timezone.now()

    refreshed = refresh_device(device, actor=COMMAND_LINE)

    assert refreshed.details_changed
    assert refreshed.sentence == "Apple was asked just now: its details have changed."
    assert AppleDevice.objects.get(device=device).color == "PLAID"
    assert CoverageCheck.objects.get(device=device).attempted_at > before
    assert Entry.objects.filter(action="device.refreshed", object_id=str(device.pk)).count() == 1


def test_what_has_not_changed_is_said_so_and_not_written(device: Device) -> None:
    refreshed = refresh_device(device, actor=COMMAND_LINE)

    assert refreshed.sentence == "Apple was asked just now: nothing has changed."
    assert not refreshed.coverage_changed


def test_it_takes_three_requests_and_works_while_a_sync_has_the_connection(
    apple: RunningSimulator, district: Connection, device: Device
) -> None:
    begin_sync(district, actor=COMMAND_LINE)
    before = sum(apple.control.counts()["requests"].values())

    refresh_device(device, actor=COMMAND_LINE)

    assert sum(apple.control.counts()["requests"].values()) - before == 3
    assert SyncRun.objects.filter(connection=district, state=SyncRun.State.RUNNING).exists()


def test_a_device_added_to_the_inventory_just_now_is_matched_at_once(
    apple: RunningSimulator, district: Connection
) -> None:
    device = make_device(serial_number=listed(apple)[20])

    refresh_device(device, actor=COMMAND_LINE)

    assert AppleDevice.objects.get(device=device).serial_number == device.serial_number
    assert CoverageCheck.objects.filter(device=device, succeeded_at__isnull=False).exists()


def test_a_device_that_was_added_at_apple_since_the_last_sync_is_found(
    apple: RunningSimulator, district: Connection
) -> None:
    device = make_device(serial_number=apple.control.add())

    assert refresh_device(device, actor=COMMAND_LINE).details_changed

    assert AppleDevice.objects.get(device=device).coverage_day > 0


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_released_or_forgotten_device_keeps_all_that_is_known_of_it(
    apple: RunningSimulator, device: Device, *, forgotten: bool
) -> None:
    records = InsuranceRecord.objects.filter(device=device).count()
    apple.control.release(device.serial_number or "", forgotten=forgotten)

    refreshed = refresh_device(device, actor=COMMAND_LINE)

    row = AppleDevice.objects.get(device=device)
    assert row.gone_since is not None
    assert (row.released_at is None) is forgotten
    assert ("no longer in" if forgotten else "released it") in refreshed.sentence
    assert InsuranceRecord.objects.filter(device=device).count() == records


def test_a_device_that_comes_back_is_live_again_and_keeps_the_status_that_people_chose(
    device: Device,
) -> None:
    device.status = make_status("Waiting for parts")
    device.save()
    AppleDevice.objects.filter(device=device).update(gone_since=timezone.now(), released_at=timezone.now())

    assert refresh_device(device, actor=COMMAND_LINE).details_changed

    row = AppleDevice.objects.get(device=device)
    assert (row.gone_since, row.released_at) == (None, None)
    device.refresh_from_db()
    assert device.status.name == "Waiting for parts"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault.THROTTLED, "slow down"),
        (Fault.FORBIDDEN, "does not let this account read"),
        (Fault.SERVER_ERROR, "Nothing was changed"),
        (Fault.DROPPED, "Nothing was changed"),
    ],
)
def test_apples_refusals_are_told_in_words_and_nothing_is_half_done(
    apple: RunningSimulator, device: Device, fault: Fault, said: str
) -> None:
    check = CoverageCheck.objects.get(device=device)
    apple.control.change(Change(serial=device.serial_number or "", color="PLAID"))
    apple.control.switch_on(fault)

    with pytest.raises(Refused, match=said):
        refresh_device(device, actor=COMMAND_LINE)

    assert AppleDevice.objects.get(device=device).color != "PLAID"
    assert CoverageCheck.objects.get(device=device).attempted_at == check.attempted_at
    assert not Entry.objects.filter(action="device.refreshed").exists()


def test_a_revoked_key_is_told_and_the_connection_needs_attention(
    apple: RunningSimulator, district: Connection, device: Device
) -> None:
    apple.control.revoke_key()

    with pytest.raises(Refused, match="Apple refuses the credentials"):
        refresh_device(device, actor=COMMAND_LINE)

    district.refresh_from_db()
    assert district.state == Connection.State.NEEDS_ATTENTION


def test_it_gives_up_after_its_patience(apple: RunningSimulator, device: Device) -> None:
    apple.control.switch_on(Fault.SLOW, seconds=20)
    began = time.monotonic()

    with pytest.raises(Refused, match="did not answer"):
        refresh_device(device, actor=COMMAND_LINE, patience=0.5)

    assert time.monotonic() - began < 5


def test_it_says_why_a_device_cannot_be_asked_for(district: Connection) -> None:
    with pytest.raises(Refused, match="does not know this serial number"):
        refresh_device(make_device(serial_number="NOBODYS"), actor=COMMAND_LINE)
    with pytest.raises(Refused, match="no serial number"):
        refresh_device(make_device(serial_number=None), actor=COMMAND_LINE)


def test_an_inactive_connection_is_not_asked(district: Connection, device: Device) -> None:
    Connection.objects.update(active=False)

    with pytest.raises(Refused, match="“District” is not active"):
        refresh_device(device, actor=COMMAND_LINE)
    with pytest.raises(Refused, match="No connection to Apple is active"):
        refresh_device(make_device(), actor=COMMAND_LINE)


def test_the_connection_that_lists_the_device_is_asked(
    settings: Settings, district: Connection, device: Device
) -> None:
    Connection.objects.create(
        name="Another", client_id="SCHOOLAPI.x", key_id="x", private_key=district.private_key
    )

    refresh_device(device, actor=COMMAND_LINE)


def test_a_technician_refreshes_from_the_profile_and_sees_the_outcome(
    apple: RunningSimulator, device: Device, as_technician: Client
) -> None:
    assert "Refresh this device now" in as_technician.get(device.get_absolute_url()).content.decode()

    answer = as_technician.post(f"/devices/{device.pk}/refresh/", follow=True)

    assert "Apple was asked just now: nothing has changed." in answer.content.decode()
    assert "Refreshed from Apple" in answer.content.decode()


def test_with_htmx_the_page_renews_itself_or_says_why_not(
    apple: RunningSimulator, device: Device, as_technician: Client
) -> None:
    address, htmx = f"/devices/{device.pk}/refresh/", {"HX-Request": "true"}
    assert as_technician.post(address, headers=htmx)["HX-Refresh"] == "true"

    apple.control.switch_on(Fault.FORBIDDEN)
    answer = as_technician.post(address, headers=htmx)

    assert 'role="alert"' in answer.content.decode()
    assert "HX-Refresh" not in answer


def test_a_device_that_apple_does_not_list_can_be_asked_for_too(
    district: Connection, as_technician: Client
) -> None:
    device = make_device(serial_number="NOBODYS")

    page = as_technician.get(device.get_absolute_url()).content.decode()

    assert "Apple's list did not have this serial number" in page
    assert "Refresh this device now" in page


def test_viewers_and_technicians_of_other_sites_refresh_nothing(
    device: Device, as_viewer: Client, client: Client
) -> None:
    assert "Refresh this device now" not in as_viewer.get(device.get_absolute_url()).content.decode()
    assert as_viewer.post(f"/devices/{device.pk}/refresh/").status_code == 403
    client.force_login(make_user(Role.TECHNICIAN, sites=(make_site(),)))
    assert client.post(f"/devices/{device.pk}/refresh/").status_code == 404
    assert client.get(f"/devices/{device.pk}/refresh/").status_code == 405


def test_the_profile_says_since_when_a_device_is_released_or_gone(
    apple: RunningSimulator, district: Connection, as_technician: Client
) -> None:
    released, gone = Device.objects.order_by("pk")[:2]
    apple.control.release(released.serial_number or "")
    apple.control.release(gone.serial_number or "", forgotten=True)
    for device in (released, gone):
        refresh_device(device, actor=COMMAND_LINE)

    assert (
        "Released from the organization on" in as_technician.get(released.get_absolute_url()).content.decode()
    )
    page = as_technician.get(gone.get_absolute_url()).content.decode()
    assert "No longer in Apple School Manager since" in page
    assert "Serial number verified with Apple" not in page


def test_the_command_prints_the_devices_row(apple: RunningSimulator, device: Device) -> None:
    apple.control.release(device.serial_number or "")

    outcome = CliRunner().invoke(apple_command, ["refresh", device.serial_number or "", "--json"])

    assert outcome.exit_code == 0, outcome.stderr
    row = json.loads(outcome.stdout)
    assert row["serial_number"] == device.serial_number
    assert row["apple_verified"] is False
    assert "released" in outcome.stderr


def test_the_command_fails_with_the_reason(district: Connection) -> None:
    unknown = CliRunner().invoke(apple_command, ["refresh", "NOBODYS"])
    assert (unknown.exit_code, "No device has" in unknown.stderr) == (1, True)
    make_device(asset_tag="TAG", serial_number="NOBODYS")
    outcome = CliRunner().invoke(apple_command, ["refresh", "TAG"])
    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert "does not know this serial number" in outcome.stderr


def test_the_api_refreshes_and_says_why_it_cannot(
    apple: RunningSimulator, device: Device, client: Client
) -> None:
    def token(role: Role) -> dict[str, str]:
        _token, text = create_token(make_user(role), name="t", scope=ApiToken.Scope.WRITE, actor=COMMAND_LINE)
        return {"Authorization": f"Bearer {text}"}

    address = f"/api/v1/devices/{device.pk}/refresh"
    technician = token(Role.TECHNICIAN)
    answer = client.post(address, headers=technician)
    assert (answer.status_code, answer.json()["apple_verified"]) == (200, True)
    assert client.post(address, headers=token(Role.VIEWER)).status_code == 403

    apple.control.switch_on(Fault.FORBIDDEN)
    refused = client.post(address, headers=technician)
    assert (refused.status_code, refused["Content-Type"]) == (409, "application/problem+json")
