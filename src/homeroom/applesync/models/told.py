from django.db import models
from django.utils.translation import gettext_lazy as _


class ToldReplacement(models.Model):
    """What the district's device management service tells of a replacement, whether or not the inventory has it yet.

    Of a device that is in the inventory, `Device.replaces_serial` tells the same. Apple names the original to device
    management services only, so this is kept until a sync finds the replacement. It belongs to no connection: the
    service knows serial numbers and nothing of those.
    """

    replacement_serial = models.CharField(_("replacement serial number"), max_length=100, unique=True)
    original_serial = models.CharField(_("original serial number"), max_length=100, db_index=True)
    told_by = models.CharField(_("told by"), max_length=200)
    told_by_id = models.CharField(max_length=100)
    told_at = models.DateTimeField(_("told"))

    class Meta:
        ordering = ["-id"]
        verbose_name = _("told replacement")
        verbose_name_plural = _("told replacements")
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(original_serial=models.F("replacement_serial")),
                name="a_device_does_not_replace_itself",
            )
        ]

    def __str__(self) -> str:
        return f"{self.original_serial} → {self.replacement_serial}"
