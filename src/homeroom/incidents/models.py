from django.db import models
from django.utils.translation import gettext_lazy as _


class IncidentStatus(models.Model):
    """A word for the state of an incident. System statuses are created by the Apple School Manager integration."""

    class SystemKey(models.TextChoices):
        SENT_FOR_APPLECARE_REPAIR = "sent_for_applecare_repair", _("Sent for AppleCare Repair")
        APPLECARE_REPLACEMENT_RECEIVED = "applecare_replacement_received", _("AppleCare Replacement Received")

    name = models.CharField(_("name"), max_length=100, unique=True)
    is_open = models.BooleanField(_("open"), default=True, help_text=_("An incident in this status is not done yet."))
    system_key = models.CharField(max_length=50, choices=SystemKey, null=True, unique=True, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("incident status")
        verbose_name_plural = _("incident statuses")

    def __str__(self) -> str:
        return self.name

    @property
    def is_system(self) -> bool:
        return self.system_key is not None
