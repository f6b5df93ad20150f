"""From the box into the inventory: scanned, added, tagged, assigned; the incident closed, the loaner back."""

import pytest
from django.test import Client
from django.urls import reverse

from appleschool_sim.testing import RunningSimulator
from homeroom.accounts.policy import Role
from homeroom.applesync.models import AppleDevice, Connection, Replacement
from homeroom.applesync.queries.receiving import Task, receiving
from homeroom.applesync.verbs.receiving import receive_into_inventory
from homeroom.applesync.verbs.replacements import apply_replacement, undo_replacement
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.incidents.verbs.incidents import close_incident
from homeroom.inventory.models import Device
from homeroom.inventory.queries import open_assignment
from homeroom.inventory.verbs.assignments import swap_for_loaner
from homeroom.web.errors import Refused
from tests.applesync.districts import connect, listed, use_apple
from tests.applesync.repairs import connected, device_of, make_at_apple, make_candidate, suggest
from tests.builders import make_device, make_site, make_user

pytestmark = pytest.mark.django_db
SCAN = reverse("applesync:scan-replacement")


def text(response) -> str:
    return response.content.decode()


@pytest.fixture
def connection(db: None) -> Connection:
    return connected(name="North")


@pytest.fixture
def applied(connection: Connection) -> Replacement:
    """With a loaner out, and the original funded by a grant."""
    incident = make_at_apple(connection, serial_number="OLD1", asset_tag="T1", funding_source="Title I")
    swap_for_loaner(incident.device, make_device(asset_tag="LOAN1"), actor=COMMAND_LINE)
    return apply_replacement(suggest(make_candidate("NEW1", connection), incident), actor=COMMAND_LINE)


def address(replacement: Replacement) -> str:
    return reverse("applesync:receive-replacement", args=[replacement.pk])


def left(replacement: Replacement) -> list[Task]:
    return [step.task for step in receiving(Replacement.objects.get(pk=replacement.pk)).left]


def filled_in(replacement: Replacement, **changes: object) -> dict[str, object]:
    """The form as it is shown, with everything that is chosen at first."""
    original = replacement.incident.device
    form = {
        "asset_tag": "N1",
        "model": "iPad (10th generation) 64GB Silver",
        "product_family": "iPad",
        "site": original.site_id,
        "status": Device.objects.get(asset_tag="LOAN1").status_id,
        "funding_source": "Title I",
        "assign": "on",
        "close": "on",
        "take_back": "on",
    }
    return {name: value for name, value in (form | changes).items() if value is not None}


def test_the_form_is_filled_in_from_apple_and_from_the_original(as_technician, applied):
    page = text(as_technician.get(address(applied)))
    for words in (
        'value="NEW1"',
        'value="iPad (10th generation) 64GB Silver"',
        'value="Title I"',
        f"Assign it to {applied.incident.person}",
        f"Close incident {applied.incident}",
        "Take the loaner LOAN1 back",
        "autofocus",
    ):
        assert words in page, words
    assert f'value="{applied.incident.device.site_id}" selected' in page


def test_everything_is_done_in_one_press_and_audited_once(as_technician, applied):
    page = as_technician.post(address(applied), filled_in(applied, serial_number="FORGED"), follow=True)

    assert "nothing is left to do" in text(page)
    device = device_of("NEW1")
    assert (device.asset_tag, device.manufacturer, device.funding_source) == ("N1", "Apple", "Title I")
    assert device.apple_device == applied.apple_device
    assert device.site == applied.incident.device.site
    assert open_assignment(device).person == applied.incident.person
    assert open_assignment(Device.objects.get(asset_tag="LOAN1")) is None
    applied.incident.refresh_from_db()
    assert (applied.incident.is_open, applied.incident.outcome) == (False, "replaced")
    entry = Entry.objects.get(action="replacement.received")
    assert entry.after == {
        "added": "N1",
        "assigned_to": applied.incident.person.external_id,
        "closed": str(applied.incident),
        "taken_back": ["LOAN1"],
    }


def test_what_is_left_is_done_later_step_by_step(as_technician, applied):
    later = filled_in(applied, asset_tag="", assign=None, close=None, take_back=None)
    assert "The rest can be done later" in text(as_technician.post(address(applied), later, follow=True))
    assert device_of("NEW1").asset_tag is None
    assert left(applied) == list(Task)

    profile = text(as_technician.get(device_of("NEW1").get_absolute_url()))
    assert "What is left to do" in profile
    assert address(applied) in profile

    as_technician.post(address(applied), {"asset_tag": "N1", "assign": "on"})
    assert left(applied) == [Task.CLOSE, Task.TAKE_BACK]
    as_technician.post(address(applied), {"close": "on", "take_back": "on"})
    assert left(applied) == []
    assert "Nothing is left to do" in text(as_technician.get(address(applied)))
    assert "What is left to do" not in text(as_technician.get(device_of("NEW1").get_absolute_url()))


def test_nothing_is_done_by_halves(as_technician, applied):
    make_device(asset_tag="TAKEN")
    page = text(as_technician.post(address(applied), filled_in(applied, asset_tag="TAKEN")))
    assert "already exists" in page
    applied.incident.person.active = False
    applied.incident.person.save()
    with pytest.raises(Refused, match="is not active"):
        receive_into_inventory(applied, asset_tag="N1", assign=True, close=True, actor=COMMAND_LINE)
    assert not Device.objects.filter(serial_number="NEW1").exists()
    applied.incident.refresh_from_db()
    assert applied.incident.is_open
    assert not Entry.objects.filter(action="replacement.received").exists()


