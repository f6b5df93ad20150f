"""Connections and what Apple lists for them, without asking anybody."""

from itertools import count
from typing import Any

from django.utils import timezone

from homeroom.applesync.models import AppleDevice, Connection

_numbers = count(1)


def make_connection(**values: Any) -> Connection:
    given = {"name": f"District {next(_numbers)}", "client_id": "c", "key_id": "k", "private_key": "p"}
    return Connection.objects.create(**given | values)


def make_listed(serial_number: str, connection: Connection, **values: Any) -> AppleDevice:
    """A device that Apple lists for the connection."""
    now = timezone.now().replace(microsecond=0)
    given: dict[str, Any] = {
        "product_family": "iPad",
        "device_model": "iPad (10th generation)",
        "color": "SILVER",
        "order_number": "4711",
        "attributes": {"deviceCapacity": "64GB"},
        "content_hash": b"x",
        "first_seen_at": now,
        "added_at": now,
    }
    return AppleDevice.objects.create(connection=connection, serial_number=serial_number, **given | values)
