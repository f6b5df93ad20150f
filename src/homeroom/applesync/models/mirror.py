from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from homeroom.applesync.models.connections import Connection
from homeroom.inventory.near import NearKey


class AppleDevice(models.Model):
    """What Apple said last about one serial number of one connection: the mirror of Apple's list.

    A row is written only when Apple's answer differs from it (`content_hash`). It was last seen in the
    connection's last complete listing unless `gone_since` is set. `device` is linked on an exact serial number only.
    """

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="apple_devices")
    serial_number = models.CharField(_("serial number"), max_length=100)
    near_key = models.GeneratedField(
        expression=NearKey("serial_number"), output_field=models.CharField(max_length=100), db_persist=True
    )
    device = models.OneToOneField(
        "inventory.Device", models.SET_NULL, null=True, related_name="apple_device", verbose_name=_("device")
    )
    product_family = models.CharField(_("product family"), max_length=50, blank=True)
    device_model = models.CharField(_("model"), max_length=200, blank=True)
    product_type = models.CharField(_("model identifier"), max_length=100, blank=True)
    capacity = models.BigIntegerField(_("capacity"), null=True, help_text="In bytes.")
    color = models.CharField(_("color"), max_length=100, blank=True)
    part_number = models.CharField(_("part number"), max_length=100, blank=True)
    order_number = models.CharField(_("order number"), max_length=200, blank=True)
    ordered_at = models.DateTimeField(_("ordered"), null=True)
    status = models.CharField(_("status at Apple"), max_length=50, blank=True)
    purchase_source_type = models.CharField(_("purchase source"), max_length=50, blank=True)
    added_at = models.DateTimeField(_("added to the organization"), null=True)
    updated_at = models.DateTimeField(_("changed at Apple"), null=True)
    released_at = models.DateTimeField(_("released from the organization"), null=True)
    coverage_day = models.PositiveSmallIntegerField(
        default=0, help_text="By the serial number, and for good: spreads coverage checks over the days."
    )
    attributes = models.JSONField()
    content_hash = models.BinaryField(max_length=16)
    first_seen_at = models.DateTimeField(_("first seen"))
    gone_since = models.DateTimeField(_("gone since"), null=True)

    class Meta:
        ordering = ["serial_number", "id"]
        verbose_name = _("Apple device")
        verbose_name_plural = _("Apple devices")
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "serial_number"], name="one_mirror_row_per_serial_number"
            ),
        ]
        indexes = [
            models.Index(fields=["serial_number"], name="mirror_serial_number"),
            models.Index(fields=["connection", "gone_since", "device"], name="mirror_connection_device"),
            models.Index(
                fields=["connection", "updated_at"],
                name="mirror_changed",
                condition=Q(device__isnull=False, gone_since__isnull=True),
            ),
            models.Index(
                fields=["connection", "order_number"],
                name="mirror_order_r",
                condition=Q(order_number__startswith="R"),
            ),
        ]

    def __str__(self) -> str:
        return self.serial_number
