"""Evidence in words: one sentence for each piece, and why two devices are not paired."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from homeroom.applesync.replacements.evidence import Evidence, Kind, Never, Side, restored

HOURS_A_DAY = 24
ALMOST_AT_ONCE = 36
"""Hours that are told as hours."""
TERABYTE = 10**12
GIGABYTE = 10**9


def sentence(evidence: Evidence) -> str:
    return SENTENCES[evidence.kind](evidence)


def sentences(rows: Iterable[Mapping[str, Any]], side: Side | None = None) -> list[str]:
    """Of evidence as a row of `Replacement` keeps it, of one side or of all."""
    known = filter(None, (restored(dict(row)) for row in rows))
    return [sentence(each) for each in known if side is None or each.side == side]


def _told(evidence: Evidence) -> str:
    return _("The district's device management service tells that it replaces %(original)s.") % _names(
        evidence
    )


def _told_of_several(evidence: Evidence) -> str:
    return _("Another device is told to replace the same one: %(others)s.") % _names(evidence)


def _order_is_repair_number(evidence: Evidence) -> str:
    return _("Its order number %(replacement)s is the incident's Apple repair number.") % _names(evidence)


def _number_of_several(evidence: Evidence) -> str:
    return _("The number %(replacement)s stands on several incidents or devices.") % _names(evidence)


def _left_about_then(evidence: Evidence) -> str:
    if not evidence.hours:
        return _left(evidence)
    return _left(evidence) + " " + _("That is at about the same time.")


def _left_at_another_time(evidence: Evidence) -> str:
    return _left(evidence) + " " + _("The new one appeared at another time.")


def _left_before_shipped(evidence: Evidence) -> str:
    return (
        _("The original had left Apple's list before it was shipped: on %(at)s.") % _names(evidence)
        + " "
        + _("Apple then does not put its replacement into the account.")
    )


def _left(evidence: Evidence) -> str:
    hours = evidence.hours or 0
    if hours == 0:
        return _("The original left Apple's list on %(at)s, as the new one appeared.") % _names(evidence)
    before = _("The original left Apple's list on %(at)s, %(span)s before the new one appeared.")
    after = _("The original left Apple's list on %(at)s, %(span)s after the new one appeared.")
    return (before if hours > 0 else after) % (_names(evidence) | {"span": _span(abs(hours))})


def _same_model(evidence: Evidence) -> str:
    return _("Both are the same model: %(original)s.") % _names(evidence)


def _other_model(evidence: Evidence) -> str:
    return _("The models differ: %(original)s was sent, %(replacement)s appeared.") % _names(evidence)


def _model_not_known(evidence: Evidence) -> str:
    return _("The model of one of them is not known.")


def _same_capacity(evidence: Evidence) -> str:
    return _("Both have the same capacity: %(capacity)s.") % {"capacity": _capacity(evidence.original)}


def _other_capacity(evidence: Evidence) -> str:
    both = {"original": _capacity(evidence.original), "replacement": _capacity(evidence.replacement)}
    return _("The capacities differ: %(original)s was sent, %(replacement)s appeared.") % both


def _same_color(evidence: Evidence) -> str:
    return _("Both have the same color: %(color)s.") % {"color": _color(evidence.original)}


def _other_color(evidence: Evidence) -> str:
    both = {"original": _color(evidence.original), "replacement": _color(evidence.replacement)}
    return _("The colors differ: %(original)s was sent, %(replacement)s appeared.") % both


def _same_part(evidence: Evidence) -> str:
    return _("Their part numbers agree: %(original)s and %(replacement)s.") % _names(evidence)


def _other_part(evidence: Evidence) -> str:
    return _(
        "Their part numbers differ: %(original)s and %(replacement)s; those of replacements may."
    ) % _names(evidence)


def _repair_order(evidence: Evidence) -> str:
    return _("Its order number %(replacement)s has the form of Apple's replacement orders.") % _names(
        evidence
    )


def _another_order_form(evidence: Evidence) -> str:
    if not evidence.replacement:
        return _("Apple tells no order number.")
    return _(
        "Its order number %(replacement)s is not R and digits, as Apple's replacement orders are."
    ) % _names(evidence)


def _order_of_several(evidence: Evidence) -> str:
    return _("Other new devices have the same order number %(replacement)s.") % _names(evidence)


def _order_is_anothers(evidence: Evidence) -> str:
    return ngettext(
        "Its order number %(replacement)s is the repair number of incident %(others)s.",
        "Its order number %(replacement)s is the repair number of the incidents %(others)s.",
        len(evidence.others),
    ) % _names(evidence)


def _other_repair_number(evidence: Evidence) -> str:
    return _(
        "The incident has another Apple repair number, %(original)s, than the order has: %(replacement)s."
    ) % _names(evidence)


def _from_apple(evidence: Evidence) -> str:
    return _("It comes from Apple.")


def _not_from_apple(evidence: Evidence) -> str:
    if evidence.replacement == "RESELLER":
        return _("It was bought from a reseller.")
    return _("It was added to the organization by hand.")


def _ordered_before_shipped(evidence: Evidence) -> str:
    return _("It was ordered on %(at)s, before the original was shipped.") % _names(evidence)


def _appeared_after_shipped(evidence: Evidence) -> str:
    return _("It appeared on %(at)s, %(span)s after the original was shipped.") % _names(evidence)


def _long_after_shipped(evidence: Evidence) -> str:
    return _("It appeared on %(at)s, only %(span)s after the original was shipped.") % _names(evidence)


def _only_one(evidence: Evidence) -> str:
    return _("It is the only new device for the only incident that fits.")


def _still_listed(evidence: Evidence) -> str:
    return _("Apple still lists the original, %(original)s.") % _names(evidence)


def _fate_unknown(evidence: Evidence) -> str:
    return _("Whether Apple still lists the original, %(original)s, is not known.") % _names(evidence)


def _other_candidates(evidence: Evidence) -> str:
    return ngettext(
        "Another new device could replace the original too: %(others)s.",
        "Other new devices could replace the original too: %(others)s.",
        len(evidence.others),
    ) % _names(evidence)


def _other_repairs(evidence: Evidence) -> str:
    return ngettext(
        "It could belong to another incident too: %(others)s.",
        "It could belong to other incidents too: %(others)s.",
        len(evidence.others),
    ) % _names(evidence)


def _others_that_left(evidence: Evidence) -> str:
    return ngettext(
        "A device without an incident at Apple left the list at about that time; it could replace that: %(others)s.",
        "Devices without an incident at Apple left the list at about that time; it could replace one: %(others)s.",
        len(evidence.others),
    ) % _names(evidence)


SENTENCES: dict[Kind, Callable[[Evidence], str]] = {
    Kind.TOLD: _told,
    Kind.ORDER_IS_REPAIR_NUMBER: _order_is_repair_number,
    Kind.LEFT_ABOUT_THEN: _left_about_then,
    Kind.SAME_MODEL: _same_model,
    Kind.SAME_CAPACITY: _same_capacity,
    Kind.SAME_COLOR: _same_color,
    Kind.SAME_PART: _same_part,
    Kind.REPAIR_ORDER: _repair_order,
    Kind.FROM_APPLE: _from_apple,
    Kind.APPEARED_AFTER_SHIPPED: _appeared_after_shipped,
    Kind.ONLY_ONE: _only_one,
    Kind.OTHER_MODEL: _other_model,
    Kind.OTHER_CAPACITY: _other_capacity,
    Kind.OTHER_COLOR: _other_color,
    Kind.NOT_FROM_APPLE: _not_from_apple,
    Kind.ORDERED_BEFORE_SHIPPED: _ordered_before_shipped,
    Kind.ORDER_OF_SEVERAL: _order_of_several,
    Kind.ORDER_IS_ANOTHERS: _order_is_anothers,
    Kind.OTHER_REPAIR_NUMBER: _other_repair_number,
    Kind.LEFT_BEFORE_SHIPPED: _left_before_shipped,
    Kind.OTHER_PART: _other_part,
    Kind.STILL_LISTED: _still_listed,
    Kind.FATE_UNKNOWN: _fate_unknown,
    Kind.LEFT_AT_ANOTHER_TIME: _left_at_another_time,
    Kind.LONG_AFTER_SHIPPED: _long_after_shipped,
    Kind.ANOTHER_ORDER_FORM: _another_order_form,
    Kind.MODEL_NOT_KNOWN: _model_not_known,
    Kind.TOLD_OF_SEVERAL: _told_of_several,
    Kind.NUMBER_OF_SEVERAL: _number_of_several,
    Kind.OTHER_CANDIDATES: _other_candidates,
    Kind.OTHER_REPAIRS: _other_repairs,
    Kind.OTHERS_THAT_LEFT: _others_that_left,
}


def why_never(never: Never) -> str:
    """Why a new device and an incident are not paired at all."""
    return {
        Never.OTHER_FAMILY: _("It is of another product family."),
        Never.APPEARED_BEFORE_SHIPPED: _("It had appeared before the original was shipped."),
        Never.TOO_LONG_AFTER: _("It appeared months after the original was shipped."),
        Never.REFUSED: _("Somebody dismissed or undid this pairing."),
        Never.TOLD_TO_REPLACE_ANOTHER: _("It is told to replace another device."),
        Never.ANOTHER_IS_TOLD: _("Another device is told to replace the original."),
        Never.NEVER_LISTED: _("Apple has never listed the original."),
        Never.THE_SAME_DEVICE: _("It is the original itself."),
        Never.TOO_LITTLE: _("More speaks against it than for it."),
    }[never]


def _names(evidence: Evidence) -> dict[str, str]:
    return {
        "original": evidence.original,
        "replacement": evidence.replacement,
        "others": get_text_list(list(evidence.others), _("and")),
        "at": _moment(evidence.at),
        "span": _span(evidence.hours or 0),
    }


def _moment(moment: datetime | None) -> str:
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT") if moment else ""


def _span(hours: int) -> str:
    if hours < 1:
        return _("less than an hour")
    if hours < ALMOST_AT_ONCE:
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    days = round(hours / HOURS_A_DAY)
    return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}


def _capacity(text: str) -> str:
    size = int(text) if text.isdigit() else 0
    return f"{size / TERABYTE:g} TB" if size >= TERABYTE else f"{size / GIGABYTE:g} GB"


def _color(text: str) -> str:
    return text.replace("_", " ").title()
