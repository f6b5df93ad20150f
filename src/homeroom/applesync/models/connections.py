from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from homeroom.applesync.encryption import EncryptedTextField
from homeroom.schedules.fields import ScheduleField
from homeroom.schedules.models import Scheduled
from homeroom.schedules.schedule import LONGEST, Schedule


class Connection(Scheduled):
    """An account at Apple whose devices and coverage Homeroom keeps true."""

    class Kind(models.TextChoices):
        SCHOOL = "school", _("Apple School Manager")
        BUSINESS = "business", _("Apple Business")

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        NEEDS_ATTENTION = "needs-attention", _("Needs attention")
        NOT_ACTIVE = "not-active", _("Not active")

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.SCHOOL)
    team_id = models.CharField(
        _("Team ID"), max_length=100, blank=True, help_text=_("If your account shows none, leave it empty.")
    )
    client_id = models.CharField(_("Client ID"), max_length=100)
    key_id = models.CharField(_("Key ID"), max_length=100)
    private_key = EncryptedTextField(_("private key"), editable=False)
    key_fingerprint = models.CharField(max_length=64, editable=False)
    sync_coverage = models.BooleanField(_("Sync AppleCare coverage"), default=True)
    process_replacements = models.BooleanField(_("Process AppleCare replacements"), default=True)
    apply_replacements = models.BooleanField(
        _("Apply certain replacements by themselves"),
        default=True,
        help_text="Else a person is asked about every one.",
    )
    schedule = ScheduleField(_("schedule"), max_length=LONGEST, default=Schedule.nightly)
    problem = models.CharField(
        max_length=500,
        blank=True,
        editable=False,
        help_text="What needs attention; empty when the last contact went well.",
    )
    pace = models.FloatField(
        null=True, editable=False, help_text="Requests a second found at the end of the last run."
    )
    quiet_until = models.DateTimeField(
        null=True, editable=False, help_text="Only who reserved the time until then sends anything to Apple."
    )
    details_refused_since = models.DateTimeField(
        null=True,
        editable=False,
        help_text="Since when Apple lets this account not read built-in device management; null while it does.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("Apple connection")
        verbose_name_plural = _("Apple connections")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("applesync:connection", args=[self.pk])

    @property
    def state(self) -> State:
        """As its last contact with Apple left it."""
        if not self.active:
            return self.State.NOT_ACTIVE
        return self.State.NEEDS_ATTENTION if self.problem else self.State.ACTIVE

    @property
    def short_fingerprint(self) -> str:
        """Enough of the key's fingerprint to compare it by eye."""
        return " ".join(self.key_fingerprint[start : start + 4] for start in range(0, 16, 4))
