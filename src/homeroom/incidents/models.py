from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from homeroom.inventory.system_statuses import GuardedStatus, StatusQuerySet


class IncidentStatus(GuardedStatus):
    """A word for the state of an incident. System statuses are created by the Apple School Manager integration."""

    NOUN = "incident_status"

    class SystemKey(models.TextChoices):
        SENT_FOR_APPLECARE_REPAIR = "sent_for_applecare_repair", _("Sent for AppleCare Repair")
        APPLECARE_REPLACEMENT_RECEIVED = "applecare_replacement_received", _("AppleCare Replacement Received")

    name = models.CharField(_("name"), max_length=100, unique=True)
    is_open = models.BooleanField(
        _("open"), default=True, help_text=_("An incident in this status is not done yet.")
    )
    system_key = models.CharField(max_length=50, choices=SystemKey, null=True, unique=True, editable=False)

    objects: ClassVar[StatusQuerySet["IncidentStatus"]] = StatusQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["name"]
        verbose_name = _("incident status")
        verbose_name_plural = _("incident statuses")

    def __str__(self) -> str:
        return self.name
