"""Whether coverage is asked for, what came back, and what it comes to."""

from datetime import date, timedelta

from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from homeroom.applesync.models import AppleDevice
from homeroom.applesync.why.answers import Cause, Finding, Link, Question, Weight
from homeroom.applesync.why.facts import Facts, Insurance
from homeroom.applesync.why.going_on import day, moment, to_profile, to_settings
from homeroom.insurance.panels import Coverage
from homeroom.insurance.rules import CoverageState
from homeroom.web.counts import written

FINE, WORTH_KNOWING, IN_THE_WAY = Weight


def coverage_sync(facts: Facts) -> Finding | None:
    row = facts.synced
    if row is None:
        return None
    name = {"name": row.connection.name}
    if row.connection.sync_coverage:
        return Finding(Question.COVERAGE_SYNC, Cause.COVERAGE_SYNC_ON, FINE, _("Yes, of “%(name)s”.") % name)
    return Finding(
        Question.COVERAGE_SYNC,
        Cause.COVERAGE_SYNC_OFF,
        IN_THE_WAY,
        _("No: “Sync AppleCare coverage” is switched off for “%(name)s”.") % name,
        _("An administrator switches it on, and the next sync asks for the coverage."),
        to_settings(facts, facts.standing(row.connection)),
    )


def check(facts: Facts) -> Finding | None:
    row, insurance = facts.synced, facts.insurance
    if row is None or insurance is None or not row.connection.sync_coverage:
        return None
    asked = insurance.applecare
    if asked.last_attempt is None:
        return _not_asked_yet(facts, row)
    if asked.failure:
        return Finding(
            Question.CHECK,
            Cause.CHECK_FAILED,
            IN_THE_WAY,
            _("On %(moment)s it failed: %(failure)s What was known before stands.")
            % {"moment": moment(asked.last_attempt), "failure": asked.failure},
            _("The next day's sync asks again. “Refresh this device now” asks at once."),
            to_profile(facts),
            asked.last_attempt,
        )
    sentence = ngettext(
        "On %(moment)s Apple named %(count)s coverage, limited warranties included.",
        "On %(moment)s Apple named %(count)s coverages, limited warranties included.",
        len(insurance.told),
    ) % {"moment": moment(asked.last_attempt), "count": written(len(insurance.told))}
    if facts.now - asked.last_attempt <= timedelta(days=facts.cycle + 1):
        return Finding(Question.CHECK, Cause.ANSWERED, FINE, sentence, at=asked.last_attempt)
    return Finding(
        Question.CHECK,
        Cause.CHECK_OVERDUE,
        IN_THE_WAY,
        _(
            "%(sentence)s That is %(time)s ago; every device has its turn within %(days)s days when syncs run daily."
        )
        % {
            "sentence": sentence,
            "time": timesince(asked.last_attempt, facts.now),
            "days": written(facts.cycle),
        },
        _("Look whether syncs run, and what the daily budget of coverage checks leaves room for."),
        Link(reverse("applesync:runs"), _("Syncs")),
        asked.last_attempt,
    )


def coverage(facts: Facts) -> Finding | None:
    insurance = facts.insurance
    if insurance is None or not (facts.row or insurance.records):
        return None
    match insurance.applecare.state:
        case CoverageState.COVERED:
            return _covered(insurance)
        case CoverageState.ENDED:
            return _ended(insurance, facts.today)
        case CoverageState.NONE:
            return _none(insurance)
    sentence = _("Not known: Apple has not answered yet. That does not mean that there is none.")
    return _coverage(Cause.COVERAGE_UNKNOWN, WORTH_KNOWING, sentence)


