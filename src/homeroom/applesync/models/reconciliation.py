"""What only one side has, kept by the triggers of `verbs.kept_lists`: right whoever writes, within the transaction.

What two transactions at once leave behind on PostgreSQL, the worker puts right (`correct_lists`).
"""

from django.db import models

from homeroom.fields import SharedKey


class NotInApple(models.Model):
    """A device whose serial number is on none of today's lists. Those told to be of another make are never here."""

    device = SharedKey("inventory.Device", models.DO_NOTHING, db_constraint=False, related_name="+")
    site = models.ForeignKey(
        "inventory.Site", models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    near_key = models.CharField(max_length=100, null=True)

    class Meta:
        indexes = [models.Index(fields=["near_key"], name="not_in_apple_near_key")]

    def __str__(self) -> str:
        return f"device {self.device_id}"


class NotInInventory(models.Model):
    """A row of today's list whose serial number no device has.

    Where several connections list it, that of the one to which it would belong: it was added to it last.
    """

    row = SharedKey(
        "applesync.AppleDevice", models.DO_NOTHING, db_constraint=False, related_name="not_in_inventory"
    )
    serial_number = models.CharField(max_length=100)
    near_key = models.CharField(max_length=100, null=True)

    class Meta:
        indexes = [
            models.Index(fields=["serial_number", "row"], name="not_in_inventory_serial"),
            models.Index(fields=["near_key", "serial_number", "row"], name="not_in_inventory_near_key"),
        ]

    def __str__(self) -> str:
        return self.serial_number
