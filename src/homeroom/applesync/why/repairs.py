"""Of a device at Apple: is its incident in the right status, and which new devices were or were not matched with it."""

from collections.abc import Sequence

from django.urls import reverse
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from homeroom.accounts.policy import Permission
from homeroom.applesync.models import Replacement
from homeroom.applesync.queries.considered import Considered
from homeroom.applesync.replacements.evidence import Side
from homeroom.applesync.replacements.words import sentences
from homeroom.applesync.why.answers import Cause, Finding, Link, Question, Weight
from homeroom.applesync.why.facts import Facts
from homeroom.applesync.why.going_on import day, link_for, moment, to_settings

FINE, WORTH_KNOWING, IN_THE_WAY = Weight
State = Replacement.State
MOST = 3
"""So many new devices are told of with why they were not matched."""


def at_apple(facts: Facts) -> Finding | None:
    """None where no incident asks for it."""
    incident = facts.incident
    if incident is None:
        return None
    told: dict[str, object] = {"incident": incident, "status": incident.status}

    def found(cause: Cause, weight: Weight, sentence: str, fix: str = "") -> Finding:
        return Finding(Question.REPAIR, cause, weight, sentence, fix, at=incident.sent_at)

    if incident.is_at_apple:
        sentence = _("Yes: incident %(incident)s is “%(status)s” since %(moment)s; shipped on %(day)s.")
        told |= {"moment": moment(incident.sent_at), "day": day(incident.shipped_on)}
        return found(Cause.AT_APPLE, FINE, sentence % told)
    if incident.sent_at:
        sentence = _("Not any more: incident %(incident)s, which was sent on %(moment)s, is “%(status)s”.")
        return found(Cause.WAS_AT_APPLE, FINE, sentence % (told | {"moment": moment(incident.sent_at)}))
    weight = WORTH_KNOWING if any(each.fits for each in facts.considered) else FINE
    return found(
        Cause.NOT_AT_APPLE,
        weight,
        _("No: incident %(incident)s is “%(status)s”, so no new device is matched with it.") % told,
        _("If the device was shipped, send the incident to Apple, with the day on which it was."),
    )


def processing(facts: Facts) -> Finding | None:
    incident, row = facts.incident, facts.row
    if incident is None or row is None or not incident.is_at_apple:
        return None
    name = {"name": row.connection.name}
    if row.connection.process_replacements:
        sentence = _("Yes, of “%(name)s”.") % name
        return Finding(Question.PROCESSING, Cause.REPLACEMENT_PROCESSING_ON, FINE, sentence)
    return Finding(
        Question.PROCESSING,
        Cause.REPLACEMENT_PROCESSING_OFF,
        IN_THE_WAY,
        _("No: “Process AppleCare replacements” is switched off for “%(name)s”.") % name,
        _("An administrator switches it on, and the next sync looks for its replacement."),
        to_settings(facts, facts.standing(row.connection)),
    )


def replacement(facts: Facts) -> Finding | None:
    """Of an original: what replaced it, or why nothing has."""
    pairings = facts.pairings_of_original
    if applied := next((each for each in pairings if each.state == State.APPLIED), None):
        return _replaced(applied)
    if suggested := [each for each in pairings if each.state == State.SUGGESTED]:
        return _to_review(facts, suggested)
    decided = next((each for each in pairings if each.state in (State.DISMISSED, State.UNDONE)), None)
    is_at_apple = facts.incident is not None and facts.incident.is_at_apple
    if decided and not any(each.fits for each in facts.considered):
        return _decided_against(facts, decided)
    if not is_at_apple and not (facts.incident and facts.incident.is_open and facts.considered):
        return None
    return _not_matched(facts)


def original(facts: Facts) -> Finding | None:
    """Of a new device: what it replaces."""

    def found(
        cause: Cause, weight: Weight, sentence: str, fix: str = "", link: Link | None = None
    ) -> Finding:
        return Finding(Question.REPLACES, cause, weight, sentence, fix, link)

    pairings = facts.pairings_of_replacement
    if applied := next((each for each in pairings if each.state == State.APPLIED), None):
        told = {"original": applied.original_serial, "incident": applied.incident}
        sentence = _("Yes: %(original)s, of incident %(incident)s.") % told
        return found(Cause.REPLACES_ONE, FINE, sentence, link=_to(applied))
    if suggested := [each for each in pairings if each.state == State.SUGGESTED]:
        originals = get_text_list([each.original_serial for each in suggested], _("or"))
        return found(
            Cause.MAY_REPLACE,
            IN_THE_WAY,
            _("Perhaps: %(originals)s. %(reasons)s")
            % {"originals": originals, "reasons": _what_is_open(suggested[0])},
            _("Somebody decides in “Replacements to review”."),
            _to_review_page(facts),
        )
    if any(each.incident_id is None for each in pairings):
        return found(Cause.REPLACES_NONE, FINE, _("No: somebody has said so."))
    row = facts.row
    if facts.device or row is None or row.gone_since or not row.order_number.startswith("R"):
        return None
    return found(
        Cause.NO_INCIDENT_FITS,
        WORTH_KNOWING,
        _(
            "Its order number begins with R, as Apple's replacements have it, and no incident at Apple fits it."
        ),
        _("Pair it with its incident, or say that it is not ours."),
        link_for(
            facts,
            Permission.REVIEW_REPLACEMENTS,
            str(row),
            reverse("applesync:replacement-candidate", args=[row.pk]),
        ),
    )