def test_one_that_was_in_the_inventory_before_goes_on_with_the_checklist(as_technician, applied):
    device = make_device(serial_number="NEW1", asset_tag=None, site=applied.incident.device.site)
    page = text(as_technician.get(address(applied)))
    assert "Scan the new tag" in page
    assert "Funding source" not in page
    as_technician.post(address(applied), {"asset_tag": "N1", "assign": "on", "close": "on"})
    device.refresh_from_db()
    assert device.asset_tag == "N1"
    assert open_assignment(device).person == applied.incident.person
    with pytest.raises(Refused, match="already, with asset tag N1"):
        receive_into_inventory(applied, asset_tag="N2", actor=COMMAND_LINE)
    with pytest.raises(Refused, match="Nothing of that is left"):
        receive_into_inventory(applied, close=True, actor=COMMAND_LINE)


def test_only_an_applied_one_is_received(as_technician, connection, applied):
    undo_replacement(applied, reason="Wrong", actor=COMMAND_LINE)
    with pytest.raises(Refused, match="Only an applied"):
        receive_into_inventory(applied, asset_tag="N1", actor=COMMAND_LINE)
    assert as_technician.get(address(applied)).status_code == 404


def test_without_a_person_nobody_gets_it(connection, as_technician):
    incident = make_at_apple(connection)
    incident.person = None
    incident.save()
    incident.device.assignments.all().delete()
    applied = apply_replacement(suggest(make_candidate("NEW1", connection), incident), actor=COMMAND_LINE)
    page = text(as_technician.get(address(applied)))
    assert "Nobody had the original" in page
    assert "loaner" not in page.lower().split("<main")[1].split("</main")[0]


@pytest.mark.parametrize("typed", ["NEW1", " new1 ", "SNEW1"])
def test_scanning_an_applied_one_leads_to_its_form(as_technician, applied, typed):
    assert as_technician.get(SCAN, {"serial": typed}).url == address(applied)


def test_scanning_a_suggested_one_leads_to_the_review_of_it(as_technician, connection):
    shown = suggest(make_candidate("NEW1", connection), make_at_apple(connection))
    where = reverse("applesync:replacement-candidate", args=[shown.apple_device_id])
    assert as_technician.get(SCAN, {"serial": "NEW1"}).url == where
    make_device(serial_number="NEW1")  # imported before anybody decided
    assert as_technician.get(SCAN, {"serial": "NEW1"}).url == where


def test_scanning_what_apple_lists_and_nobody_suggests_leads_to_choosing_an_incident(
    as_technician, connection
):
    row = make_candidate("NEW1", connection)
    page = as_technician.get(SCAN, {"serial": "NEW1"}, follow=True)
    assert page.redirect_chain[-1][0] == reverse("applesync:replacement-candidate", args=[row.pk])
    assert "No incident is known yet" in text(page)


def test_scanning_one_that_is_in_the_inventory_leads_to_its_page(as_technician):
    device = make_device(serial_number="OURS1")
    assert as_technician.get(SCAN, {"serial": "OURS1"}).url == device.get_absolute_url()


def test_scanning_a_replacement_of_another_site_tells_whom_to_call(connection):
    site = make_site(name="Birch School", contact_name="Ruth", contact_phone="555-0199")
    shown = suggest(make_candidate("NEW1", connection), make_at_apple(connection, site=site))
    apply_replacement(shown, actor=COMMAND_LINE)
    client = Client()
    client.force_login(make_user(Role.TECHNICIAN, sites=(make_site(),)))
    page = text(client.get(SCAN, {"serial": "NEW1"}))
    assert "Birch School" in page
    assert "Call Ruth, 555-0199." in page


def test_scanning_what_nobody_knows_says_so(as_technician, connection):
    page = text(as_technician.get(SCAN, {"serial": "NOBODYS1"}))
    assert "Nobody knows NOBODYS1 yet" in page
    assert "has not been synced to its end yet" in page
    assert "Ask Apple now" in page


@pytest.mark.django_db(transaction=True)
def test_apple_is_asked_at_once_for_what_no_sync_has_found_yet(
    as_technician, settings, apple: RunningSimulator
):
    use_apple(settings, apple)
    connection = connect(apple)
    serial = listed(apple)[0]
    ask = reverse("applesync:look-up-replacement")

    unknown = as_technician.post(ask, {"serial": "NOBODYS1"}, follow=True)
    assert "does not know NOBODYS1 yet" in text(unknown)
    found = as_technician.post(ask, {"serial": serial}, follow=True)

    row = AppleDevice.objects.get(connection=connection, serial_number=serial)
    assert found.redirect_chain[-1][0] == reverse("applesync:replacement-candidate", args=[row.pk])
    assert Entry.objects.filter(action="apple_device.looked_up").count() == 1


def test_an_incident_that_was_closed_otherwise_stays_closed_so(as_technician, applied):
    close_incident(applied.incident, outcome="other", actor=COMMAND_LINE)
    receive_into_inventory(applied, asset_tag="N1", close=True, actor=COMMAND_LINE)
    applied.incident.refresh_from_db()
    assert applied.incident.outcome == "other"