def records(facts: Facts) -> Finding | None:
    insurance = facts.insurance
    if insurance is None:
        return None

    def found(cause: Cause, sentence: str, fix: str = "") -> Finding:
        return Finding(Question.RECORDS, cause, FINE, sentence, fix)

    synced, by_hand = len(insurance.synced), len(insurance.records) - len(insurance.synced)
    if synced:
        sentence = ngettext(
            "%(count)s record comes from Apple and is kept true by the sync: it is read-only for everybody.",
            "%(count)s records come from Apple and are kept true by the sync: they are read-only for everybody.",
            synced,
        ) % {"count": written(synced)}
        return found(
            Cause.RECORDS_FROM_APPLE,
            sentence,
            _("What is wrong in them is corrected at Apple. Other insurance can be added beside them."),
        )
    if not by_hand:
        return found(Cause.NO_RECORDS, _("It has none."))
    return found(Cause.RECORDS_BY_HAND, _("Yes: they were entered by people, or imported."))


def _not_asked_yet(facts: Facts, row: AppleDevice) -> Finding:
    standing = facts.standing(row.connection)
    sentence = _(
        "Not yet: devices that were never asked for come first in the next sync, as far as its budget goes."
    )
    if standing.next_run_at and standing.next_run_at > facts.now:
        sentence += " " + _("On %(moment)s that is, by the schedule.") % {
            "moment": moment(standing.next_run_at)
        }
    return Finding(
        Question.CHECK,
        Cause.NOT_ASKED_YET,
        WORTH_KNOWING,
        sentence,
        _("“Refresh this device now” asks at once."),
        to_profile(facts),
    )


def _covered(insurance: Insurance) -> Finding:
    sentence = _lasts(insurance.applecare)
    latest = insurance.latest_applecare
    if latest is None or latest.missing_since is None:
        return _coverage(Cause.COVERED, FINE, sentence)
    return _coverage(
        Cause.NOT_NAMED_LATELY,
        WORTH_KNOWING,
        _("%(sentence)s But since %(moment)s Apple has not named it.")
        % {"sentence": sentence, "moment": moment(latest.missing_since)},
        _("If Apple does not name it when it is asked again, it counts as ended from that day."),
    )


def _ended(insurance: Insurance, today: date) -> Finding:
    latest = insurance.latest_applecare
    if latest and latest.cancelled_on and latest.cancelled_on <= today:
        sentence = _("No longer: it was cancelled on %(day)s.") % {"day": day(latest.cancelled_on)}
        return _coverage(Cause.COVERAGE_CANCELLED, WORTH_KNOWING, sentence)
    if latest and latest.ended_on:
        sentence = _("No longer: Apple stopped naming it, or calls it inactive; noticed on %(day)s.")
        return _coverage(Cause.COVERAGE_STOPPED, WORTH_KNOWING, sentence % {"day": day(latest.ended_on)})
    sentence = _("No longer: it ended on %(day)s.") % {"day": day(insurance.applecare.until)}
    return _coverage(Cause.COVERAGE_ENDED, WORTH_KNOWING, sentence)


def _none(insurance: Insurance) -> Finding:
    if begins := insurance.applecare.upcoming_from:
        sentence = _("Not yet: it begins on %(day)s.") % {"day": day(begins)}
        return _coverage(Cause.COVERAGE_UPCOMING, WORTH_KNOWING, sentence)
    if insurance.warranty.state == CoverageState.COVERED:
        sentence = _("No. Apple named its limited warranty, which is not AppleCare: %(warranty)s") % {
            "warranty": _lasts(insurance.warranty)
        }
        return _coverage(Cause.WARRANTY_ONLY, WORTH_KNOWING, sentence)
    return _coverage(
        Cause.NO_COVERAGE,
        WORTH_KNOWING,
        _("No: Apple was asked, and named none."),
        _("A plan bought lately can take days to appear at Apple. Apple or the reseller knows the order."),
    )


def _lasts(cover: Coverage) -> str:
    if cover.until is None:
        return _("%(plan)s, without an end date.") % {"plan": cover.plan}
    return _("%(plan)s until %(day)s.") % {"plan": cover.plan, "day": day(cover.until)}


def _coverage(cause: Cause, weight: Weight, sentence: str, fix: str = "") -> Finding:
    return Finding(Question.COVERAGE, cause, weight, sentence, fix)