def _replaced(applied: Replacement) -> Finding:
    told = {
        "new": applied.replacement_serial,
        "moment": moment(applied.applied_at),
        "who": applied.decided_by,
    }
    return Finding(
        Question.REPLACEMENT,
        Cause.REPLACED,
        WORTH_KNOWING,
        _("Since %(moment)s it counts as replaced by %(new)s; %(who)s decided it.") % told,
        link=_to(applied),
        at=applied.applied_at,
    )


def _to_review(facts: Facts, suggested: Sequence[Replacement]) -> Finding:
    names = get_text_list([each.replacement_serial for each in suggested], _("or"))
    sentence = _("Perhaps %(names)s. %(reasons)s") % {
        "names": names,
        "reasons": _what_is_open(suggested[0]),
    }
    return Finding(
        Question.REPLACEMENT,
        Cause.CANDIDATE_TO_REVIEW,
        IN_THE_WAY,
        _with_others(sentence, [each for each in facts.considered if not each.fits]),
        _("Somebody decides in “Replacements to review”."),
        _to_review_page(facts),
    )


def _decided_against(facts: Facts, decided: Replacement) -> Finding:
    told = {"new": decided.replacement_serial, "who": decided.decided_by, "reason": decided.reason}
    told["moment"] = moment(decided.decided_at)
    is_undone = decided.state == State.UNDONE
    sentence = (
        _("On %(moment)s %(who)s undid that %(new)s replaces it: “%(reason)s”.")
        if is_undone
        else _("On %(moment)s %(who)s dismissed that %(new)s replaces it.")
    )
    others = [each for each in facts.considered if each.serial_number != decided.replacement_serial]
    return Finding(
        Question.REPLACEMENT,
        Cause.REPLACEMENT_UNDONE if is_undone else Cause.REPLACEMENT_DISMISSED,
        WORTH_KNOWING,
        _with_others(sentence % told, others),
        _("It is not suggested again. If it was right, open it and apply it after all."),
        _to(decided),
        decided.decided_at,
    )


def _not_matched(facts: Facts) -> Finding:
    def found(cause: Cause, sentence: str, fix: str, link: Link | None = None) -> Finding:
        return Finding(Question.REPLACEMENT, cause, WORTH_KNOWING, sentence, fix, link)

    fitting = [each for each in facts.considered if each.fits]
    others = [each for each in facts.considered if not each.fits]
    if fitting:
        names = get_text_list([each.serial_number for each in fitting[:MOST]], _("or"))
        return found(
            Cause.CANDIDATE_NOT_MATCHED_YET,
            _with_others(
                _("Perhaps %(names)s, which no sync has matched with it yet.") % {"names": names}, others
            ),
            _("The next sync does, where its incident is at Apple then and replacements are processed."),
            Link(reverse("applesync:runs"), _("Syncs")),
        )
    if others:
        sentence = ngettext(
            "%(count)s new device appeared around that time, and does not fit.",
            "%(count)s new devices appeared around that time, and none of them fits.",
            len(others),
        ) % {"count": len(others)}
        return found(
            Cause.NO_CANDIDATE_FITS,
            _with_others(sentence, others),
            _(
                "If one of them is the replacement, open it in “Replacements to review” and choose the incident."
            ),
            _to_review_page(facts),
        )
    return found(
        Cause.NO_CANDIDATE_YET,
        _("None has appeared at Apple since it was shipped: no new device whose order number begins with R."),
        _("Apple lists a replacement usually within hours of sending it. When the box is here, scan it."),
        link_for(
            facts, Permission.EDIT_INVENTORY, _("Scan a new device"), reverse("applesync:scan-replacement")
        ),
    )


def _with_others(sentence: str, others: Sequence[Considered]) -> str:
    """With why new devices were not matched."""
    reasons = [f"{each.serial_number}: {each.reason}" for each in others[:MOST] if each.reason]
    return " ".join([sentence, *reasons])


def _what_is_open(best: Replacement) -> str:
    """Why a person is asked."""
    why = [*sentences(best.evidence, Side.AGAINST), *sentences(best.evidence, Side.OPEN)]
    return " ".join(why) or _("A person is to confirm it.")


def _to(pairing: Replacement) -> Link:
    return Link(pairing.get_absolute_url(), _("See the replacement"))


def _to_review_page(facts: Facts) -> Link | None:
    url = reverse("applesync:replacements-to-review")
    return link_for(facts, Permission.REVIEW_REPLACEMENTS, _("Replacements to review"), url)
