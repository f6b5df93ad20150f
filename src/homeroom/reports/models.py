from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from homeroom.inventory.exports.formats import Format
from homeroom.inventory.exports.reports import title_of
from homeroom.leases import Leased
from homeroom.schedules.models import Scheduled

JULY = 7


class StatisticsSettings(models.Model):
    """What the district says once, for its statistics. One row."""

    school_year_starts = models.PositiveSmallIntegerField(
        _("school year starts in"),
        default=JULY,
        validators=[MinValueValidator(1), MaxValueValidator(12)],
        help_text="A month, 1 to 12.",
    )

    class Meta:
        verbose_name = _("settings of statistics")
        verbose_name_plural = _("settings of statistics")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class RenewalCost(models.Model):
    """What it costs to cover one more device of a family. That of no family is for every family without its own."""

    product_family = models.CharField(_("product family"), max_length=20, blank=True, unique=True)
    cost = models.DecimalField(_("cost"), max_digits=12, decimal_places=2, validators=[MinValueValidator(0)])

    class Meta:
        ordering = ["product_family"]
        verbose_name = _("renewal cost")
        verbose_name_plural = _("renewal costs")

    def __str__(self) -> str:
        return f"{self.product_family}: {self.cost}"


class Rollup(models.Model):
    """When a large district was counted last, and for which day. At most one row; its numbers are in the cells."""

    day = models.DateField(null=True)
    counted_at = models.DateTimeField(null=True)
    seconds = models.FloatField(default=0, help_text="How long counting took.")
    mark = models.CharField(
        max_length=200, blank=True, help_text="What had changed last, when it was counted."
    )
    taken_at = models.DateTimeField(null=True, help_text="Set while a process counts.")

    def __str__(self) -> str:
        return f"counted at {self.counted_at}"


class SavedView(models.Model):
    """What somebody asks of a report again and again: filters, order and columns, as its page's address has them."""

    owner = models.ForeignKey(
        "accounts.User", models.CASCADE, related_name="saved_views", verbose_name=_("owner")
    )
    report = models.CharField(_("report"), max_length=100, help_text="Its name, as on the command line.")
    name = models.CharField(_("name"), max_length=100)
    query = models.TextField(_("query"), blank=True)
    shared = models.BooleanField(
        _("shared"), default=False, help_text=_("Everybody who may see the report can open it.")
    )

    class Meta:
        ordering = ["name", "id"]
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "report", "name"],
                name="one_view_of_a_name_per_report",
                violation_error_message=_("You have a view of this name already."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The report as the view has it, knowing that it is the view's."""
        query = f"{self.query}&" if self.query else ""
        return f"{reverse('reports:report', args=[self.report])}?{query}view={self.pk}"


def in_a_week() -> datetime:
    return timezone.now() + timedelta(days=7)


class ReportFile(Leased):
    """A report that is made into a file while nobody waits. A worker makes it, and only a whole one is ever offered."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        MAKING = "making", _("Being made")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    owner = models.ForeignKey(
        "accounts.User", models.CASCADE, related_name="report_files", verbose_name=_("owner")
    )
    report = models.CharField(_("report"), max_length=100, help_text="Its name, as on the command line.")
    query = models.TextField(_("query"), blank=True)
    words = models.TextField(blank=True, help_text="What the query's filters ask for, as people read it.")
    format = models.CharField(
        _("format"), max_length=10, choices=[(each.value, each.upper()) for each in Format]
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    failure = models.TextField(_("failure"), blank=True, help_text="Why there is no file, in a sentence.")
    rows = models.PositiveIntegerField(_("rows"), null=True, help_text="Null until they are counted.")
    rows_done = models.PositiveIntegerField(_("rows written"), default=0)
    folder = models.CharField(
        max_length=32,
        blank=True,
        help_text="Under MEDIA_ROOT; a new name, not to be guessed, for each attempt.",
    )
    size = models.PositiveBigIntegerField(_("size"), null=True, help_text="In bytes.")
    made_for = models.JSONField(null=True, help_text="What its owner might see when it was made.")
    asked_at = models.DateTimeField(_("asked for"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    expires_at = models.DateTimeField(_("kept until"), default=in_a_week)
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("file of a report")
        verbose_name_plural = _("files of reports")
        indexes = [
            models.Index(
                fields=["id"], condition=Q(state__in=["queued", "making"]), name="report_file_under_way"
            ),
            models.Index(fields=["expires_at"], name="report_file_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.report}.{self.format}"

    @property
    def is_under_way(self) -> bool:
        return self.state in {self.State.QUEUED, self.State.MAKING}

    @property
    def is_ready(self) -> bool:
        return self.state == self.State.READY

    @property
    def title(self) -> str:
        """The report's, as people read it."""
        return title_of(self.report)

    @property
    def file_name(self) -> str:
        """What a browser keeps it as."""
        day = timezone.localdate(self.finished_at or self.asked_at)
        return f"{self.report}-{day.isoformat()}.{self.format}"

    @property
    def path(self) -> Path:
        """Where it is kept. What is there before the state is READY is not whole."""
        return folder_path(self.folder) / "whole"


def folder_path(name: str) -> Path:
    return Path(settings.MEDIA_ROOT) / "reports" / name


class RollupCell(models.Model):
    """The tally of the devices that are alike in what `cut` names; the other columns are left empty."""

    cut = models.PositiveSmallIntegerField()
    site_id = models.BigIntegerField(default=0)
    product_family = models.CharField(max_length=20, blank=True)
    model = models.CharField(max_length=200, blank=True)
    funding_source = models.CharField(max_length=100, blank=True)
    numbers = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cut", "site_id", "product_family", "model", "funding_source"],
                name="one_rollup_cell_per_cut_and_values",
            )
        ]

    def __str__(self) -> str:
        return f"cell {self.pk} of cut {self.cut}"


