"""The one JSON shape of the statistics: of `homeroom stats --json` and the API."""

from typing import Any

from homeroom.reports.statistics.figures import Ending, Statistics


def row(figures: Statistics) -> dict[str, Any]:
    """Unknown is null; costs and days are so where there is none."""
    return {
        "day": figures.day,
        "counted_at": figures.counted_at,
        "devices": {
            "counted": figures.current,
            "lost_or_retired": figures.lost_or_retired,
            "apple": figures.apple,
            "other_make": figures.other_make,
            **{kind.value: number for kind, number in figures.statuses.items()},
        },
        "coverage": {state.value: number for state, number in figures.coverage.items()},
        "warranty": {state.value: number for state, number in figures.warranty.items()},
        "expiring": {str(days): number for days, number in figures.expiring.items()},
        "ending_by_month": [{"month": f"{month.first:%Y-%m}"} | _ending(month) for month in figures.months],
        "ending_later": _ending(figures.later) if figures.later else None,
        "without_end": figures.without_end,
        "ending_by_school_year": [
            {"starts": year.first, "ends": year.last} | _ending(year) for year in figures.school_years
        ],
        "models": [
            {"model": one.model or None, "devices": one.devices} for one in figures.models if one.devices
        ],
        "storage": [{"bytes": capacity, "devices": number} for capacity, number in figures.storage.items()],
        "at_apple": figures.at_apple,
        "repairs": [
            {
                "month": f"{one.month:%Y-%m}",
                "repairs": one.repairs,
                "days": one.days,
                "same_unit": one.same_unit,
                "same_unit_days": one.days_of_same_unit,
                "replaced": one.replaced,
                "replaced_days": one.days_of_replaced,
            }
            for one in figures.repairs
        ],
        "repair_rates": [
            {
                "model": one.model or None,
                "devices": one.devices,
                "incidents": one.incidents,
                "per_100_devices": one.per_hundred,
            }
            for one in figures.models
            if one.incidents
        ],
    }


def _ending(ending: Ending) -> dict[str, Any]:
    priced = ending.devices > ending.without_price
    return {
        "devices": ending.devices,
        "renewal_cost": ending.cost if priced else None,
        "without_price": ending.without_price,
    }
