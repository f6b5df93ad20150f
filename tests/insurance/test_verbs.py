"""Coverage as records and summaries, and the one definition of its state, in the database."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.insurance import verbs
from homeroom.insurance.models import CoverageCheck, CoverageSummary, InsuranceRecord, Kind
from homeroom.insurance.panels import coverage_of
from homeroom.insurance.queries import today, with_coverage
from homeroom.insurance.rules import CoverageAnswer, FailedCheck
from homeroom.inventory.models import Device
from homeroom.web.errors import Refused
from tests.builders import make_device, make_site
from tests.insurance.records import answered, apple_coverage

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def states() -> dict[str, tuple[str, str]]:
    """By the query that lists and exports use."""
    shown = with_coverage(Device.objects.all(), today())
    return {device.serial_number: (device.coverage, device.warranty) for device in shown}


def test_lists_and_the_profile_agree_on_every_shape() -> None:
    site = make_site()
    shapes = {
        "covered": [apple_coverage()],
        "ends-today": [apple_coverage(ends=today())],
        "ended-yesterday": [apple_coverage(ends=today() - DAY)],
        "starts-tomorrow": [apple_coverage(starts=today() + DAY)],
        "cancelled-last-week": [apple_coverage(cancelled_on=today() - 7 * DAY)],
        "open-ended": [apple_coverage(ends=None)],
        "warranty-only": [apple_coverage(kind=Kind.LIMITED_WARRANTY)],
        "inactive-within-its-dates": [apple_coverage(status="INACTIVE")],
        "none": [],
    }
    for name, coverages in shapes.items():
        answered(make_device(serial_number=name, site=site), *coverages)
    make_device(serial_number="never-checked", site=site)
    failed = make_device(serial_number="failed", site=site)
    verbs.record_failed_checks([FailedCheck(failed.pk, datetime.now(UTC), "Apple failed to answer.")])

    assert states() == {
        "covered": ("covered", "none"),
        "ends-today": ("covered", "none"),
        "ended-yesterday": ("ended", "none"),
        "starts-tomorrow": ("none", "none"),
        "cancelled-last-week": ("ended", "none"),
        "open-ended": ("covered", "none"),
        "warranty-only": ("none", "covered"),
        "inactive-within-its-dates": ("ended", "none"),
        "none": ("none", "none"),
        "never-checked": ("unknown", "unknown"),
        "failed": ("unknown", "unknown"),
    }
    for device in Device.objects.all():
        applecare, warranty = coverage_of(device)
        assert (applecare.state, warranty.state) == states()[device.serial_number or ""]


def test_a_failed_check_keeps_the_time_of_the_last_good_one() -> None:
    device = make_device()
    good = datetime.now(UTC) - DAY
    answered(device, at=good)
    verbs.record_failed_checks([FailedCheck(device.pk, datetime.now(UTC), "No answer.")])
    check = CoverageCheck.objects.get()
    assert (check.succeeded_at, check.failure) == (good, "No answer.")
    answered(device)
    assert CoverageCheck.objects.get().failure == ""


def test_an_unchanged_answer_writes_only_the_check() -> None:
    device = make_device()
    answered(device, apple_coverage())
    before = (list(InsuranceRecord.objects.values()), list(CoverageSummary.objects.values()))
    changes = verbs.apply_apple_coverage(
        [CoverageAnswer(device.pk, datetime.now(UTC), (apple_coverage(),))], today=today()
    )
    assert (changes.created, changes.updated, changes.ended) == (0, 0, 0)
    assert (list(InsuranceRecord.objects.values()), list(CoverageSummary.objects.values())) == before


def test_a_batch_takes_as_many_queries_for_many_devices_as_for_one(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    site = make_site()
    devices = [make_device(site=site) for _number in range(60)]
    answers = [CoverageAnswer(device.pk, datetime.now(UTC), (apple_coverage(),)) for device in devices]
    with django_assert_max_num_queries(12):
        verbs.apply_apple_coverage(answers, today=today())
    assert InsuranceRecord.objects.count() == 60


def test_a_period_that_begins_moves_the_summary_on() -> None:
    device = make_device()
    answered(
        device,
        apple_coverage("one", starts=today() - 50 * DAY, ends=today() - 10 * DAY),
        apple_coverage("two", starts=today() + 5 * DAY, ends=today() + 9 * DAY),
        apple_coverage("three", starts=today() + 20 * DAY, ends=today() + 30 * DAY),
    )
    later = today() + 12 * DAY
    assert verbs.refresh_due_summaries(today=later) == 1
    summary = CoverageSummary.objects.get()
    assert (summary.applecare_until, summary.applecare_next_from) == (today() + 9 * DAY, today() + 20 * DAY)
    assert verbs.refresh_due_summaries(today=later) == 0


def test_manual_insurance_is_created_changed_and_deleted_with_an_audit_entry_each() -> None:
    device = make_device()
    record = verbs.create_insurance(
        device, actor=COMMAND_LINE, provider="District", kind=Kind.APPLECARE, starts=today(), ends=today()
    )
    assert states()[device.serial_number or ""][0] == "covered"
    verbs.update_insurance(record, actor=COMMAND_LINE, kind=Kind.OTHER)
    assert states()[device.serial_number or ""][0] == "unknown"
    verbs.delete_insurance(record, actor=COMMAND_LINE)
    actions = list(Entry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["insurance.created", "insurance.updated", "insurance.deleted"]


def test_cover_that_ends_before_it_starts_is_refused_and_names_the_field() -> None:
    with pytest.raises(Refused) as refusal:
        verbs.create_insurance(
            make_device(), actor=COMMAND_LINE, provider="x", starts=today(), ends=today() - DAY
        )
    assert refusal.value.field == "ends"
    assert not InsuranceRecord.objects.exists()
