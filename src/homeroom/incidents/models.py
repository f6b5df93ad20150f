from datetime import datetime, time
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.signals import pre_save
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from homeroom.inventory.system_statuses import BearerQuerySet, GuardedStatus, StatusQuerySet, guard_saving


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


class Shipment(models.Model):
    """One box to Apple: the incidents whose devices are in it, and how it travels."""

    number = models.BigAutoField(_("number"), primary_key=True)
    carrier = models.CharField(_("carrier"), max_length=100, blank=True)
    tracking_number = models.CharField(_("tracking number"), max_length=100, blank=True)
    reference = models.CharField(
        _("reference"),
        max_length=100,
        blank=True,
        help_text=_("The district's own, printed on the packing list."),
    )
    opened_by = models.CharField(_("opened by"), max_length=200)
    opened_by_id = models.CharField(max_length=100)
    opened_at = models.DateTimeField(_("opened"), auto_now_add=True)
    shipped_at = models.DateTimeField(
        _("shipped"), null=True, editable=False, help_text="Null while the box is being filled."
    )

    class Meta:
        ordering = ["-number"]
        verbose_name = _("shipment")
        verbose_name_plural = _("shipments")

    def __str__(self) -> str:
        return f"#{self.number}"

    def get_absolute_url(self) -> str:
        return reverse("incidents:shipment", args=[self.number])

    @property
    def is_open(self) -> bool:
        """Whether units can still be put in and taken out."""
        return self.shipped_at is None


class ShipmentUnit(models.Model):
    """A line of a packing list. It stays when its incident travels again later, in another box or in none."""

    shipment = models.ForeignKey(Shipment, models.CASCADE, related_name="units")
    incident = models.ForeignKey("Incident", models.PROTECT, related_name="journeys")
    packed_at = models.DateTimeField(_("packed"), auto_now_add=True)

    class Meta:
        ordering = ["id"]
        verbose_name = _("unit")
        verbose_name_plural = _("units")
        constraints = [
            models.UniqueConstraint(fields=["shipment", "incident"], name="a_unit_is_in_a_shipment_once"),
        ]

    def __str__(self) -> str:
        return f"{self.shipment}: {self.incident}"


class Incident(models.Model):
    """What befell a device. It is open as long as its status is: `closed_at` and `outcome` say the rest."""

    class Kind(models.TextChoices):
        HARDWARE = "hardware", _("Hardware")
        SCREEN = "screen", _("Screen")
        BATTERY = "battery", _("Battery")
        LIQUID = "liquid", _("Liquid")
        LOST = "lost", _("Lost")
        STOLEN = "stolen", _("Stolen")
        OTHER = "other", _("Other")

    class Outcome(models.TextChoices):
        REPAIRED = "repaired", _("Repaired, same serial number")
        REPLACED = "replaced", _("Replaced")
        RETURNED_UNREPAIRED = "returned_unrepaired", _("Returned unrepaired")
        NOT_COVERED = "not_covered", _("Not covered")
        OTHER = "other", _("Other")

    number = models.BigAutoField(_("number"), primary_key=True)
    device = models.ForeignKey(
        "inventory.Device", models.PROTECT, related_name="incidents", verbose_name=_("device")
    )
    person = models.ForeignKey(
        "inventory.Person",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="incidents",
        verbose_name=_("person"),
        help_text=_("Who had the device at the time."),
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.HARDWARE)
    summary = models.CharField(_("summary"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    status = models.ForeignKey(
        IncidentStatus, models.PROTECT, related_name="incidents", verbose_name=_("status")
    )
    technician = models.ForeignKey(
        "accounts.User",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="incidents",
        verbose_name=_("technician"),
    )
    repair_number = models.CharField(
        _("Apple repair number"), max_length=100, blank=True, help_text=_("As Apple gave it, if it did.")
    )
    shipment = models.ForeignKey(
        Shipment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="incidents",
        verbose_name=_("shipment"),
        help_text="The box that it is in, or travelled in last.",
    )
    opened_by = models.CharField(_("opened by"), max_length=200)
    opened_by_id = models.CharField(max_length=100)
    opened_at = models.DateTimeField(_("opened"), auto_now_add=True)
    sent_at = models.DateTimeField(
        _("sent to Apple"),
        null=True,
        editable=False,
        help_text="When it last entered *Sent for AppleCare Repair*.",
    )
    shipped_on = models.DateField(
        _("shipped on"),
        null=True,
        editable=False,
        help_text="The day of `sent_at`, or the earlier one that somebody corrected it to.",
    )
    closed_at = models.DateTimeField(_("closed"), null=True, editable=False)
    outcome = models.CharField(_("outcome"), max_length=30, choices=Outcome, blank=True)

    objects = BearerQuerySet["Incident"].as_manager()

    class Meta:
        base_manager_name = "objects"
        ordering = ["-number"]
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="") | Q(closed_at__isnull=False), name="incident_outcome_when_closed"
            ),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True, shipped_on__isnull=True)
                | Q(sent_at__isnull=False, shipped_on__isnull=False),
                name="incident_sent_has_its_day",
            ),
        ]
        indexes = [
            models.Index(fields=["device", "closed_at"], name="incident_device"),
            models.Index(fields=["status", "sent_at"], name="incident_status_sent"),
            models.Index(
                fields=["technician"], name="incident_open_technician", condition=Q(closed_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"

    def get_absolute_url(self) -> str:
        return reverse("incidents:incident", args=[self.number])

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def is_at_apple(self) -> bool:
        return self.status.system_key == IncidentStatus.SystemKey.SENT_FOR_APPLECARE_REPAIR

    @property
    def shipped_at(self) -> datetime | None:
        """From when on a replacement may appear: `sent_at`, or the district's midnight of an earlier `shipped_on`."""
        if self.sent_at is None or self.shipped_on is None:
            return None
        zone = ZoneInfo(settings.TIME_ZONE)
        if self.shipped_on == self.sent_at.astimezone(zone).date():
            return self.sent_at
        return datetime.combine(self.shipped_on, time(), zone)


pre_save.connect(guard_saving, sender=Incident, dispatch_uid="incidents enter no system status")


class Comment(models.Model):
    """What somebody wrote on an incident. It stays as it was written."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="comments")
    text = models.TextField(_("comment"))
    written_by = models.CharField(_("written by"), max_length=200)
    written_by_id = models.CharField(max_length=100)
    written_at = models.DateTimeField(_("written"), auto_now_add=True)

    class Meta:
        ordering = ["id"]
        verbose_name = _("comment")
        verbose_name_plural = _("comments")

    def __str__(self) -> str:
        return self.text[:50]


class Attachment(models.Model):
    """A photo or a file of an incident. Photos are re-encoded: what is stored holds nothing but the picture."""

    class Kind(models.TextChoices):
        PHOTO = "photo", _("Photo")
        FILE = "file", _("File")

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="attachments")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(_("name"), max_length=200)
    file = models.FileField(upload_to="incidents/%Y/%m/")
    thumbnail = models.FileField(upload_to="incidents/%Y/%m/", blank=True)
    content_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField(_("size"), help_text="In bytes, as stored.")
    added_by = models.CharField(_("added by"), max_length=200)
    added_by_id = models.CharField(max_length=100)
    added_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        ordering = ["id"]
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("incidents:attachment", args=[self.incident_id, self.pk])

    @property
    def is_photo(self) -> bool:
        return self.kind == self.Kind.PHOTO
