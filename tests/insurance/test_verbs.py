"""Coverage as records and summaries, and the one definition of its state, in the database."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
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


def rows() -> list[dict[str, Any]]:
    """Everything that the verbs write, but for the keys of the records."""
    tables = (InsuranceRecord.objects.order_by("device", "apple_id"), CoverageSummary.objects.order_by("pk"))
    checks = CoverageCheck.objects.order_by("pk")
    found = [row for table in (*tables, checks) for row in table.values()]
    return [{name: value for name, value in row.items() if name != "id"} for row in found]


def test_a_batch_comes_to_the_same_as_its_answers_one_by_one() -> None:
    site = make_site()
    devices = [make_device(site=site) for _number in range(4)]
    noon = datetime.now(UTC)
    told = (
        (apple_coverage(),),
        (apple_coverage(), apple_coverage("other", kind=Kind.LIMITED_WARRANTY)),
        (),
        (apple_coverage(cancelled_on=today()), apple_coverage(ends=None)),
    )
    nights = [
        [
            CoverageAnswer(device.pk, noon + timedelta(hours=24 * night), told[(night + number) % len(told)])
            for number, device in enumerate(devices)
        ]
        for night in range(6)
    ]

    def come_to(batches: list[list[CoverageAnswer]]) -> list[dict[str, Any]]:
        with transaction.atomic():
            for batch in batches:
                verbs.apply_apple_coverage(batch, today=today())
            result = rows()
            transaction.set_rollback(True)
        return result

    by_night = come_to(nights)
    assert by_night == come_to([[answer] for night in nights for answer in night])
    assert by_night == come_to([[answer for night in reversed(nights) for answer in night]])


def test_coverage_that_ends_in_silence_is_counted_once() -> None:
    device, noon = make_device(), datetime.now(UTC)

    def silence(hours: int) -> tuple[int, int, int]:
        answer = CoverageAnswer(device.pk, noon + timedelta(hours=hours), ())
        changes = verbs.apply_apple_coverage([answer], today=today())
        return changes.created, changes.updated, changes.ended

    answered(device, apple_coverage(), at=noon)
    assert [silence(hours) for hours in (1, 2, 21, 50)] == [(0, 1, 0), (0, 0, 0), (0, 0, 1), (0, 0, 0)]
    assert states()[device.serial_number or ""][0] == "ended"
    answered(device, apple_coverage())
    assert states()[device.serial_number or ""][0] == "covered"


def test_a_failed_check_changes_no_record_and_turns_only_none_into_unknown() -> None:
    site = make_site()
    shapes = {
        "covered": [apple_coverage()],
        "ended": [apple_coverage(ends=today() - DAY)],
        "none": [],
    }
    for name, coverages in shapes.items():
        answered(make_device(serial_number=name, site=site), *coverages)
    before = list(InsuranceRecord.objects.order_by("pk").values())
    verbs.record_failed_checks(
        [FailedCheck(device.pk, datetime.now(UTC), "No answer.") for device in Device.objects.all()]
    )
    assert {name: state for name, (state, _warranty) in states().items()} == {
        "covered": "covered",
        "ended": "ended",
        "none": "unknown",
    }
    assert list(InsuranceRecord.objects.order_by("pk").values()) == before


def test_no_end_is_claimed_while_the_summary_does_not_hold_the_period_that_has_begun() -> None:
    device = make_device()
    ends = today() + 9 * DAY
    answered(
        device,
        apple_coverage("one", starts=today() - 50 * DAY, ends=today() - 10 * DAY),
        apple_coverage("two", starts=today() + 5 * DAY, ends=ends),
    )
    later = today() + 6 * DAY

    def shown() -> tuple[str, date | None]:
        found = with_coverage(Device.objects.all(), later).get()
        return found.coverage, found.coverage_ends

    assert shown() == ("covered", None)
    verbs.refresh_due_summaries(today=later)
    assert shown() == ("covered", ends)


def test_manual_applecare_counts_as_coverage_beside_what_the_sync_brings() -> None:
    device = make_device()
    ends = today() + 900 * DAY
    verbs.create_insurance(
        device, actor=COMMAND_LINE, provider="Reseller", kind=Kind.APPLECARE, starts=today(), ends=ends
    )
    answered(device, apple_coverage())
    assert with_coverage(Device.objects.all(), today()).get().coverage_ends == ends
    assert coverage_of(device)[0].until == ends


def test_an_unknown_value_is_refused_by_its_name() -> None:
    with pytest.raises(Refused) as refusal:
        verbs.create_insurance(make_device(), actor=COMMAND_LINE, provider="x", apple_id="forged")
    assert refusal.value.field == "apple_id"


@pytest.mark.parametrize(
    "change",
    [
        lambda insurance: verbs.update_insurance(insurance, actor=COMMAND_LINE, plan="Other"),
        lambda insurance: verbs.delete_insurance(insurance, actor=COMMAND_LINE),
    ],
)
def test_a_record_that_somebody_has_deleted_meanwhile_does_not_come_back(
    change: Callable[[InsuranceRecord], object],
) -> None:
    made = verbs.create_insurance(
        make_device(), actor=COMMAND_LINE, provider="Ours", plan="Plan", kind=Kind.OTHER
    )
    seen = InsuranceRecord.objects.get(pk=made.pk)
    verbs.delete_insurance(made, actor=COMMAND_LINE)
    with pytest.raises(Refused, match="deleted this record meanwhile"):
        change(seen)
    assert not InsuranceRecord.objects.exists()


def test_of_two_who_change_a_record_at_once_neither_undoes_what_the_other_did() -> None:
    made = verbs.create_insurance(
        make_device(), actor=COMMAND_LINE, provider="Ours", plan="Plan", kind=Kind.OTHER
    )
    seen = InsuranceRecord.objects.get(pk=made.pk)
    verbs.update_insurance(made, actor=COMMAND_LINE, plan="New plan")
    verbs.update_insurance(seen, actor=COMMAND_LINE, provider="New provider")
    stored = InsuranceRecord.objects.get(pk=made.pk)
    assert (stored.plan, stored.provider) == ("New plan", "New provider")
    assert Entry.objects.filter(action="insurance.updated").latest("pk").before == {"provider": "Ours"}
