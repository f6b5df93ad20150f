"""What the district says for its statistics."""

from collections.abc import Mapping
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from homeroom.audit.actors import Actor
from homeroom.audit.verbs import changed_values, record
from homeroom.inventory.makes import APPLE_FAMILIES
from homeroom.inventory.verbs.saving import check_and_save
from homeroom.reports.models import RenewalCost, StatisticsSettings
from homeroom.web.errors import Refused

THE_ONE = 1
FAMILIES = (*(family.value for family in APPLE_FAMILIES), "")


@transaction.atomic
def set_statistics_settings(
    *, school_year_starts: int, renewal_costs: Mapping[str, Decimal | None], actor: Actor
) -> StatisticsSettings:
    """Say when the school year starts and what a renewal costs by family ("": any other). None takes a cost back."""
    if unknown := renewal_costs.keys() - set(FAMILIES):
        raise Refused(_("AppleCare is not for this family: %(family)s.") % {"family": unknown.pop()})
    said = StatisticsSettings.objects.select_for_update().filter(pk=THE_ONE).first()
    said = said or StatisticsSettings(pk=THE_ONE)
    standing = {cost.product_family: cost for cost in RenewalCost.objects.select_for_update()}
    before: dict[str, object] = {"school_year_starts": said.school_year_starts} | {
        _name(family): standing[family].cost if family in standing else None for family in renewal_costs
    }
    after: dict[str, object] = {"school_year_starts": school_year_starts} | {
        _name(family): cost for family, cost in renewal_costs.items()
    }
    old, new = changed_values(before, after)
    if new:
        said.school_year_starts = school_year_starts
        check_and_save(said)
        for family, cost in renewal_costs.items():
            _set_cost(standing.get(family), family, cost)
        record(actor, "statistics_settings.updated", said, before=old, after=new)
    return said


def _set_cost(standing: RenewalCost | None, family: str, cost: Decimal | None) -> None:
    if cost is None:
        if standing is not None:
            standing.delete()
        return
    priced = standing or RenewalCost(product_family=family)
    priced.cost = cost
    check_and_save(priced)


def _name(family: str) -> str:
    return f"renewal_cost {family}".strip()
