from collections.abc import Callable

import pytest
from django.db import transaction

from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.inventory.models import DeviceStatus
from homeroom.inventory.system_statuses import SystemStatusIsFixed
from homeroom.inventory.verbs.statuses import (
    create_status,
    default_status,
    delete_status,
    ensure_system_statuses,
    rename_status,
)
from homeroom.web.errors import Refused
from tests.builders import make_device, make_status

pytestmark = pytest.mark.django_db
Kind = DeviceStatus.Kind


@pytest.fixture
def replaced(db) -> DeviceStatus:
    ensure_system_statuses(actor=COMMAND_LINE)
    return DeviceStatus.objects.get(system_key=DeviceStatus.SystemKey.REPLACED_BY_APPLECARE)


def test_the_system_status_is_created_once(replaced):
    ensure_system_statuses(actor=COMMAND_LINE)

    assert (replaced.name, replaced.kind) == ("Replaced by AppleCare", Kind.RETIRED)
    assert DeviceStatus.objects.filter(system_key__isnull=False).count() == 1
    assert Entry.objects.filter(action="device_status.created").count() == 1


def test_a_status_of_the_district_with_the_same_name_makes_room_and_keeps_its_devices():
    own = make_status("replaced by applecare", kind=Kind.IN_REPAIR)
    device = make_device(status=own)

    ensure_system_statuses(actor=COMMAND_LINE)

    device.refresh_from_db()
    assert device.status.name == "Replaced by AppleCare (own)"
    assert device.status.kind == Kind.IN_REPAIR
    assert not device.status.is_system
    assert DeviceStatus.objects.get(name="Replaced by AppleCare").is_system


def test_room_is_made_even_where_the_next_name_is_taken_too():
    make_status("Replaced by AppleCare")
    make_status("Replaced by AppleCare (own)")

    ensure_system_statuses(actor=COMMAND_LINE)

    assert DeviceStatus.objects.filter(name="Replaced by AppleCare (own 2)").exists()


def _save(status):
    status.name = "Mine"
    status.save()


def _save_disguised(status):
    status.system_key = None
    status.name = "Mine"
    status.save()


@pytest.mark.parametrize(
    "attempt",
    [
        lambda status: rename_status(status, name="Mine", actor=COMMAND_LINE),
        lambda status: delete_status(status, actor=COMMAND_LINE),
        _save,
        _save_disguised,
        lambda status: status.delete(),
        lambda status: DeviceStatus.objects.all().update(kind=Kind.LOST),
        lambda status: DeviceStatus.objects.filter(pk=status.pk).delete(),
        lambda status: DeviceStatus.objects.bulk_update([status], ["name"]),
        lambda status: DeviceStatus.objects.bulk_create(
            [DeviceStatus(name=status.name, kind=Kind.LOST)],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["kind"],
        ),
    ],
    ids=[
        "the verb that renames",
        "the verb that deletes",
        "save",
        "save without the key",
        "delete",
        "a bulk update",
        "a bulk delete",
        "bulk_update",
        "an upsert",
    ],
)
def test_a_system_status_is_neither_renamed_nor_deleted_by(replaced, attempt):
    with pytest.raises(SystemStatusIsFixed), transaction.atomic():
        attempt(replaced)

    stored = DeviceStatus.objects.get(pk=replaced.pk)
    assert (stored.name, stored.kind, stored.is_system) == ("Replaced by AppleCare", Kind.RETIRED, True)


def test_a_status_of_the_district_is_created_renamed_and_deleted():
    status = create_status(name=" On a cart ", kind=Kind.IN_STORAGE, actor=COMMAND_LINE)
    assert status.name == "On a cart"

    rename_status(status, name="In the cart room", kind=Kind.IN_SERVICE, actor=COMMAND_LINE)
    delete_status(status, actor=COMMAND_LINE)

    assert not DeviceStatus.objects.filter(name__contains="cart").exists()
    actions = Entry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["device_status.created", "device_status.updated", "device_status.deleted"]


@pytest.mark.parametrize(("name", "sentence"), [("  ", "needs a name"), ("in SERVICE", "already")])
def test_it_refuses_a_name(name, sentence):
    make_status("In service")
    with pytest.raises(Refused, match=sentence) as refusal:
        create_status(name=name, kind=Kind.LOST, actor=COMMAND_LINE)
    assert refusal.value.field == "name"


def test_a_status_keeps_its_own_name_when_only_its_case_changes():
    status = make_status("Away")
    assert rename_status(status, name="AWAY", actor=COMMAND_LINE).name == "AWAY"


def test_a_status_that_devices_have_is_not_deleted():
    status = make_status("Lent", kind=Kind.IN_SERVICE)
    make_device(status=status)
    with pytest.raises(Refused, match="Devices have the status"):
        delete_status(status, actor=COMMAND_LINE)


def test_the_last_status_in_service_is_not_deleted():
    DeviceStatus.objects.all().delete()
    with pytest.raises(Refused, match="last status"):
        delete_status(make_status("Running"), actor=COMMAND_LINE)


def test_a_renamed_default_is_still_the_default():
    rename_status(make_status("In service"), name="Out and about", actor=COMMAND_LINE)
    assert default_status().name == "Out and about"


@pytest.mark.parametrize(
    "change",
    [
        lambda status: rename_status(status, name="Odder", actor=COMMAND_LINE),
        lambda status: delete_status(status, actor=COMMAND_LINE),
    ],
)
def test_a_status_that_somebody_has_deleted_meanwhile_does_not_come_back(
    change: Callable[[DeviceStatus], object],
):
    made = create_status(name="Odd", kind="in_storage", actor=COMMAND_LINE)
    seen = DeviceStatus.objects.get(pk=made.pk)
    delete_status(made, actor=COMMAND_LINE)
    with pytest.raises(Refused, match="deleted the status “Odd” meanwhile"):
        change(seen)
    assert not DeviceStatus.objects.filter(name__startswith="Odd").exists()
