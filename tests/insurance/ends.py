"""Devices whose AppleCare ends, in numbers, for tests that need some."""

from datetime import date, timedelta
from typing import Any

from homeroom.insurance.models import CoverageSummary
from homeroom.insurance.queries import today
from homeroom.inventory.models import Device, DeviceStatus, Site
from homeroom.rows import Growing, refresh_statistics, write_rows
from tests.builders import make_device, make_site, make_status
from tests.insurance.records import answered, apple_coverage


def ending_in(days: int, **values: Any) -> Device:
    """A device that AppleCare covers for so many days more."""
    device = make_device(**values)
    covered_until(device, today() + timedelta(days=days))
    return device


def covered_until(device: Device, ends: date) -> None:
    """Apple says so."""
    answered(device, apple_coverage(f"97{device.pk:011}", ends=ends, starts=ends - timedelta(days=1460)))


def many_ending(ends: dict[int, date], site: Site | None = None) -> None:
    """A device for each key, whose AppleCare ends on that day; in a few statements, without insurance records."""
    status: DeviceStatus = make_status()
    place = site or make_site()
    common = {"manufacturer": "Apple", "product_family": "iPad", "site_id": place.pk, "status_id": status.pk}
    # A model's own default is a function of the moment, which rows of one statement share.
    devices = [Device(pk=pk, serial_number=f"MANY{pk:07}", asset_tag=f"M{pk:07}", **common) for pk in ends]
    growing = Growing(Device)
    for portion in range(0, len(devices), 1000):
        Device.objects.bulk_create(devices[portion : portion + 1000])
        growing.by(1000)
    write_rows(
        CoverageSummary,
        [
            {"device_id": pk, "applecare_from": end - timedelta(days=1460), "applecare_until": end}
            for pk, end in ends.items()
        ],
    )
    refresh_statistics(Device, CoverageSummary)
