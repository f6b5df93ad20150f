from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.db.models.signals import pre_save
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from homeroom.inventory.imports.models import ImportJob, ImportRow
from homeroom.inventory.near import NearKey
from homeroom.inventory.system_statuses import BearerQuerySet, GuardedStatus, StatusQuerySet, guard_saving

__all__ = ["Assignment", "Device", "DeviceStatus", "ImportJob", "ImportRow", "Person", "Site"]


class Site(models.Model):
    """A school or a depot."""

    class Kind(models.TextChoices):
        SCHOOL = "school", _("School")
        DEPOT = "depot", _("Depot")

    name = models.CharField(_("name"), max_length=150, unique=True)
    kind = models.CharField(
        _("kind"),
        max_length=10,
        choices=Kind,
        default=Kind.SCHOOL,
        help_text=_("Technicians of a depot also see what is at Apple from every site."),
    )
    contact_name = models.CharField(_("whom to call"), max_length=150, blank=True)
    contact_phone = models.CharField(_("phone"), max_length=50, blank=True)
    address = models.TextField(_("address"), blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("site")
        verbose_name_plural = _("sites")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("inventory:site", args=[self.pk])

    @property
    def is_depot(self) -> bool:
        return self.kind == self.Kind.DEPOT


class Person(models.Model):
    """A student or a member of staff who may carry a device."""

    class Kind(models.TextChoices):
        STUDENT = "student", _("Student")
        STAFF = "staff", _("Staff")

    external_id = models.CharField(
        _("external ID"),
        max_length=100,
        unique=True,
        help_text=_("The number in the student information system."),
    )
    name = models.CharField(_("name"), max_length=200, db_index=True)
    email = models.EmailField(_("email"), blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.STUDENT)
    grade = models.CharField(_("grade"), max_length=20, blank=True)
    site = models.ForeignKey(Site, models.PROTECT, verbose_name=_("site"), related_name="people")
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = _("person")
        verbose_name_plural = _("people")
        indexes = [models.Index(Lower("email"), name="person_email")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("inventory:person", args=[self.pk])


class DeviceStatus(GuardedStatus):
    """A word for the state of a device. System statuses belong to an integration and are set by it alone."""

    NOUN = "device_status"

    class Kind(models.TextChoices):
        IN_SERVICE = "in_service", _("In service")
        IN_STORAGE = "in_storage", _("In storage")
        IN_REPAIR = "in_repair", _("In repair")
        LOST = "lost", _("Lost")
        RETIRED = "retired", _("Retired")

    class SystemKey(models.TextChoices):
        REPLACED_BY_APPLECARE = "replaced_by_applecare", _("Replaced by AppleCare")

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    system_key = models.CharField(max_length=50, choices=SystemKey, null=True, unique=True, editable=False)

    objects: ClassVar[StatusQuerySet["DeviceStatus"]] = StatusQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["name"]
        verbose_name = _("device status")
        verbose_name_plural = _("device statuses")

    def __str__(self) -> str:
        return self.name


class Device(models.Model):
    """A device that the district owns, of any make. Apple's facts about it are in the mirror, never here."""

    class ProductFamily(models.TextChoices):
        IPAD = "iPad", "iPad"
        IPHONE = "iPhone", "iPhone"
        MAC = "Mac", "Mac"
        APPLE_TV = "AppleTV", "Apple TV"
        WATCH = "Watch", "Apple Watch"
        VISION = "Vision", "Apple Vision"
        CHROMEBOOK = "Chromebook", "Chromebook"
        WINDOWS = "Windows", _("Windows computer")
        OTHER = "Other", _("Other")

    asset_tag = models.CharField(_("asset tag"), max_length=100, null=True, blank=True, unique=True)
    serial_number = models.CharField(_("serial number"), max_length=100, null=True, blank=True, unique=True)
    near_key = models.GeneratedField(
        expression=NearKey("serial_number"), output_field=models.CharField(max_length=100), db_persist=True
    )
    name = models.CharField(_("name"), max_length=200, blank=True)
    manufacturer = models.CharField(_("manufacturer"), max_length=100, blank=True)
    model = models.CharField(_("model"), max_length=200, blank=True, db_index=True)
    product_family = models.CharField(
        _("product family"), max_length=20, choices=ProductFamily, blank=True, db_index=True
    )
    site = models.ForeignKey(
        Site, models.PROTECT, verbose_name=_("site"), related_name="devices", db_index=False
    )
    status = models.ForeignKey(DeviceStatus, models.PROTECT, verbose_name=_("status"), related_name="devices")
    purchase_date = models.DateField(_("purchase date"), null=True, blank=True)
    cost = models.DecimalField(_("cost"), max_digits=12, decimal_places=2, null=True, blank=True)
    purchase_order = models.CharField(_("purchase order"), max_length=100, blank=True)
    funding_source = models.CharField(_("funding source"), max_length=100, blank=True, db_index=True)
    notes = models.TextField(_("notes"), blank=True)
    replaces_serial = models.CharField(
        _("replaces serial number"),
        max_length=100,
        blank=True,
        db_index=True,
        help_text=_(
            "The device that Apple replaced with this one, as the device management service tells it."
        ),
    )
    created_at = models.DateTimeField(_("added"), auto_now_add=True)

    objects = BearerQuerySet["Device"].as_manager()

    class Meta:
        base_manager_name = "objects"
        ordering = ["asset_tag", "id"]
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        constraints = [
            models.CheckConstraint(
                condition=Q(asset_tag__isnull=False) | Q(serial_number__isnull=False),
                name="device_has_a_tag_or_a_serial_number",
                violation_error_message=_("A device needs an asset tag or a serial number."),
            ),
            models.CheckConstraint(
                condition=~Q(asset_tag="") & ~Q(serial_number=""), name="device_identity_is_null_when_unknown"
            ),
        ]
        indexes = [
            # Which of a site's devices are in question is told by its index alone: see `makes`. SQLite's has nothing
            # included; it reads the device where the family does not tell.
            models.Index(
                fields=["site", "status", "product_family"],
                include=["manufacturer", "id"],
                name="device_of_site",
            ),
            models.Index(fields=["near_key"], name="device_near_key"),
            models.Index(fields=["name", "id"], name="device_name"),
            models.Index(fields=["purchase_date", "id"], name="device_purchase_date"),
            models.Index(fields=["cost", "id"], name="device_cost"),
        ]

    def __str__(self) -> str:
        return self.asset_tag or self.serial_number or ""

    def get_absolute_url(self) -> str:
        return reverse("inventory:device", args=[self.pk])


pre_save.connect(guard_saving, sender=Device, dispatch_uid="devices enter no system status")


class Assignment(models.Model):
    """Who had which device from when until when. A device is with one person at a time."""

    class Kind(models.TextChoices):
        PRIMARY = "primary", _("Primary")
        LOANER = "loaner", _("Loaner")

    device = models.ForeignKey(Device, models.CASCADE, related_name="assignments", verbose_name=_("device"))
    person = models.ForeignKey(Person, models.PROTECT, related_name="assignments", verbose_name=_("person"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.PRIMARY)
    started_at = models.DateTimeField(_("from"))
    ended_at = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        ordering = ["-started_at", "-id"]
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        constraints = [
            models.UniqueConstraint(
                fields=["device"],
                condition=Q(ended_at__isnull=True),
                name="device_is_with_one_person_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=models.F("started_at")),
                name="assignment_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.device} → {self.person}"
