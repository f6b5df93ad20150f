"""AppleCare of the demo that ends within months, at several schools; about some of it somebody has decided."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle, islice
from typing import Any

from django.db.models import QuerySet

from appleschool_sim.actions import ChangeCoverage
from appleschool_sim.control import Control
from appleschool_sim.devices import Device as AppleDevice
from appleschool_sim.world import World
from homeroom.accounts.models import User
from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.config.commands.demo.district import Plan
from homeroom.insurance.models import FollowUp
from homeroom.insurance.queries import ending_some_day, today, with_coverage
from homeroom.insurance.verbs import acknowledge, snooze, will_not_renew
from homeroom.inventory.models import Device

DAYS_LEFT = (3, 6, 11, 18, 25, 29, 38, 47, 56, 68, 79, 88)
TERMS = (2 * 365, 3 * 365)
"""Days for which a plan was bought."""
BOUGHT_WITHIN = 365
"""Days after its order in which a device got its plan."""
FEWEST, ONE_IN = 12, 25


def let_some_end(apple: str, plan: Plan, world: World) -> None:
    """At the simulated Apple: plans that were bought for two or three years, and are nearly over."""
    control = Control(apple)
    number = max(FEWEST, plan.in_apple // ONE_IN)
    days = cycle(DAYS_LEFT)
    for device in islice(_with_a_plan(plan, world), number):
        ends = world.today + timedelta(days=next(days))
        starts = _bought(device, ends)
        if starts is not None:
            control.change_coverage(
                ChangeCoverage(serial=device.serial, starts=_midnight(starts), ends=_midnight(ends))
            )


def decide_about_some(technician: User) -> None:
    """Once, after the first sync; most of it waits."""
    if FollowUp.objects.exists():
        return
    day, actor = today(), technician.actor
    ending: QuerySet[Any] = with_coverage(ending_some_day(COMMAND_LINE_VIEWER, day), day)
    keys = list(ending.order_by("coverage_ends", "pk").values_list("pk", flat=True)[:8])
    known, later, given_up = keys[1:2], keys[3:5], keys[6:8]
    acknowledge(_these(known), note="The school has the quote.", actor=actor)
    snooze(_these(later), until=day + timedelta(days=7), note="After the budget meeting.", actor=actor)
    will_not_renew(_these(given_up), note="They are sold in summer.", actor=actor)


def _these(keys: list[int]) -> QuerySet[Device]:
    return Device.objects.filter(pk__in=keys)


def _with_a_plan(plan: Plan, world: World) -> Iterator[AppleDevice]:
    """Past the ones with mistyped serial numbers, spread over orders and schools."""
    for number in range(plan.near_matches, plan.in_apple):
        device = world.device_at(number)
        plans = [cover for cover in world.coverage(device.serial) if cover.is_plan]
        is_usual = any(cover.ends and not cover.canceled for cover in plans)
        if is_usual and _bought(device, world.today + timedelta(days=max(DAYS_LEFT))) is not None:
            yield device


def _bought(device: AppleDevice, ends: date) -> date | None:
    """The day on which a plan that ends then can have begun; None: the device is too new or too old for it."""
    if device.ordered is None:
        return None
    for term in TERMS:
        starts = ends - timedelta(days=term)
        if 0 <= (starts - device.ordered.date()).days <= BOUGHT_WITHIN:
            return starts
    return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
