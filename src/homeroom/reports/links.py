"""Which list each number counts: addresses whose list has exactly so many rows."""

from collections.abc import Mapping
from datetime import date
from urllib.parse import urlencode

from django.urls import reverse

from homeroom.inventory.filters import CURRENT, NOTHING
from homeroom.reports.statistics.tally import Values


def query_of(chosen: Values) -> dict[str, str]:
    """What is chosen, as statistics and lists alike have it in their address."""
    told = {
        "site": chosen.site_id,
        "product_family": chosen.product_family,
        "model": chosen.model,
        "funding_source": chosen.funding_source,
    }
    return {name: text_of(value) for name, value in told.items() if value is not None}


def text_of(value: object) -> str:
    return NOTHING if value == "" else str(value)


def all_devices(chosen: Values, **more: str) -> str:
    """Of any status."""
    return _address("inventory:devices", query_of(chosen) | more)


def devices(chosen: Values, **more: str) -> str:
    """Of current devices."""
    return all_devices(chosen, **{"status_kind": CURRENT} | more)


def apple_devices(chosen: Values, **more: str) -> str:
    """Of current devices but those of another make."""
    return devices(chosen, **{"make": "apple"} | more)


def ending(chosen: Values, first: date, last: date) -> str:
    return apple_devices(chosen, coverage="covered", ends_from=first.isoformat(), ends_until=last.isoformat())


def incidents(chosen: Values, **more: str) -> str:
    return _address("reports:incidents", query_of(chosen) | more)


def _address(name: str, query: Mapping[str, str]) -> str:
    return f"{reverse(name)}?{urlencode(query)}"
