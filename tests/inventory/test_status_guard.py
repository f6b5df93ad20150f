"""No device enters the status of the integration, whatever door it is brought to."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction
from django.db.models import F, OuterRef, Subquery, Value

from homeroom.audit.actors import COMMAND_LINE
from homeroom.inventory.models import Device, DeviceStatus
from homeroom.inventory.system_statuses import SystemStatusIsNotChosen, integration_sets_status
from homeroom.inventory.verbs.devices import mark_replaced_by_applecare
from homeroom.inventory.verbs.statuses import ensure_system_statuses
from tests.builders import make_device, make_status

pytestmark = pytest.mark.django_db


@pytest.fixture
def replaced() -> DeviceStatus:
    ensure_system_statuses(actor=COMMAND_LINE)
    return DeviceStatus.objects.get(system_key=DeviceStatus.SystemKey.REPLACED_BY_APPLECARE)


def _save(device: Device, status: DeviceStatus) -> None:
    device.status = status
    device.save()


def _save_by_id(device: Device, status: DeviceStatus) -> None:
    device.status_id = status.pk
    device.save(update_fields=["status"])


def _save_the_column(device: Device, status: DeviceStatus) -> None:
    device.status = status
    device.save(update_fields=["status_id"])


def _bulk_update_of_the_column(device: Device, status: DeviceStatus) -> None:
    device.status = status
    Device.objects.bulk_update([device], ["status_id"])


def _bulk_update(device: Device, status: DeviceStatus) -> None:
    device.status = status
    Device.objects.bulk_update([device], ["name", "status"])


def _upsert(device: Device, status: DeviceStatus) -> None:
    device.status = status
    Device.objects.bulk_create(
        [device], update_conflicts=True, unique_fields=["id"], update_fields=["status"]
    )


def _subquery(device: Device, status: DeviceStatus) -> None:
    found = DeviceStatus.objects.filter(pk=status.pk).exclude(pk=OuterRef("status")).values("pk")
    Device.objects.filter(pk=device.pk).update(status=Subquery(found[:1]))


def _written_rows(device: Device, status: DeviceStatus) -> None:
    row = Device.objects.values().get(pk=device.pk)
    Device.objects.write_rows([row | {"status_id": status.pk}], unique=("id",), update=("status",))


DOORS: dict[str, Callable[[Device, DeviceStatus], object]] = {
    "save": _save,
    "save by id": _save_by_id,
    "save the column": _save_the_column,
    "bulk_update": _bulk_update,
    "bulk_update of the column": _bulk_update_of_the_column,
    "upsert": _upsert,
    "written rows": _written_rows,
    "subquery": _subquery,
    "update": lambda device, status: Device.objects.filter(pk=device.pk).update(status=status),
    "update by id": lambda device, status: Device.objects.filter(pk=device.pk).update(status_id=status.pk),
    "update by value": lambda device, status: Device.objects.update(status=Value(status.pk)),
    "update by column": lambda device, status: Device.objects.update(status=F("site_id")),
    "of its site": lambda device, status: device.site.devices.update(status=status),
    "of its status": lambda device, status: device.status.devices.update(status=status),
    "into the status": lambda device, status: status.devices.add(device, bulk=False),
    "into the status at once": lambda device, status: status.devices.add(device),
    "base manager": lambda device, status: Device._base_manager.update(status=status),
    "create": lambda device, status: Device.objects.create(asset_tag="NEW", site=device.site, status=status),
    "created in it": lambda device, status: status.devices.create(asset_tag="NEW", site=device.site),
    "get_or_create": lambda device, status: Device.objects.get_or_create(
        asset_tag="NEW", defaults={"site": device.site, "status": status}
    ),
    "update_or_create": lambda device, status: Device.objects.update_or_create(
        asset_tag=device.asset_tag, defaults={"status": status}
    ),
    "bulk_create": lambda device, status: Device.objects.bulk_create(
        [Device(asset_tag="NEW", site=device.site, status=status)]
    ),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS.keys())
def test_a_device_does_not_enter_it(
    door: Callable[[Device, DeviceStatus], object], replaced: DeviceStatus
) -> None:
    device = make_device()

    with (
        pytest.raises(SystemStatusIsNotChosen, match="by the Apple School Manager integration alone"),
        transaction.atomic(),
    ):
        door(device, replaced)

    assert not Device.objects.filter(status=replaced).exists()


def test_a_fixture_does_not_bring_a_device_into_it(replaced: DeviceStatus, tmp_path: Path) -> None:
    device = make_device()
    fields = {"asset_tag": device.asset_tag, "site": device.site_id, "status": replaced.pk}
    fields |= {"created_at": device.created_at.isoformat()}
    fixture = tmp_path / "devices.json"
    fixture.write_text(json.dumps([{"model": "inventory.device", "pk": device.pk, "fields": fields}]))

    with pytest.raises(SystemStatusIsNotChosen):
        call_command("loaddata", str(fixture))

    assert not Device.objects.filter(status=replaced).exists()


def test_the_integration_enters_it_and_the_device_can_be_changed_otherwise(replaced: DeviceStatus) -> None:
    device = mark_replaced_by_applecare(make_device(), actor=COMMAND_LINE)

    device.name = "Cart 3"
    device.save()
    Device.objects.filter(pk=device.pk).update(notes="came back")
    Device.objects.bulk_update([Device.objects.get(pk=device.pk)], ["name", "status"])
    Device.objects.bulk_create(
        [Device.objects.get(pk=device.pk)],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["name", "status"],
    )

    device.refresh_from_db()
    assert (device.status, device.name, device.notes) == (replaced, "Cart 3", "came back")


def test_it_can_be_left_by_hand_and_the_door_closes_behind_the_integration(replaced: DeviceStatus) -> None:
    device = make_device()
    with integration_sets_status():
        device.status = replaced
        device.save()

    device.status = make_status("Retired")
    device.save()

    with pytest.raises(SystemStatusIsNotChosen):
        _save(device, replaced)


def test_a_save_with_a_known_status_asks_nothing(django_assert_num_queries: object) -> None:
    device = make_device()
    with django_assert_num_queries(1):  # type: ignore[operator]
        device.save()
