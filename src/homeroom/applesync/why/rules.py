"""Each question answered from what is known, with the one cause that applies. Pure: nobody is asked."""

from collections.abc import Callable

from homeroom.applesync.why import coverage, listing, repairs, standing
from homeroom.applesync.why.answers import Finding
from homeroom.applesync.why.facts import Facts

ANSWERS: tuple[Callable[[Facts], Finding | None], ...] = (
    standing.inventory,
    standing.decision,
    standing.connection,
    listing.listed,
    repairs.at_apple,
    repairs.processing,
    repairs.replacement,
    repairs.original,
    coverage.coverage_sync,
    coverage.check,
    coverage.coverage,
    coverage.records,
)


def findings(facts: Facts) -> tuple[Finding, ...]:
    """The questions that arise, in their order, each with its answer."""
    return tuple(finding for answer in ANSWERS if (finding := answer(facts)))
