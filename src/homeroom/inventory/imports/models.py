from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from homeroom.leases import Leased


class Noun(models.TextChoices):
    """What a file can bring in."""

    DEVICES = "devices", _("Devices")
    PEOPLE = "people", _("People")


class DateOrder(models.TextChoices):
    """What a date such as 3/4/2026 means."""

    UNKNOWN = "", _("Refuse them: they could mean either")
    MONTH_FIRST = "month-first", _("Month first (March 4)")
    DAY_FIRST = "day-first", _("Day first (April 3)")


class ImportJob(Leased):
    """One file on its way into the inventory: its mapping, plan and outcome, and who works on it."""

    class State(models.TextChoices):
        READING = "reading", _("Being read")
        UPLOADED = "uploaded", _("Columns to check")
        PLANNING = "planning", _("Being checked")
        PLANNED = "planned", _("Ready to apply")
        REFUSED = "refused", _("Has problems")
        APPLYING = "applying", _("Being applied")
        APPLIED = "applied", _("Applied")
        FAILED = "failed", _("Failed")

    noun = models.CharField(_("kind"), max_length=10, choices=Noun)
    file_name = models.CharField(_("file"), max_length=255)
    stored_as = models.CharField(
        max_length=255, blank=True, help_text="Path under MEDIA_ROOT; empty once the file is deleted."
    )
    headers = models.JSONField(default=list)
    examples = models.JSONField(default=list, help_text="For each header, the first value under it.")
    mapping = models.JSONField(
        default=list, help_text="One field name for each header; empty for ignored ones."
    )
    create_sites = models.BooleanField(_("add sites that are new"), default=False)
    date_order = models.CharField(_("dates such as 3/4/2026"), max_length=20, choices=DateOrder, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.UPLOADED)
    note = models.TextField(_("note"), blank=True)
    fingerprint = models.CharField(
        max_length=64, blank=True, help_text="What the plan that was shown would do."
    )
    created = models.PositiveIntegerField(_("new"), default=0)
    updated = models.PositiveIntegerField(_("changed"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    new_sites = models.JSONField(default=list)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("imported by")
    )
    requested_by_label = models.CharField(_("imported by"), max_length=200)
    requested_at = models.DateTimeField(_("uploaded"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        indexes = [models.Index(fields=["state"], name="import_job_state")]

    def __str__(self) -> str:
        return self.file_name

    def get_absolute_url(self) -> str:
        return reverse("inventory:import", args=[self.pk])

    @property
    def is_under_way(self) -> bool:
        return self.state in {self.State.READING, self.State.PLANNING, self.State.APPLYING}

    @property
    def rows_seen(self) -> int:
        return self.created + self.updated + self.unchanged + self.refused


class ImportRow(models.Model):
    """What the plan does with one row of the file. Rows that change nothing are only counted."""

    class Outcome(models.TextChoices):
        CREATED = "created", _("New")
        UPDATED = "updated", _("Changed")
        REFUSED = "refused", _("Refused")

    job = models.ForeignKey(ImportJob, models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField(_("row"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    label = models.CharField(_("object"), max_length=250)
    changes = models.JSONField(_("changes"), default=list)
    problems = models.JSONField(_("problems"), default=list)

    class Meta:
        ordering = ["number"]
        verbose_name = _("row")
        verbose_name_plural = _("rows")
        indexes = [models.Index(fields=["job", "outcome", "number"], name="import_row_listing")]

    def __str__(self) -> str:
        return f"{self.number}: {self.label}"
