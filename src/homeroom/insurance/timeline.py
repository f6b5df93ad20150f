"""Decisions about AppleCare that ends, on the device's timeline."""

from collections.abc import Iterator

from django.utils.formats import localize
from django.utils.text import capfirst
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _

from homeroom.insurance.models import FollowUp
from homeroom.inventory.models import Device
from homeroom.inventory.timeline import Happening, ValueChange, register_happenings, register_sentence

Decision = FollowUp.Decision
SENTENCES = {
    Decision.ACKNOWLEDGED: _("Expiring AppleCare acknowledged"),
    Decision.SNOOZED: _("Expiring AppleCare snoozed"),
    Decision.WILL_NOT_RENEW: _("Expiring AppleCare: will not renew"),
    Decision.REOPENED: _("Expiring AppleCare waits again"),
}


def register_decisions() -> None:
    for decision, sentence in SENTENCES.items():
        register_sentence(f"coverage.{decision.value}", sentence)
    register_happenings(_decided_with_others)


def _decided_with_others(device: Device) -> Iterator[Happening]:
    """The last decision, where it was about many: of one device alone the audit trail tells."""
    for row in FollowUp.objects.filter(device=device, with_others=True):
        until = str(localize(row.until)) if row.until else ""
        told = ((translated("until"), until), (translated("note"), row.note))
        changes = tuple(ValueChange(capfirst(name), "", value) for name, value in told if value)
        sentence = str(SENTENCES[Decision(row.decision)])
        yield Happening(row.decided_at, row.decided_by, sentence, changes, f"coverage.{row.decision}")