class ReportSchedule(Scheduled):
    """A report that is sent to people by mail again and again: to each the rows that they may see."""

    owner = models.ForeignKey(
        "accounts.User", models.CASCADE, related_name="report_schedules", verbose_name=_("owner")
    )
    name = models.CharField(_("name"), max_length=100)
    report = models.CharField(_("report"), max_length=100, help_text="Its name, as on the command line.")
    query = models.TextField(_("query"), blank=True)
    format = models.CharField(
        _("format"), max_length=10, choices=[(each.value, each.upper()) for each in (Format.CSV, Format.XLSX)]
    )
    attach = models.BooleanField(_("attach the file"), default=True, help_text="Else it is linked.")
    only_with_rows = models.BooleanField(_("only when there are rows"), default=False)
    recipients = models.ManyToManyField(
        "accounts.User", related_name="received_schedules", verbose_name=_("recipients")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = _("report on a schedule")
        verbose_name_plural = _("reports on a schedule")
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "name"],
                name="one_report_schedule_of_a_name",
                violation_error_message=_("You have a schedule of this name already."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("reports:schedule", args=[self.pk])

    @property
    def last_turn(self) -> "ReportTurn | None":
        """For many, `queries.with_last_turn` reads it beforehand."""
        return next(iter(self.turns.all()), None)

    @property
    def title(self) -> str:
        """The report's, as people read it."""
        return title_of(self.report)


class ReportTurn(models.Model):
    """One time that a report was sent: by its schedule, or because somebody asked for it."""

    schedule = models.ForeignKey(ReportSchedule, models.CASCADE, related_name="turns")
    taken_at = models.DateTimeField(_("time"), default=timezone.now)
    requested_by = models.CharField(_("by"), max_length=200)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("turn")
        verbose_name_plural = _("turns")

    def __str__(self) -> str:
        return f"{self.schedule_id} at {self.taken_at}"


TOLD_AS = "report-on-schedule"
"""The kind of what people are told of a delivery."""
FACT = "delivery:"


class ReportDelivery(models.Model):
    """What became of one turn for one recipient."""

    class State(models.TextChoices):
        WAITING = "waiting", _("The file is being made")
        TOLD = "told", _("Mail queued")
        NO_ROWS = "no-rows", _("No rows, so no mail")
        DECLINED = "declined", _("Chose to get no such mail")
        REFUSED = "refused", _("Gets nothing")
        FAILED = "failed", _("Failed")

    turn = models.ForeignKey(ReportTurn, models.CASCADE, related_name="deliveries")
    recipient = models.ForeignKey("accounts.User", models.CASCADE, related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    note = models.TextField(_("note"), blank=True, help_text="Why there was no mail, in a sentence.")
    file = models.ForeignKey(
        ReportFile,
        models.SET_NULL,
        null=True,
        related_name="+",
        help_text="Null until it is ordered, and once it is no longer kept.",
    )

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["turn", "recipient"], name="delivered_to_each_once")]
        indexes = [models.Index(fields=["id"], condition=Q(state="waiting"), name="report_delivery_waiting")]

    def __str__(self) -> str:
        return f"turn {self.turn_id} to {self.recipient_id}"

    @property
    def fact(self) -> str:
        """By which it is told once."""
        return f"{FACT}{self.pk}"
