"""The statistics that a viewer may see: from the rollup of a large district, else counted here and now."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from homeroom.accounts.policy import Permission, Viewer
from homeroom.applesync.queries.details import with_details
from homeroom.incidents.models import Incident
from homeroom.incidents.queries import incidents
from homeroom.insurance.queries import today
from homeroom.inventory.models import Device
from homeroom.inventory.queries import visible_devices
from homeroom.inventory.visibility import visible_beyond_sites
from homeroom.reports.models import RenewalCost, Rollup, RollupCell, StatisticsSettings
from homeroom.reports.queries.counting import device_groups, incident_groups
from homeroom.reports.statistics import rollup as rules
from homeroom.reports.statistics.figures import Prices, Statistics, statistics
from homeroom.reports.statistics.tally import Part, Tally, Values, restored, tally

EVERYTHING = Values()
OF_INCIDENTS = frozenset({Part.REPAIRS, Part.REPAIR_DAYS, Part.AT_APPLE, Part.INCIDENTS})


@dataclass(frozen=True, slots=True)
class Counted:
    numbers: Tally
    day: date
    at: datetime | None = None
    """None: now."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen, with how many current devices have it; the most frequent first."""

    families: Mapping[str, int]
    models: Mapping[str, int]
    funding_sources: Mapping[str, int]


def statistics_for(viewer: Viewer, chosen: Values = EVERYTHING, *, fresh: bool = False) -> Statistics:
    """Of the devices that the viewer sees and that are as chosen. `fresh`: counted now, however long it takes."""
    return _figures(_counted(viewer, chosen, fresh=fresh))


def statistics_at_hand(viewer: Viewer) -> Statistics | None:
    """What can be told at once. None: the district is large, and no worker has counted it lately."""
    if (kept := _from_rollup(viewer, EVERYTHING)) is not None:
        return _figures(kept)
    return None if is_large() else statistics_for(viewer, fresh=True)


def is_large() -> bool:
    """Whether the district is one of which a rollup is kept. Takes no viewer: it is about all of it."""
    keys = Device.objects.order_by("pk").values_list("pk", flat=True)
    return keys[rules.LIVE_UP_TO : rules.LIVE_UP_TO + 1].exists()


def statistics_and_choices(viewer: Viewer, chosen: Values) -> tuple[Statistics, Choices]:
    """The same, with what can be chosen instead."""
    everything = _counted(viewer, EVERYTHING)
    counted = everything if chosen == EVERYTHING else _counted(viewer, chosen)

    def most(part: Part) -> Mapping[str, int]:
        found = Counter({one: number for (of, one, _), number in everything.numbers.items() if of == part})
        return dict(found.most_common())

    return _figures(counted), Choices(most(Part.FAMILY), most(Part.MODEL), most(Part.FUNDING))


def prices() -> Prices:
    """Takes no viewer: a setting of the whole district."""
    said = StatisticsSettings.objects.first() or StatisticsSettings()
    costs = RenewalCost.objects.values_list("product_family", "cost")
    return Prices(said.school_year_starts, dict(costs))


def devices_as_chosen(devices: QuerySet[Device], chosen: Values) -> QuerySet[Device]:
    plain = {
        name: value
        for name in ("site_id", "product_family", "funding_source")
        if (value := getattr(chosen, name)) is not None
    }
    found = devices.filter(**plain)
    return found if chosen.model is None else with_details(found).filter(Q(shown_model=chosen.model))


def incidents_as_chosen(viewer: Viewer, chosen: Values) -> QuerySet[Incident]:
    """Of the devices that are as chosen, current or not."""
    if chosen == EVERYTHING or not viewer.may(Permission.VIEW_INCIDENTS):
        return incidents(viewer)
    devices = devices_as_chosen(
        visible_devices(viewer), chosen
    )  # one condition: two are looked up one by one
    return Incident.objects.filter(device__in=devices.order_by())


def _figures(counted: Counted) -> Statistics:
    return statistics(counted.numbers, day=counted.day, counted_at=counted.at, prices=prices())


def _counted(viewer: Viewer, chosen: Values, *, fresh: bool = False) -> Counted:
    kept = None if fresh else _from_rollup(viewer, chosen)
    return kept or _count(visible_devices(viewer), incidents_as_chosen(viewer, chosen), chosen)


def _count(devices: QuerySet[Device], of: QuerySet[Incident], chosen: Values) -> Counted:
    day = today()
    groups = device_groups(devices_as_chosen(devices, chosen), day)
    return Counted(tally(groups, incident_groups(of, day), day), day)


def _from_rollup(viewer: Viewer, chosen: Values) -> Counted | None:
    """None where none is kept, where it is not good any more, or where no cut of it tells apart what is asked."""
    kept, now, day = Rollup.objects.first(), timezone.now(), today()
    if kept is None or not rules.is_good(last_count(kept), now=now, day=day):
        return None
    given = {name for name, value in chosen._asdict().items() if value is not None}
    names = given if viewer.site_ids is None else given | {"site_id"}
    if (cut := rules.cut_for(names)) is None:
        return None
    cells = RollupCell.objects.filter(cut=cut, **{name: getattr(chosen, name) for name in given})
    if viewer.site_ids is not None:
        cells = cells.filter(site_id__in=viewer.site_ids)
    numbers: Tally = Counter()
    for stored in cells.values_list("numbers", flat=True):
        numbers.update(restored(stored))
    numbers.update(_beyond_sites(viewer, chosen))
    if not viewer.may(Permission.VIEW_INCIDENTS):
        numbers = Counter({key: number for key, number in numbers.items() if key[0] not in OF_INCIDENTS})
    return Counted(numbers, day, kept.counted_at)


def _beyond_sites(viewer: Viewer, chosen: Values) -> Tally:
    """The few devices that the viewer sees though they are of other sites."""
    if viewer.site_ids is None or (beyond := visible_beyond_sites(viewer)) is None:
        return Counter()
    devices = Device.objects.filter(beyond).exclude(site__in=viewer.site_ids)
    found = incidents(viewer).filter(device__in=devices_as_chosen(devices, chosen).order_by())
    return _count(devices, found, chosen).numbers


def last_count(kept: Rollup) -> rules.LastCount:
    return rules.LastCount(kept.day, kept.counted_at, kept.seconds, kept.mark)
