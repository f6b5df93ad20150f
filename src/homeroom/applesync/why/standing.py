"""Where a device stands in the inventory, and whether its connection to Apple works."""

from django.urls import reverse
from django.utils.formats import localize
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from homeroom.accounts.policy import Permission
from homeroom.applesync.models import AppleDevice
from homeroom.applesync.why.answers import Cause, Finding, Link, Question, Weight
from homeroom.applesync.why.facts import Facts
from homeroom.applesync.why.going_on import link_for, moment, to_settings

FINE, WORTH_KNOWING, IN_THE_WAY = Weight


def inventory(facts: Facts) -> Finding:
    def found(
        cause: Cause, weight: Weight, sentence: str, fix: str = "", link: Link | None = None
    ) -> Finding:
        return Finding(Question.INVENTORY, cause, weight, sentence, fix, link)

    if device := facts.device:
        where = {"device": device, "site": device.site, "status": device.status}
        sentence = _("It is %(device)s, at %(site)s: %(status)s.") % where
        if device.serial_number or facts.of_another_make:
            return found(Cause.IN_INVENTORY, FINE, sentence)
        return found(
            Cause.NO_SERIAL_NUMBER,
            IN_THE_WAY,
            f"{sentence} {_('It has no serial number, and Apple knows devices by nothing else.')}",
            _("Enter its serial number."),
            link_for(
                facts,
                Permission.EDIT_INVENTORY,
                _("Edit"),
                reverse("inventory:device-edit", args=[device.pk]),
            ),
        )
    if elsewhere := facts.elsewhere:
        sentence = _("It belongs to %(site)s, a site that you don't see.") % {"site": elsewhere.site}
        return found(Cause.OF_ANOTHER_SITE, WORTH_KNOWING, sentence, elsewhere.whom_to_call)
    if near := facts.near_devices:
        spelled = get_text_list([f"{device.serial_number} ({device})" for device in near], _("or"))
        return found(
            Cause.NEARLY_IN_INVENTORY,
            IN_THE_WAY,
            _(
                "Nothing in the inventory has this serial number or asset tag; one is spelled nearly so: %(spelled)s."
            )
            % {"spelled": spelled},
            _("Compare it with the label of the device."),
            Link(near[0].get_absolute_url(), str(near[0])),
        )
    sentence = _("Nothing in the inventory has this serial number or asset tag.")
    if row := next(iter(facts.live), None):
        add = reverse("applesync:add-from-apple", args=[row.pk])
        return found(
            Cause.NOT_IN_INVENTORY,
            IN_THE_WAY,
            sentence,
            _("Add it: Homeroom never adds devices by itself."),
            link_for(facts, Permission.EDIT_INVENTORY, _("Add to inventory"), add),
        )
    return found(Cause.NOT_IN_INVENTORY, IN_THE_WAY, sentence, _("Check the spelling, or add the device."))


def decision(facts: Facts) -> Finding | None:
    change = facts.decision
    if change is None:
        return None
    told = {
        "run": localize(change.run_id),
        "record": change.get_noun_display(),
        "change": change.get_action_display(),
    }
    return Finding(
        Question.DECISION,
        Cause.DECISION_AWAITED,
        IN_THE_WAY,
        _(
            "Sync %(run)s found much to end or release at once, and is held. Of this device: %(record)s, %(change)s."
        )
        % told,
        _("An administrator looks at the sync and lets it be done, or leaves it."),
        Link(reverse("applesync:run", args=[change.run_id]), _("The held sync")),
    )


def connection(facts: Facts) -> Finding | None:
    if not facts.may_be_at_apple:
        return None
    row = facts.row
    if row and not row.connection.active and not facts.live:
        return _not_active(facts, row)
    if not facts.active:
        return Finding(
            Question.CONNECTION,
            Cause.NO_CONNECTION,
            IN_THE_WAY,
            _("No connection to Apple is active, so nothing is synced."),
            _("An administrator connects Apple School Manager."),
            to_settings(facts),
        )
    asked = [facts.standing(row.connection)] if row else facts.active
    if troubled := next((standing for standing in asked if standing.problem), None):
        return Finding(
            Question.CONNECTION,
            Cause.CONNECTION_NEEDS_ATTENTION,
            IN_THE_WAY,
            _("“%(name)s” needs attention: %(problem)s")
            % {"name": troubled.connection.name, "problem": troubled.problem},
            _("An administrator chooses “Test configuration”: it names what is wrong, and what to do."),
            to_settings(facts, troubled),
            troubled.last_synced_at,
        )
    synced = max((each.last_synced_at for each in asked if each.last_synced_at), default=None)
    names = get_text_list([f"“{standing.connection.name}”" for standing in asked], _("and"))
    if synced is None:
        sentence = _("%(names)s: active, and not synced yet.") % {"names": names}
    else:
        sentence = _("Yes. On %(moment)s a sync of %(names)s succeeded.") % {
            "names": names,
            "moment": moment(synced),
        }
    return Finding(Question.CONNECTION, Cause.CONNECTION_WORKS, FINE, sentence, at=synced)


def _not_active(facts: Facts, row: AppleDevice) -> Finding:
    standing = facts.standing(row.connection)
    return Finding(
        Question.CONNECTION,
        Cause.CONNECTION_NOT_ACTIVE,
        IN_THE_WAY,
        _("“%(name)s”, which listed it, is not active: what Homeroom learned is kept, and no longer synced.")
        % {"name": row.connection.name},
        _("An administrator activates it again."),
        to_settings(facts, standing),
        standing.last_synced_at,
    )
