from homeroom.insurance.verbs.apple import CoverageChanges, apply_apple_coverage, record_failed_checks
from homeroom.insurance.verbs.manual import create_insurance, delete_insurance, update_insurance
from homeroom.insurance.verbs.summaries import refresh_due_summaries, refresh_summaries

__all__ = [
    "CoverageChanges",
    "apply_apple_coverage",
    "create_insurance",
    "delete_insurance",
    "record_failed_checks",
    "refresh_due_summaries",
    "refresh_summaries",
    "update_insurance",
]
