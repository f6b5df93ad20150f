"""The first numbers of the page: which devices are counted, and which are not."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from homeroom.inventory.models import DeviceStatus
from homeroom.inventory.queries import CURRENT_KINDS
from homeroom.reports import links
from homeroom.reports.blocks import Number, count
from homeroom.reports.statistics.figures import Statistics
from homeroom.reports.statistics.tally import Values


@dataclass(frozen=True, slots=True)
class Tile:
    label: str
    number: Number


def tiles(figures: Statistics, chosen: Values) -> list[Tile]:
    kinds = [
        Tile(
            str(DeviceStatus.Kind(kind).label),
            count(figures.statuses[kind], links.all_devices(chosen, status_kind=kind.value)),
        )
        for kind in (*CURRENT_KINDS, DeviceStatus.Kind.LOST, DeviceStatus.Kind.RETIRED)
    ]
    return [
        Tile(_("Devices counted"), count(figures.current, links.devices(chosen))),
        *kinds,
        Tile(_("Of another make"), count(figures.other_make, links.devices(chosen, make="other"))),
        Tile(_("At Apple now"), count(figures.at_apple, links.incidents(chosen, of="at-apple"))),
    ]
