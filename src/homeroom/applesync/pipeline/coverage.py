"""The third step: what Apple's answers on coverage mean, and writing them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeGuard

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from appleschool import AppleCareCoverage, UnreadableRecord
from homeroom.applesync.models import RunChange, RunNote, SyncRun
from homeroom.applesync.pipeline import changes
from homeroom.applesync.pipeline.lease import Lease
from homeroom.applesync.pipeline.queue import Target
from homeroom.insurance import verbs as insurance
from homeroom.insurance.models import InsuranceRecord, Kind, Source
from homeroom.insurance.rules import AppleCoverage, CoverageAnswer, FailedCheck
from homeroom.inventory.verbs.devices import lock_devices

READ = frozenset(
    {
        "description",
        "status",
        "paymentType",
        "startDateTime",
        "endDateTime",
        "isRenewable",
        "isCanceled",
        "contractCancelDateTime",
        "agreementNumber",
    }
)
"""Apple's attributes that have a column of their own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one target. None means: Apple answered that it knows none (404)."""

    target: Target
    at: datetime
    coverages: Sequence[AppleCareCoverage | UnreadableRecord] | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """Answers told apart: those to be believed, those that failed, and what to note of either."""

    good: Sequence[CoverageAnswer]
    failed: Sequence[FailedCheck]
    notes: Sequence[RunNote]


def of_devices_still_there(answers: Sequence[Answer]) -> Sequence[Answer]:
    """Without those about devices that were deleted since; the others stay until the transaction ends."""
    there = lock_devices(answer.target.device_id for answer in answers)
    return [answer for answer in answers if answer.target.device_id in there]


def judge(run: SyncRun, answers: Sequence[Answer]) -> Judged:
    insured = _already_insured(
        [answer for answer in answers if answer.coverages is None and not answer.failure]
    )
    good: list[CoverageAnswer] = []
    failed: list[FailedCheck] = []
    notes: list[RunNote] = []
    for answer in answers:
        failure, note = _failure(run, answer, insured)
        if note:
            notes.append(note)
        if failure:
            failed.append(FailedCheck(answer.target.device_id, answer.at, failure))
        else:
            coverages = tuple(
                translated(coverage)
                for coverage in answer.coverages or ()
                if isinstance(coverage, AppleCareCoverage)
            )
            good.append(CoverageAnswer(answer.target.device_id, answer.at, coverages))
    return Judged(good, failed, notes)


def store_answers(run: SyncRun, lease: Lease, answers: Sequence[Answer], today: date) -> None:
    """Write a batch of answers as insurance records, with the checkpoint, in one transaction.

    What would end a record is planned: it is applied at the end of the run, if that is not too much at once.
    """
    with transaction.atomic():
        answers = of_devices_still_there(answers)
        judged = judge(run, answers)
        found = insurance.apply_apple_coverage(judged.good, today=today, ending=False)
        insurance.record_failed_checks(judged.failed)
        checkpoint(run, lease, answers, judged, found, ended=0)


def checkpoint(
    run: SyncRun,
    lease: Lease,
    answers: Sequence[Answer],
    judged: Judged,
    found: insurance.CoverageChanges,
    *,
    ended: int,
) -> None:
    """Enter a batch into the run's change set, and count it."""
    serials = {answer.target.device_id: answer.target.serial_number for answer in answers}
    for ends, state in ((False, RunChange.State.APPLIED), (True, RunChange.State.PLANNED)):
        entries = (
            changes.of_insurance(change, serials[change.device_id])
            for change in found.changes
            if change.ends is ends
        )
        changes.write(run, entries, state=state)
    RunNote.objects.bulk_create(judged.notes)
    lease.renew(
        coverage_checked=F("coverage_checked") + len(judged.good),
        coverage_failed=F("coverage_failed") + len(judged.failed),
        insurance_created=F("insurance_created") + found.created,
        insurance_updated=F("insurance_updated") + found.updated,
        insurance_ended=F("insurance_ended") + ended,
        problems=F("problems") + len(judged.notes),
    )


