from django.db import models

from homeroom.fields import SharedKey


class Unlinked(models.Model):
    """A device to which no row of today's list is linked that has exactly its serial number.

    So reconciliation looks at these few instead of at every device. The database keeps them itself, by the triggers
    of `verbs.unlinked`, and is right whoever writes. Devices told to be of another make are here only if a row is
    linked to them all the same.
    """

    device = SharedKey("inventory.Device", models.DO_NOTHING, db_constraint=False, related_name="+")
    near_key = models.CharField(max_length=100, null=True, help_text="The device's.")
    misfit = models.OneToOneField(
        "applesync.AppleDevice",
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
        help_text="The row that is linked to it though its serial number is another.",
    )

    def __str__(self) -> str:
        return f"device {self.device_id}"
