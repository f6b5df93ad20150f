from django.db import models
from django.utils.translation import gettext_lazy as _

from homeroom.applesync.models.mirror import AppleDevice
from homeroom.fields import SharedKey


class ManagedDevice(models.Model):
    """What Apple Business' built-in device management said last of a device in the mirror: a part of the mirror.

    Only devices of the inventory have a row. A value stays when Apple no longer tells it, and when the device leaves
    built-in device management; `told_at` says as of when it is.
    """

    row = SharedKey(AppleDevice, models.CASCADE, related_name="managed")
    apple_id = models.CharField(
        max_length=100, help_text="Its id there, which need not be its serial number."
    )
    enrolled = models.BooleanField(default=True, help_text="Whether the last complete list had it.")
    os_version = models.CharField(_("OS version"), max_length=50, blank=True)
    last_check_in_at = models.DateTimeField(_("last check-in"), null=True)
    asked_at = models.DateTimeField(
        null=True, help_text="The last time that Apple answered, whatever it was."
    )
    told_at = models.DateTimeField(null=True, help_text="The last time that Apple told details.")

    class Meta:
        verbose_name = _("device in built-in device management")
        verbose_name_plural = _("devices in built-in device management")

    def __str__(self) -> str:
        return self.apple_id
