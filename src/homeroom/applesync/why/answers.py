"""The words of an answer: questions, causes, and what was found for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Question(TextChoices):
    """In the order in which one asks them: what comes first explains what follows."""

    INVENTORY = "inventory", _("Is it in the inventory?")
    DECISION = "decision", _("Does a sync wait for a decision about it?")
    CONNECTION = "connection", _("Does the connection to Apple work?")
    LISTED = "listed", _("Does Apple list it?")
    REPAIR = "repair", _("Is it at Apple for repair, and since when?")
    PROCESSING = "replacement_processing", _("Are AppleCare replacements processed?")
    REPLACEMENT = "replacement", _("Which new device replaces it?")
    REPLACES = "replaces", _("Does it replace one of ours?")
    COVERAGE_SYNC = "coverage_sync", _("Is AppleCare coverage synced?")
    CHECK = "check", _("When was Apple last asked for its coverage, and what came back?")
    COVERAGE = "coverage", _("Does Apple hold AppleCare coverage for it?")
    RECORDS = "records", _("Can its insurance records be edited?")


class Cause(StrEnum):
    """Every answer there is. Programs read these; people read the sentence."""

    # Is it in the inventory?
    IN_INVENTORY = "in_inventory"
    NO_SERIAL_NUMBER = "no_serial_number"
    OF_ANOTHER_SITE = "of_another_site"
    NEARLY_IN_INVENTORY = "nearly_in_inventory"
    NOT_IN_INVENTORY = "not_in_inventory"
    # Does a sync wait for a decision about it?
    DECISION_AWAITED = "decision_awaited"
    # Does the connection to Apple work?
    NO_CONNECTION = "no_connection"
    CONNECTION_NOT_ACTIVE = "connection_not_active"
    CONNECTION_NEEDS_ATTENTION = "connection_needs_attention"
    CONNECTION_WORKS = "connection_works"
    # Does Apple list it?
    OF_ANOTHER_MAKE = "of_another_make"
    LISTED = "listed"
    LISTED_BY_SEVERAL = "listed_by_several"
    LISTED_NOT_MATCHED_YET = "listed_not_matched_yet"
    LISTED_WHEN_LAST_SYNCED = "listed_when_last_synced"
    RELEASED = "released"
    GONE = "gone"
    NEARLY_LISTED = "nearly_listed"
    NO_LIST_YET = "no_list_yet"
    NOT_LISTED = "not_listed"
    NOT_LISTED_SOME_UNREADABLE = "not_listed_some_unreadable"
    # Is it at Apple for repair, and since when?
    AT_APPLE = "at_apple"
    WAS_AT_APPLE = "was_at_apple"
    NOT_AT_APPLE = "not_at_apple"
    # Are AppleCare replacements processed?
    REPLACEMENT_PROCESSING_ON = "replacement_processing_on"
    REPLACEMENT_PROCESSING_OFF = "replacement_processing_off"
    # Which new device replaces it?
    REPLACED = "replaced"
    CANDIDATE_TO_REVIEW = "candidate_to_review"
    CANDIDATE_NOT_MATCHED_YET = "candidate_not_matched_yet"
    NO_CANDIDATE_FITS = "no_candidate_fits"
    NO_CANDIDATE_YET = "no_candidate_yet"
    REPLACEMENT_DISMISSED = "replacement_dismissed"
    REPLACEMENT_UNDONE = "replacement_undone"
    # Does it replace one of ours?
    REPLACES_ONE = "replaces_one"
    MAY_REPLACE = "may_replace"
    REPLACES_NONE = "replaces_none"
    NO_INCIDENT_FITS = "no_incident_fits"
    # Is AppleCare coverage synced?
    COVERAGE_SYNC_ON = "coverage_sync_on"
    COVERAGE_SYNC_OFF = "coverage_sync_off"
    # When was Apple last asked for its coverage, and what came back?
    NOT_ASKED_YET = "not_asked_yet"
    CHECK_FAILED = "check_failed"
    CHECK_OVERDUE = "check_overdue"
    ANSWERED = "answered"
    # Does Apple hold AppleCare coverage for it?
    COVERED = "covered"
    NOT_NAMED_LATELY = "not_named_lately"
    COVERAGE_UPCOMING = "coverage_upcoming"
    COVERAGE_CANCELLED = "coverage_cancelled"
    COVERAGE_ENDED = "coverage_ended"
    COVERAGE_STOPPED = "coverage_stopped"
    WARRANTY_ONLY = "warranty_only"
    NO_COVERAGE = "no_coverage"
    COVERAGE_UNKNOWN = "coverage_unknown"
    # Can its insurance records be edited?
    NO_RECORDS = "no_records"
    RECORDS_FROM_APPLE = "records_from_apple"
    RECORDS_BY_HAND = "records_by_hand"


class Weight(IntEnum):
    """How much a finding explains. The first of the weightiest is the conclusion."""

    AS_IT_SHOULD_BE = 0
    WORTH_KNOWING = 1
    IN_THE_WAY = 2


@dataclass(frozen=True, slots=True)
class Link:
    """Where in Homeroom to go on."""

    url: str
    label: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question, and what to do where something can be done."""

    question: Question
    cause: Cause
    weight: Weight
    sentence: str
    fix: str = ""
    link: Link | None = None
    at: datetime | None = None
    """The moment that the sentence is about."""

    @property
    def in_the_way(self) -> bool:
        return self.weight == Weight.IN_THE_WAY

    @property
    def worth_knowing(self) -> bool:
        return self.weight == Weight.WORTH_KNOWING


@dataclass(frozen=True, slots=True)
class Answer:
    """All that can be said about what was asked: a serial number or an asset tag."""

    asked: str
    device_id: int | None
    serial_number: str
    asset_tag: str
    findings: tuple[Finding, ...]

    @property
    def conclusion(self) -> Finding:
        """What explains most; where all is as it should be, what there is to say of its coverage."""
        weightiest = max(self.findings, key=lambda finding: finding.weight)
        return weightiest if weightiest.weight else self.finding(Question.COVERAGE) or self.findings[0]

    def finding(self, question: Question) -> Finding | None:
        """None where the question does not arise."""
        return next((finding for finding in self.findings if finding.question == question), None)


def row(answer: Answer) -> Mapping[str, object]:
    """An answer as the command line and the API give it."""
    return {
        "asked": answer.asked,
        "device": answer.device_id,
        "serial_number": answer.serial_number,
        "asset_tag": answer.asset_tag,
        "conclusion": _row(answer.conclusion),
        "findings": [_row(finding) for finding in answer.findings],
    }


def _row(finding: Finding) -> dict[str, object]:
    return {
        "question": finding.question.value,
        "cause": finding.cause.value,
        "weight": finding.weight.name.lower(),
        "sentence": finding.sentence,
        "fix": finding.fix,
        "link": finding.link.url if finding.link else None,
        "at": finding.at,
    }
