from decimal import Decimal

import pytest

from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.inventory.models import Device, DeviceStatus
from homeroom.inventory.verbs.assignments import check_in, check_out
from homeroom.inventory.verbs.devices import (
    create_device,
    delete_device,
    mark_replaced_by_applecare,
    set_status,
    update_device,
)
from homeroom.inventory.verbs.statuses import ensure_system_statuses
from homeroom.web.errors import Refused
from tests.builders import make_device, make_person, make_site, make_status

pytestmark = pytest.mark.django_db


@pytest.fixture
def replaced(db) -> DeviceStatus:
    ensure_system_statuses(actor=COMMAND_LINE)
    return DeviceStatus.objects.get(system_key=DeviceStatus.SystemKey.REPLACED_BY_APPLECARE)


def test_it_stores_the_serial_number_as_typed_but_for_surrounding_white_space():
    device = create_device(actor=COMMAND_LINE, site=make_site(), serial_number="  dmPx o1\t\n", asset_tag=" ")

    device.refresh_from_db()
    assert device.serial_number == "dmPx o1"
    assert device.asset_tag is None


def test_any_number_of_devices_may_lack_a_tag():
    site = make_site()
    for serial in ("A", "B"):
        create_device(actor=COMMAND_LINE, site=site, serial_number=serial, asset_tag="")
    assert Device.objects.filter(asset_tag=None).count() == 2


def test_a_device_without_a_status_is_in_service():
    assert create_device(actor=COMMAND_LINE, site=make_site(), asset_tag="T1").status.name == "In service"


def test_it_refuses_a_device_without_tag_and_serial_number():
    with pytest.raises(Refused, match="needs an asset tag or a serial number"):
        create_device(actor=COMMAND_LINE, site=make_site(), serial_number=" ", asset_tag="")


@pytest.mark.parametrize("field", ["asset_tag", "serial_number"])
def test_it_refuses_what_another_device_has(field):
    make_device(**{field: "TAKEN"})
    with pytest.raises(Refused, match="already exists") as refusal:
        create_device(actor=COMMAND_LINE, site=make_site(), **{field: "TAKEN"})
    assert refusal.value.field == field


def test_it_records_only_what_changed():
    device = make_device(name="Old", cost=Decimal("10.00"))
    update_device(device, actor=COMMAND_LINE, name="New", cost=Decimal("10.00"))

    entry = Entry.objects.get(action="device.updated")
    assert (entry.before, entry.after) == ({"name": "Old"}, {"name": "New"})


def test_an_update_that_changes_nothing_leaves_no_trace():
    device = make_device(name="Same")
    update_device(device, actor=COMMAND_LINE, name=" Same ")
    assert not Entry.objects.exists()


def test_an_update_does_not_undo_what_others_wrote_since():
    device = make_device(name="Old")
    Device.objects.filter(pk=device.pk).update(notes="Written meanwhile")
    update_device(device, actor=COMMAND_LINE, name="New")

    device.refresh_from_db()
    assert (device.name, device.notes) == ("New", "Written meanwhile")


def test_a_status_of_the_district_can_be_set():
    device = make_device()
    set_status(device, make_status("Lost", kind=DeviceStatus.Kind.LOST), actor=COMMAND_LINE)
    device.refresh_from_db()
    assert device.status.name == "Lost"


def test_a_system_status_is_refused_from_every_verb(replaced):
    device, site = make_device(), make_site()
    for attempt in (
        lambda: set_status(device, replaced, actor=COMMAND_LINE),
        lambda: update_device(device, actor=COMMAND_LINE, status=replaced),
        lambda: create_device(actor=COMMAND_LINE, asset_tag="T1", site=site, status=replaced),
    ):
        with pytest.raises(Refused, match="set by AppleCare replacement processing alone") as refusal:
            attempt()
        assert refusal.value.field == "status"


def test_a_replaced_device_can_still_be_edited_and_keeps_its_status(replaced):
    device = make_device()
    mark_replaced_by_applecare(device, actor=COMMAND_LINE)
    update_device(device, actor=COMMAND_LINE, notes="Box 7", status=replaced)

    device.refresh_from_db()
    assert (device.notes, device.status) == ("Box 7", replaced)


def test_a_device_entered_by_mistake_can_be_deleted():
    device = make_device(asset_tag="T1")
    delete_device(device, actor=COMMAND_LINE)

    assert not Device.objects.exists()
    assert Entry.objects.get(action="device.deleted").before["asset_tag"] == "T1"


def test_a_device_with_a_history_is_not_deleted():
    device = make_device()
    check_out(device, make_person(), actor=COMMAND_LINE)
    check_in(device, actor=COMMAND_LINE)

    with pytest.raises(Refused, match="Retire it instead"):
        delete_device(device, actor=COMMAND_LINE)
    assert device.assignments.count() == 1