def translated(coverage: AppleCareCoverage) -> AppleCoverage:
    cancelled_some_day = coverage.is_canceled is True and coverage.contract_cancelled is None
    return AppleCoverage(
        apple_id=coverage.id[:100],
        plan=(coverage.description or "")[:200],
        kind=kind_of(coverage),
        starts=coverage.starts,
        ends=coverage.ends,
        cancelled_on=coverage.contract_cancelled if coverage.is_canceled else None,
        agreement_number=(coverage.agreement_number or "")[:100],
        status="INACTIVE" if cancelled_some_day else (coverage.status or "")[:50],
        payment_type=(coverage.payment_type or "")[:50],
        renewable=coverage.is_renewable,
        attributes={name: value for name, value in coverage.attributes.items() if name not in READ},
    )


def kind_of(coverage: AppleCareCoverage) -> Kind:
    """Warranty or AppleCare. Apple's descriptions are free text (apple-api.md section 5), so match them loosely."""
    description = (coverage.description or "").casefold()
    if "applecare" in description.replace(" ", ""):
        return Kind.APPLECARE
    if "warranty" in description:
        return Kind.LIMITED_WARRANTY
    paid = bool(coverage.payment_type) and coverage.payment_type != "NONE"
    return Kind.APPLECARE if paid or coverage.agreement_number else Kind.OTHER


def _already_insured(answers: Sequence[Answer]) -> set[int]:
    devices = [answer.target.device_id for answer in answers]
    synced = InsuranceRecord.objects.filter(device__in=devices, source=Source.APPLECARE_SYNC)
    return set(synced.values_list("device_id", flat=True)) if devices else set()


def _failure(run: SyncRun, answer: Answer, insured: set[int]) -> tuple[str, RunNote | None]:
    """Why this answer can't be trusted, empty if it can; and the note to keep, if any.

    "Not found" for a device that Apple just listed means "no cover" to some accounts; where cover is known it is
    a failed look-up, for a good value is never dropped on such a word. Odd dates could turn into a false "covered".
    """
    if answer.failure:
        return answer.failure, _note(run, answer, RunNote.Kind.COVERAGE_FAILED, answer.failure)
    if answer.coverages is None:
        if answer.target.device_id not in insured:
            return "", None
        text = _("Apple says that it knows no such device, though it is on its list.")
        return text, _note(run, answer, RunNote.Kind.UNKNOWN_TO_APPLE, text)
    for coverage in answer.coverages:
        if isinstance(coverage, UnreadableRecord):
            note = _note(run, answer, RunNote.Kind.UNREADABLE, coverage.reason, raw=coverage.raw)
            return coverage.reason, note
    odd = [coverage for coverage in answer.coverages if _odd(coverage)]
    if not odd:
        return "", None
    text = " ".join(problem for coverage in odd for problem in coverage.problems)
    note = _note(run, answer, RunNote.Kind.ODD_VALUE, text, raw=[coverage.attributes for coverage in odd])
    return (text if any(_dates_are_odd(coverage) for coverage in odd) else ""), note


def _odd(coverage: AppleCareCoverage | UnreadableRecord) -> TypeGuard[AppleCareCoverage]:
    return isinstance(coverage, AppleCareCoverage) and bool(coverage.problems)


def _dates_are_odd(coverage: AppleCareCoverage) -> bool:
    """Whether a date, or the attributes as a whole, could not be read: then no date of the record is certain."""
    return any("DateTime" in problem or ".attributes is" in problem for problem in coverage.problems)


def _note(run: SyncRun, answer: Answer, kind: RunNote.Kind, text: str, *, raw: object = None) -> RunNote:
    return RunNote(
        run=run,
        kind=kind,
        serial_number=answer.target.serial_number,
        device_id=answer.target.device_id,
        text=text,
        raw=raw,
    )
