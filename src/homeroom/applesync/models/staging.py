"""What Apple said in a preview, kept so that applying it asks nothing twice. Gone with the next finished sync."""

from django.db import models

from homeroom.applesync.models.runs import SyncRun


class StagedDevice(models.Model):
    """A serial number that Apple listed in a preview. `attributes` is null where the mirror holds the same."""

    run = models.ForeignKey(SyncRun, models.CASCADE, related_name="staged_devices", db_index=False)
    serial_number = models.CharField(max_length=100)
    device = models.ForeignKey("inventory.Device", models.CASCADE, null=True, related_name="+")
    attributes = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "serial_number"], name="one_staged_row_per_serial_number"),
        ]

    def __str__(self) -> str:
        return self.serial_number


class StagedAnswer(models.Model):
    """What Apple answered about a device's coverage in a preview. `coverages` null without `failure`: not found."""

    run = models.ForeignKey(SyncRun, models.CASCADE, related_name="staged_answers", db_index=False)
    device = models.ForeignKey("inventory.Device", models.CASCADE, related_name="+")
    serial_number = models.CharField(max_length=100)
    at = models.DateTimeField()
    coverages = models.JSONField(null=True)
    failure = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "device"], name="one_staged_answer_per_device"),
        ]

    def __str__(self) -> str:
        return self.serial_number
