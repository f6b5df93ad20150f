"""What the district's device management service says about replacements, before the inventory has them."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from homeroom.applesync.models import ToldReplacement
from homeroom.audit.actors import Actor
from homeroom.audit.verbs import record
from homeroom.web.errors import Refused


@transaction.atomic
def tell_replacement(*, replacement_serial: str, original_serial: str, actor: Actor) -> ToldReplacement:
    """Keep which device a new one replaces; told again, the last word counts. The next sync pairs the two."""
    replacement, original = replacement_serial.strip(), original_serial.strip()
    for field, serial in (("replacement_serial", replacement), ("original_serial", original)):
        if not serial:
            raise Refused(_("Both serial numbers are needed."), field=field)
    if replacement == original:
        raise Refused(_("A device does not replace itself."), field="original_serial")
    before = ToldReplacement.objects.filter(replacement_serial=replacement).first()
    if before and before.original_serial == original:
        return before
    told, _created = ToldReplacement.objects.update_or_create(
        replacement_serial=replacement,
        defaults={
            "original_serial": original,
            "told_by": actor.label[:200],
            "told_by_id": actor.id,
            "told_at": timezone.now(),
        },
    )
    record(
        actor,
        "replacement.told",
        told,
        before={"original": before.original_serial} if before else None,
        after={"replacement": replacement, "original": original},
    )
    return told


@transaction.atomic
def take_back_telling(told: ToldReplacement, *, actor: Actor) -> None:
    """It was told by mistake. What was applied because of it stays, until somebody undoes that."""
    record(
        actor,
        "replacement.telling_taken_back",
        told,
        before={"replacement": told.replacement_serial, "original": told.original_serial},
    )
    told.delete()
