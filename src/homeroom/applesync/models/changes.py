from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from homeroom.applesync.models.runs import SyncRun


class RunChange(models.Model):
    """One record that a run changed or means to change: an entry of its change set.

    `before` and `after` hold what differs, by Apple's attribute names for a device at Apple and by the columns of
    the insurance record for a coverage; a creation has no `before`. The entry of a replacement is the original's, and
    its `after` names the other side. A preview's entries stay planned for ever.
    """

    class Noun(models.TextChoices):
        APPLE_DEVICE = "apple-device", _("Device at Apple")
        INSURANCE = "insurance", _("Insurance record")
        REPLACEMENT = "replacement", _("Replacement")

    class Action(models.TextChoices):
        CREATED = "created", _("New")
        UPDATED = "updated", _("Changed")
        LINKED = "linked", _("Matched with the inventory")
        UNLINKED = "unlinked", _("No longer matched")
        ENDED = "ended", _("Ended")
        GONE = "gone", _("Released or gone")
        REPLACED = "replaced", _("Replaced")
        SUGGESTED = "suggested", _("To review")

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        APPLIED = "applied", _("Applied")
        OVERTAKEN = "overtaken", _("Left alone: it had changed in the meantime")
        PUTTING_BACK = "putting-back", _("Being put back")
        PUT_BACK = "put-back", _("Put back")

    run = models.ForeignKey(SyncRun, models.CASCADE, related_name="changes", db_index=False)
    noun = models.CharField(_("record"), max_length=20, choices=Noun)
    action = models.CharField(_("change"), max_length=20, choices=Action)
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.APPLIED)
    serial_number = models.CharField(_("serial number"), max_length=100)
    device = models.ForeignKey(
        "inventory.Device", models.SET_NULL, null=True, related_name="sync_changes", db_index=False
    )
    coverage_id = models.CharField(max_length=100, blank=True, help_text="Apple's id of the coverage.")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["run", "noun", "action"], name="run_change_kind"),
            models.Index(fields=["device"], name="run_change_device", condition=Q(device__isnull=False)),
            models.Index(
                fields=["run", "state"],
                name="run_change_waiting",
                condition=Q(state__in=["planned", "putting-back"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.serial_number}: {self.get_action_display()}"

    @property
    def can_be_put_back(self) -> bool:
        """Whether it is something that the run did to Homeroom's own records."""
        own = (self.noun, self.action) in {
            (self.Noun.INSURANCE, self.Action.ENDED),
            (self.Noun.REPLACEMENT, self.Action.REPLACED),
        }
        return own and self.state == self.State.APPLIED
