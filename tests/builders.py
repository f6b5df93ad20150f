"""Plain functions that make valid objects; a test names only what it is about."""

from itertools import count
from typing import Any

from homeroom.accounts.models import User
from homeroom.accounts.policy import Role
from homeroom.inventory.models import Device, DeviceStatus, Person, Site

_numbers = count(1)


def make_user(role: Role = Role.ADMINISTRATOR, *, sites: tuple[Site, ...] = (), **values: Any) -> User:
    number = next(_numbers)
    user = User(**{"email": f"user{number}@district.test", "name": f"User {number}", "role": role} | values)
    user.set_password("correct horse battery")
    user.save()
    user.sites.set(sites)
    return user


def make_site(**values: Any) -> Site:
    return Site.objects.create(**{"name": f"School {next(_numbers)}"} | values)


def make_status(name: str = "In service", **values: Any) -> DeviceStatus:
    return DeviceStatus.objects.get_or_create(
        name=name, defaults={"kind": DeviceStatus.Kind.IN_SERVICE} | values
    )[0]


def make_device(**values: Any) -> Device:
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "asset_tag": f"T{number:05}",
        "serial_number": f"SERIAL{number:05}",
        "name": f"Device {number}",
        "manufacturer": "Apple",
        "model": "iPad (10th generation)",
        "product_family": Device.ProductFamily.IPAD,
    }
    values.setdefault("site", None)
    values["site"] = values["site"] or make_site()
    values.setdefault("status", make_status())
    return Device.objects.create(**defaults | values)


def make_person(**values: Any) -> Person:
    number = next(_numbers)
    values.setdefault("site", None)
    values["site"] = values["site"] or make_site()
    return Person.objects.create(**{"external_id": f"P{number:05}", "name": f"Person {number}"} | values)
