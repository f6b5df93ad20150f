"""The facts of a synced record as columns of its row, and back."""

from collections.abc import Mapping
from typing import Any

from homeroom.insurance.models import Kind
from homeroom.insurance.rules import AppleCoverage, StoredCoverage

Columns = Mapping[str, Any]
"""Values by the names of COLUMNS, as a row of the table holds them."""

COLUMNS = (
    "plan",
    "kind",
    "starts",
    "ends",
    "cancelled_on",
    "agreement_number",
    "apple_status",
    "apple_payment_type",
    "apple_renewable",
    "apple_attributes",
    "missing_since",
    "ended_on",
)
"""What the sync writes of a record after its creation."""


def columns_of(stands: StoredCoverage) -> Columns:
    told = stands.coverage
    return {
        "plan": told.plan,
        "kind": told.kind.value,
        "starts": told.starts,
        "ends": told.ends,
        "cancelled_on": told.cancelled_on,
        "agreement_number": told.agreement_number,
        "apple_status": told.status,
        "apple_payment_type": told.payment_type,
        "apple_renewable": told.renewable,
        "apple_attributes": told.attributes or None,
        "missing_since": stands.missing_since,
        "ended_on": stands.ended_on,
    }


def standing(apple_id: str, columns: Columns) -> StoredCoverage:
    coverage = AppleCoverage(
        apple_id=apple_id,
        plan=columns["plan"],
        kind=Kind(columns["kind"]),
        starts=columns["starts"],
        ends=columns["ends"],
        cancelled_on=columns["cancelled_on"],
        agreement_number=columns["agreement_number"],
        status=columns["apple_status"],
        payment_type=columns["apple_payment_type"],
        renewable=columns["apple_renewable"],
        attributes=columns["apple_attributes"] or {},
    )
    return StoredCoverage(coverage, columns["missing_since"], columns["ended_on"])
