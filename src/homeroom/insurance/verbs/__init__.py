from homeroom.insurance.verbs.apple import (
    CoverageChanges,
    RecordChange,
    apply_apple_coverage,
    plan_apple_coverage,
    record_failed_checks,
)
from homeroom.insurance.verbs.follow_ups import (
    LeftOut,
    Outcome,
    acknowledge,
    decide,
    reopen,
    snooze,
    will_not_renew,
)
from homeroom.insurance.verbs.manual import create_insurance, delete_insurance, update_insurance
from homeroom.insurance.verbs.rewriting import Rewrite, rewrite_synced_records
from homeroom.insurance.verbs.summaries import refresh_due_summaries, refresh_summaries

__all__ = [
    "CoverageChanges",
    "LeftOut",
    "Outcome",
    "RecordChange",
    "Rewrite",
    "acknowledge",
    "apply_apple_coverage",
    "create_insurance",
    "decide",
    "delete_insurance",
    "plan_apple_coverage",
    "record_failed_checks",
    "refresh_due_summaries",
    "refresh_summaries",
    "reopen",
    "rewrite_synced_records",
    "snooze",
    "update_insurance",
    "will_not_renew",
]
