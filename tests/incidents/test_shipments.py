"""One box to Apple: packed by scanning, shipped as a whole, printed."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from homeroom.accounts.policy import Role
from homeroom.applesync.models import RepairCheck
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.incidents.models import Incident, Shipment
from homeroom.incidents.preflight import PreflightConcerns
from homeroom.incidents.verbs.incidents import close_incident, reopen_incident
from homeroom.incidents.verbs.repairs import receive_back, send_to_apple
from homeroom.incidents.verbs.shipments import (
    add_unit,
    cancel_shipment,
    create_shipment,
    remove_unit,
    ship,
    update_shipment,
)
from homeroom.incidents.verbs.statuses import ensure_system_statuses
from homeroom.insurance.queries import today
from homeroom.web.errors import Refused
from tests.applesync.mirrors import make_connection
from tests.builders import make_device, make_site, make_user
from tests.incidents.repairs import apple_says, box_of, cracked, in_use, ready, sent

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BY_HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def connected() -> None:
    ensure_system_statuses(actor=COMMAND_LINE)


def text(response) -> str:
    return response.content.decode()


def url(name, *args) -> str:
    return reverse(f"incidents:{name}", args=args)


def stored(incident) -> Incident:
    return Incident.objects.select_related("status", "shipment").get(pk=incident.pk)


# What can be done


def test_all_units_of_a_box_are_sent_at_once_with_an_entry_each_and_one_for_the_box():
    incidents = [ready() for _number in range(3)]
    box = box_of(*incidents, reference="Spring")

    shipped = ship(box, actor=COMMAND_LINE)

    assert [unit.number for unit in shipped.sent] == [incident.number for incident in incidents]
    for incident in incidents:
        assert (stored(incident).is_at_apple, stored(incident).shipped_on) == (True, today())
        entry = Entry.objects.get(action="incident.sent_to_apple", object_id=str(incident.number))
        assert entry.after["status"] == "Sent for AppleCare Repair"
        assert entry.after["shipment"] == str(box)
    entry = Entry.objects.get(action="shipment.shipped")
    assert entry.after["units"] == [incident.number for incident in incidents]


def test_units_with_concerns_need_one_reason_or_are_left_out():
    good, bad = ready(), cracked()
    box = box_of(good, bad)
    with pytest.raises(PreflightConcerns, match="no photo") as refused:
        ship(box, actor=COMMAND_LINE)
    assert list(refused.value.concerns) == [bad.number]
    assert Shipment.objects.get().is_open
    assert not stored(good).is_at_apple

    shipped = ship(box, leave_out=True, actor=COMMAND_LINE)

    assert [unit.number for unit in shipped.left_out] == [bad.number]
    assert stored(good).is_at_apple
    assert (stored(bad).is_at_apple, stored(bad).shipment) == (False, None)
    assert Entry.objects.get(action="incident.unpacked").object_id == str(bad.number)


def test_one_reason_is_kept_with_each_unit_that_it_overrides():
    good, bad = ready(), cracked()
    ship(box_of(good, bad), reason="Apple agreed by phone.", actor=COMMAND_LINE)
    entries = {entry.object_id: entry for entry in Entry.objects.filter(action="incident.sent_to_apple")}
    assert entries[str(bad.number)].after["reason"] == "Apple agreed by phone."
    assert "reason" not in entries[str(good.number)].after
    assert Entry.objects.get(action="shipment.shipped").after["overridden"] == [bad.number]


def test_nothing_is_shipped_where_everything_would_be_left_out_or_the_box_is_empty():
    with pytest.raises(Refused, match="nothing to ship"):
        ship(box_of(cracked()), leave_out=True, actor=COMMAND_LINE)
    with pytest.raises(Refused, match="empty"):
        ship(box_of(), actor=COMMAND_LINE)


def test_a_shipped_box_is_neither_filled_emptied_cancelled_nor_shipped_again():
    incident = ready()
    box = box_of(incident)
    ship(box, actor=COMMAND_LINE)
    for attempt in (
        lambda: add_unit(box, ready(), actor=COMMAND_LINE),
        lambda: remove_unit(box, incident, actor=COMMAND_LINE),
        lambda: ship(box, actor=COMMAND_LINE),
        lambda: cancel_shipment(box, actor=COMMAND_LINE),
    ):
        with pytest.raises(Refused, match="on its way"):
            attempt()
    assert update_shipment(box, tracking_number="1Z999", actor=COMMAND_LINE).tracking_number == "1Z999"


def test_a_unit_is_in_one_open_box_at_a_time_and_is_sent_with_it():
    incident = ready()
    box, other = box_of(incident), box_of()
    with pytest.raises(Refused, match="in this shipment already"):
        add_unit(box, incident, actor=COMMAND_LINE)
    with pytest.raises(Refused, match=f"in shipment {box}"):
        add_unit(other, incident, actor=COMMAND_LINE)
    with pytest.raises(Refused, match=f"in shipment {box}"):
        send_to_apple(incident, actor=COMMAND_LINE)
    remove_unit(box, incident, actor=COMMAND_LINE)
    add_unit(other, incident, actor=COMMAND_LINE)
    assert stored(incident).shipment == other


def test_only_open_incidents_whose_device_is_here_are_packed():
    box = box_of()
    with pytest.raises(Refused, match="closed"):
        add_unit(box, close_incident(cracked(), outcome="other", actor=COMMAND_LINE), actor=COMMAND_LINE)
    with pytest.raises(Refused, match="at Apple already"):
        add_unit(box, sent(), actor=COMMAND_LINE)


def test_a_unit_whose_incident_was_closed_after_it_was_packed_holds_the_box_back():
    good, closed = ready(), ready()
    box = box_of(good, closed)
    close_incident(closed, outcome="other", actor=COMMAND_LINE)
    with pytest.raises(Refused, match="Take out"):
        ship(box, reason="Whatever.", actor=COMMAND_LINE)
    assert not stored(good).is_at_apple


def test_a_cancelled_box_leaves_its_units_as_if_they_had_not_been_packed():
    incident = ready()
    cancel_shipment(box_of(incident, reference="Wrong"), actor=COMMAND_LINE)
    assert not Shipment.objects.exists()
    assert stored(incident).shipment is None
    assert Entry.objects.get(action="shipment.cancelled").before["units"] == [incident.number]


def test_a_packing_list_keeps_what_travelled_though_a_unit_travels_again_later(as_technician):
    incident = ready()
    first = box_of(incident)
    ship(first, actor=COMMAND_LINE)
    receive_back(incident, outcome="returned_unrepaired", actor=COMMAND_LINE)
    reopen_incident(stored(incident), actor=COMMAND_LINE)
    second = box_of(stored(incident))
    ship(second, reason="Once more.", actor=COMMAND_LINE)
    for box in (first, second):
        assert incident.device.serial_number in text(as_technician.get(url("packing-list", box.number)))
    assert stored(incident).shipment == second


def test_an_earlier_day_of_shipping_holds_for_the_box_and_its_units():
    incident = ready()
    shipped = ship(box_of(incident), shipped_on=today() - DAY, actor=COMMAND_LINE)
    assert stored(incident).shipped_on == today() - DAY
    assert shipped.shipment.shipped_at == stored(incident).shipped_at
    with pytest.raises(Refused, match="to come"):
        ship(box_of(ready()), shipped_on=today() + DAY, actor=COMMAND_LINE)


@pytest.mark.parametrize("units", [2, 200])
def test_shipping_costs_as_many_queries_for_200_units_as_for_two(units, django_assert_max_num_queries):
    box = box_of(*(cracked() for _number in range(units)))
    with django_assert_max_num_queries(32):
        assert len(ship(box, reason="Tested.", actor=COMMAND_LINE).sent) == units


@pytest.mark.parametrize("units", [2, 60])
def test_the_page_of_a_box_costs_the_same_whatever_it_holds(
    as_technician, units, django_assert_max_num_queries
):
    box = box_of(*(cracked(in_use()[0]) for _number in range(units)))
    with django_assert_max_num_queries(20):
        as_technician.get(box.get_absolute_url())


@pytest.mark.parametrize("boxes", [1, 40])
def test_the_list_of_boxes_costs_the_same_however_many_there_are(
    as_viewer, boxes, django_assert_max_num_queries
):
    for _number in range(boxes):
        box_of(cracked())
    with django_assert_max_num_queries(5):
        as_viewer.get(url("shipments"))


# Scanning


@pytest.fixture
def box(technician) -> Shipment:
    return create_shipment(actor=technician.actor)


def scan(client, box, code, **values):
    values.setdefault("headers", BY_HTMX)
    return text(client.post(url("shipment-scan", box.number), {"code": code}, **values))


@pytest.mark.parametrize("spelling", ["tag", "serial", "lower case"])
def test_a_scan_adds_the_open_incident_and_has_apple_asked(as_technician, box, spelling):
    make_connection()
    incident = cracked(make_device(asset_tag="T100", serial_number="DMPX100"))
    answer = scan(as_technician, box, {"tag": "T100", "serial": "DMPX100", "lower case": "dmpx100"}[spelling])
    assert "T100 is in" in answer
    assert 'hx-swap-oob="true"' in answer
    assert stored(incident).shipment == box
    assert RepairCheck.objects.get(device=incident.device).wanted_at is not None


def test_a_scan_says_what_is_in_the_way(as_technician, box):
    packed, elsewhere, away = cracked(), cracked(), sent()
    add_unit(box, packed, actor=COMMAND_LINE)
    other = box_of(elsewhere)
    for code, told in (
        ("NOSUCH", "No device has the tag"),
        ("", "Scan or type"),
        (packed.device.asset_tag, "in this shipment already"),
        (elsewhere.device.asset_tag, f"in shipment {other}"),
        (away.device.asset_tag, "at Apple already"),
    ):
        assert told in scan(as_technician, box, code)


def test_a_device_without_an_open_incident_gets_one_in_place(as_technician, box):
    device = make_device(asset_tag="T7")
    offered = scan(as_technician, box, "T7")
    assert "T7 has no open incident" in offered
    assert "Open an incident and add it" in offered
    values = {"device": device.pk, "kind": "screen", "summary": ""}
    address = url("shipment-open-incident", box.number)
    assert "in a few words" in text(as_technician.post(address, values, headers=BY_HTMX))
    assert not Incident.objects.exists()

    answer = text(as_technician.post(address, values | {"summary": "Cracked"}, headers=BY_HTMX))

    assert "T7 is in" in answer
    incident = Incident.objects.get()
    assert (incident.device, incident.summary, incident.shipment) == (device, "Cracked", box)


def test_a_device_of_another_site_tells_only_where_it_belongs():
    here, there = make_site(), make_site(name="Roosevelt High", contact_phone="555-0100")
    user = make_user(Role.TECHNICIAN, sites=(here,))
    client = Client()
    client.force_login(user)
    box = create_shipment(actor=user.actor)
    hidden = cracked(make_device(site=there, asset_tag="T9", serial_number="SECRET9"), summary="Hidden crack")
    answer = scan(client, box, "T9")
    assert "Roosevelt High" in answer
    assert "555-0100" in answer
    assert "SECRET9" not in answer
    assert "Hidden crack" not in answer
    values = {"device": hidden.device_id, "kind": "screen", "summary": "x"}
    assert client.post(url("shipment-open-incident", box.number), values).status_code == 404
    values = {"incident": hidden.number}
    assert client.post(url("shipment-remove", box.number), values).status_code == 404


def test_a_wrong_scan_is_taken_out_and_without_scripts_all_works_too(as_technician, box):
    incident = cracked()
    assert "is in: incident" in scan(as_technician, box, incident.device.asset_tag, headers={})
    values = {"incident": incident.number}
    answer = text(as_technician.post(url("shipment-remove", box.number), values))
    assert "is taken out" in answer
    assert "Nothing is in yet" in answer


def test_the_page_has_apple_asked_by_itself_and_renews_itself_until_it_is_answered(as_technician, box):
    make_connection()
    incident = cracked()
    add_unit(box, incident, actor=COMMAND_LINE)
    assert 'hx-trigger="load"' in text(as_technician.get(box.get_absolute_url()))
    asked = text(as_technician.post(url("shipment-units", box.number), headers=BY_HTMX))
    assert 'hx-trigger="every 2s"' in asked
    assert "Apple is being asked: 0 of 1" in asked
    apple_says(incident.device, wanted_at=None, is_assigned=True, server_name="Jamf")
    answered = text(as_technician.get(url("shipment-units", box.number)))
    assert "still assigned to “Jamf”" in answered
    assert "every 2s" not in answered


def test_while_nothing_new_is_known_nothing_moves_under_a_thumb(as_technician, box):
    make_connection()
    add_unit(box, cracked(), actor=COMMAND_LINE)
    address = url("shipment-units", box.number)
    asked = text(as_technician.post(address, headers=BY_HTMX))
    known = asked.partition("?known=")[2].partition('"')[0]
    assert as_technician.get(address, {"known": known}).status_code == 204
    RepairCheck.objects.update(wanted_at=None, asked_at=timezone.now(), standing="unknown")
    assert "does not know this serial number" in text(as_technician.get(address, {"known": known}))


def test_a_box_is_shipped_on_its_page_with_a_reason_or_without_what_has_concerns(as_technician, box):
    good, bad = ready(), cracked()
    for incident in (good, bad):
        add_unit(box, incident, actor=COMMAND_LINE)
    address = url("shipment-ship", box.number)
    page = text(as_technician.get(address))
    assert "Ship all 2" in page
    assert "Ship 1, leave 1 out" in page
    values = {"shipped_on": today().isoformat(), "reason": ""}
    refused = as_technician.post(address, values)
    assert refused.status_code == 422
    assert Shipment.objects.get(pk=box.pk).is_open

    page = text(as_technician.post(address, values | {"leave_out": "1"}, follow=True))

    assert "1 device is on its way to Apple" in page
    assert f"Left out: {bad.device}" in page
    assert (stored(good).is_at_apple, stored(bad).is_at_apple) == (True, False)


def test_who_does_not_see_every_unit_can_neither_ship_nor_cancel_the_box():
    here, there = make_site(), make_site()
    user = make_user(Role.TECHNICIAN, sites=(here,))
    client = Client()
    client.force_login(user)
    seen, hidden = cracked(make_device(site=here)), cracked(make_device(site=there, serial_number="SECRET"))
    box = box_of(seen, hidden)
    page = text(client.get(box.get_absolute_url()))
    assert "1 of them is of a site that you don" in page
    assert "SECRET" not in page
    client.post(url("shipment-ship", box.number), {"shipped_on": today().isoformat(), "reason": "x"})
    client.post(url("shipment-cancel", box.number))
    assert Shipment.objects.get().is_open
    packing_list = text(client.get(url("packing-list", box.number)))
    assert "SECRET" not in packing_list
    assert "And 1 unit of a site" in packing_list


def test_a_loaner_is_given_from_the_box_and_leads_back_to_it(as_technician, box):
    device, _person = in_use()
    add_unit(box, cracked(device), actor=COMMAND_LINE)
    way = f"{reverse('inventory:loaner', args=[device.pk])}?next={box.get_absolute_url()}"
    assert way in text(as_technician.get(box.get_absolute_url()))
    spare = make_device()
    assert f'name="next" value="{box.get_absolute_url()}"' in text(as_technician.get(way))
    answer = as_technician.post(way.partition("?")[0], {"loaner": spare.pk, "next": box.get_absolute_url()})
    assert answer["Location"] == box.get_absolute_url()
    assert "has no loaner" not in text(as_technician.get(box.get_absolute_url()))


@pytest.mark.parametrize("crafted", ["https://evil.test/", "//evil.test/", "javascript:alert(1)"])
def test_the_way_back_leads_nowhere_else(as_technician, crafted):
    device, _person = in_use()
    answer = as_technician.post(reverse("inventory:check-in", args=[device.pk]), {"next": crafted})
    assert answer["Location"] == device.get_absolute_url()


def test_the_packing_list_has_the_districts_references(as_viewer):
    incident = send_to_apple(
        ready(make_device(asset_tag="T1", serial_number="DMPX1")), repair_number="r77", actor=COMMAND_LINE
    )
    receive_back(incident, outcome="returned_unrepaired", actor=COMMAND_LINE)
    box = box_of(cracked(incident.device, summary="Battery swollen"), reference="PO-4711", carrier="UPS")
    page = text(as_viewer.get(url("packing-list", box.number)))
    for told in (
        "PO-4711",
        "UPS",
        "T1",
        "DMPX1",
        "iPad (10th generation)",
        "Battery swollen",
        "still being packed",
    ):
        assert told in page


def test_a_viewer_looks_and_changes_nothing(as_viewer):
    box = box_of(cracked())
    page = text(as_viewer.get(box.get_absolute_url()))
    assert "Cracked screen" in page
    assert "data-scan" not in page
    assert as_viewer.post(url("shipment-scan", box.number), {"code": "x"}).status_code == 403


def test_boxes_are_found_edited_and_cancelled(as_technician):
    as_technician.post(url("shipment-new"), {"reference": "Spring batch"})
    box = Shipment.objects.get()
    assert "Spring batch" in text(as_technician.get(url("shipments"), {"q": f"#{box.number}"}))
    assert "No shipment fits" in text(as_technician.get(url("shipments"), {"state": "shipped"}))
    as_technician.post(url("shipment-edit", box.number), {"carrier": "UPS", "tracking_number": "1Z"})
    assert Shipment.objects.get().tracking_number == "1Z"
    lines = b"".join(as_technician.get(url("shipments"), {"format": "csv"}).streaming_content).decode()
    assert "1Z" in lines
    as_technician.post(url("shipment-cancel", box.number))
    assert "No shipments yet" in text(as_technician.get(url("shipments")))
