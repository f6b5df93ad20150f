"""Whether Apple lists a device, and why not."""

from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from homeroom.applesync.models import AppleDevice
from homeroom.applesync.why.answers import Cause, Finding, Link, Question, Weight
from homeroom.applesync.why.facts import Facts
from homeroom.applesync.why.going_on import moment, to_profile
from homeroom.inventory.near import differences
from homeroom.web.counts import written

FINE, WORTH_KNOWING, IN_THE_WAY = Weight


def listed(facts: Facts) -> Finding | None:
    if facts.of_another_make:
        return Finding(
            Question.LISTED, Cause.OF_ANOTHER_MAKE, WORTH_KNOWING, _("It is not one of Apple's devices.")
        )
    if not facts.may_be_at_apple:
        return None
    if row := facts.row:
        return _listed_as(facts, row)
    if not facts.active:
        return None
    return _not_listed(facts)


def _listed_as(facts: Facts, row: AppleDevice) -> Finding:
    def found(
        cause: Cause, weight: Weight, sentence: str, fix: str = "", at: datetime | None = None
    ) -> Finding:
        return Finding(Question.LISTED, cause, weight, sentence, fix, to_profile(facts) if fix else None, at)

    left = FINE if facts.is_replaced else IN_THE_WAY
    portal = {"portal": row.connection.get_kind_display(), "name": row.connection.name}
    if row.gone_since and row.released_at:
        return found(
            Cause.RELEASED,
            left,
            _("On %(moment)s it was released from the organization.") % {"moment": moment(row.released_at)},
            _("If that was a mistake, add it to the organization again; then refresh it here."),
            row.released_at,
        )
    if row.gone_since:
        return found(
            Cause.GONE,
            left,
            _("On %(moment)s it was noticed to have left the list of %(portal)s.")
            % (portal | {"moment": moment(row.gone_since)}),
            _("Look for it in %(portal)s. If it is there, refresh it here.") % portal,
            row.gone_since,
        )
    if not row.connection.active:
        seen = facts.listed_at.get(row.connection_id)
        return found(
            Cause.LISTED_WHEN_LAST_SYNCED,
            WORTH_KNOWING,
            _("It was on the list of “%(name)s” when that was last synced.") % portal,
            at=seen,
        )
    if facts.device and row.device_id is None:
        return found(
            Cause.LISTED_NOT_MATCHED_YET,
            WORTH_KNOWING,
            _(
                "Yes. The next sync matches it with the inventory, where it is new or has a new serial number."
            ),
            _("“Refresh this device now” matches it at once."),
        )
    return _listed(facts, row)


def _listed(facts: Facts, row: AppleDevice) -> Finding:
    seen = facts.listed_at.get(row.connection_id, row.first_seen_at)
    told = {"name": row.connection.name, "moment": moment(seen)}
    if len(facts.live) == 1:
        sentence = _("Yes. On %(moment)s the list of “%(name)s” had exactly this serial number.") % told
        return Finding(Question.LISTED, Cause.LISTED, FINE, sentence, at=seen)
    names = get_text_list([f"“{row.connection.name}”" for row in facts.live], _("and"))
    sentence = _(
        "Yes. On %(moment)s the lists of %(names)s had it; it belongs to “%(name)s”, which added it last."
    ) % (told | {"names": names})
    return Finding(Question.LISTED, Cause.LISTED_BY_SEVERAL, FINE, sentence, at=seen)


def _not_listed(facts: Facts) -> Finding:
    if facts.near_rows:
        return _nearly_listed(facts)
    if not facts.listed_at:
        return Finding(
            Question.LISTED,
            Cause.NO_LIST_YET,
            WORTH_KNOWING,
            _("Not known: Apple's list has not been read to its end yet."),
            _("Wait for the first sync, or start one."),
            Link(reverse("applesync:runs"), _("Syncs")),
        )
    seen = max(facts.listed_at.values())
    sentence = _("No. On %(moment)s Apple's list did not have this serial number.") % {"moment": moment(seen)}
    if facts.unreadable:
        unreadable = ngettext(
            "%(count)s record of the list could not be read, and may be the one.",
            "%(count)s records of the list could not be read, and may hold it.",
            facts.unreadable,
        ) % {"count": written(facts.unreadable)}
        return Finding(
            Question.LISTED,
            Cause.NOT_LISTED_SOME_UNREADABLE,
            IN_THE_WAY,
            f"{sentence} {unreadable}",
            _("The notes of the last sync show what Apple sent."),
            Link(reverse("applesync:runs"), _("Syncs")),
            seen,
        )
    fix = _(
        "Compare the serial number with the device's own settings. If it is right, the reseller or Apple adds the "
        "device to the organization, or somebody with Apple Configurator does."
    )
    return Finding(Question.LISTED, Cause.NOT_LISTED, IN_THE_WAY, sentence, fix, at=seen)


def _nearly_listed(facts: Facts) -> Finding:
    near = facts.near_rows[0]
    differ = get_text_list(
        [str(each) for each in differences(facts.serial_number, near.serial_number)], _("and")
    )
    query = urlencode({"q": near.serial_number})
    link = Link(f"{reverse('applesync:near-matches')}?{query}", _("Near matches")) if facts.device else None
    return Finding(
        Question.LISTED,
        Cause.NEARLY_LISTED,
        IN_THE_WAY,
        _("Not exactly so: Apple lists %(near)s (difference: %(differ)s). Only exact ones are matched.")
        % {"near": near.serial_number, "differ": differ},
        _("Compare both with the device's own settings, then take Apple's spelling."),
        link,
    )
