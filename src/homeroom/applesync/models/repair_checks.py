from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from homeroom.fields import SharedKey

VALID_FOR = timedelta(minutes=30)
"""An answer is as good as new for so long: a box is packed in that time, an assignment is not forgotten."""
FAILURE_VALID_FOR = timedelta(minutes=1)


class RepairCheck(models.Model):
    """What Apple said last of a device that is about to be sent in: its assignment and its Activation Lock.

    A row that is wanted waits for a worker. A failure is kept as an answer, and what was known before is not.
    """

    class Standing(models.TextChoices):
        KNOWN = "known", _("In the organization")
        RELEASED = "released", _("Released from the organization")
        UNKNOWN = "unknown", _("Not known to Apple")

    device = SharedKey("inventory.Device", models.CASCADE, related_name="repair_check")
    wanted_at = models.DateTimeField(null=True, help_text="Since when somebody waits for an answer.")
    taken_until = models.DateTimeField(null=True, help_text="The worker that asks has until then.")
    asked_at = models.DateTimeField(null=True)
    standing = models.CharField(max_length=10, choices=Standing, blank=True)
    product_family = models.CharField(max_length=50, blank=True)
    is_assigned = models.BooleanField(null=True, help_text="To a device management service; null: not told.")
    server_name = models.CharField(max_length=200, blank=True)
    is_locked = models.BooleanField(null=True, help_text="By Activation Lock; null: not told.")
    lock_type = models.CharField(max_length=50, blank=True)
    lock_failure = models.CharField(
        max_length=300, blank=True, help_text="Why Apple could not say whether it is locked."
    )
    failure = models.CharField(max_length=300, blank=True, help_text="Why Apple could not be asked at all.")

    class Meta:
        verbose_name = _("check before a repair")
        verbose_name_plural = _("checks before repairs")
        indexes = [
            models.Index(
                fields=["wanted_at"], name="repair_check_wanted", condition=Q(wanted_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return str(self.device)

    @classmethod
    def valid(cls, now: datetime) -> Q:
        """Rows whose answer need not be asked for again."""
        return Q(failure="", asked_at__gt=now - VALID_FOR) | (
            ~Q(failure="") & Q(asked_at__gt=now - FAILURE_VALID_FOR)
        )

    def is_valid(self, now: datetime) -> bool:
        lasts = FAILURE_VALID_FOR if self.failure else VALID_FOR
        return self.asked_at is not None and self.asked_at > now - lasts
