from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from homeroom.applesync.models.connections import Connection


class SyncRun(models.Model):
    """One sync of one connection: its state, its counts, and the lease of the process that works on it."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting to start")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Done")
        PREVIEWED = "previewed", _("Preview ready")
        HELD = "held", _("Waiting for a decision")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    class Step(models.TextChoices):
        LISTING = "listing", _("Listing Apple's devices")
        MISSING = "missing", _("Asking for devices that left the list")
        COVERAGE = "coverage", _("Asking for coverage")
        DETAILS = "details", _("Asking built-in device management")
        REPLACEMENTS = "replacements", _("Matching replacements")
        ENDING = "ending", _("Applying what ends")
        FINISHED = "finished", _("Finished")

    connection = models.ForeignKey(
        Connection, models.CASCADE, related_name="runs", verbose_name=_("connection")
    )
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.QUEUED)
    step = models.CharField(_("step"), max_length=20, choices=Step, default=Step.LISTING)
    preview = models.BooleanField(
        _("preview"),
        default=False,
        help_text="It only tells what a sync would do, and keeps what Apple said.",
    )
    replays = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        related_name="replayed_by",
        verbose_name=_("applies the preview"),
        help_text="Its answers are taken from that preview; Apple is asked nothing.",
    )
    accepted_at = models.DateTimeField(_("accepted"), null=True)
    accepted_by = models.CharField(_("accepted by"), max_length=200, blank=True)
    requested_by = models.CharField(_("started by"), max_length=200)
    requested_by_id = models.CharField(max_length=100)
    requested_at = models.DateTimeField(_("requested"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    error = models.TextField(_("error"), blank=True)
    fix = models.TextField(_("what to do"), blank=True)

    listed = models.PositiveIntegerField(_("listed"), default=0)
    matched = models.PositiveIntegerField(_("matched"), default=0)
    created = models.PositiveIntegerField(_("new in the mirror"), default=0)
    updated = models.PositiveIntegerField(_("changed in the mirror"), default=0)
    linked = models.PositiveIntegerField(_("newly matched"), default=0)
    unlinked = models.PositiveIntegerField(_("no longer matched"), default=0)
    gone = models.PositiveIntegerField(_("gone or released"), default=0)
    coverage_due = models.PositiveIntegerField(_("coverage to ask for"), default=0)
    coverage_checked = models.PositiveIntegerField(_("coverage checked"), default=0)
    coverage_failed = models.PositiveIntegerField(_("coverage checks failed"), default=0)
    insurance_created = models.PositiveIntegerField(_("insurance records created"), default=0)
    insurance_updated = models.PositiveIntegerField(_("insurance records updated"), default=0)
    insurance_ended = models.PositiveIntegerField(_("insurance records ended"), default=0)
    replacements_applied = models.PositiveIntegerField(_("replacements applied"), default=0)
    replacements_to_review = models.PositiveIntegerField(
        _("replacements to review"), default=0, help_text="New devices that wait for a person after it."
    )
    requests = models.PositiveIntegerField(_("requests"), default=0)
    throttled = models.PositiveIntegerField(_("told to slow down"), default=0)
    retries = models.PositiveIntegerField(_("retries"), default=0)
    problems = models.PositiveIntegerField(_("notes"), default=0)
    rate = models.FloatField(_("requests a second"), null=True)

    listing_cursor = models.TextField(blank=True)
    listing_seen = models.BinaryField(default=bytes, help_text="Compressed bitmap over the mirror's row ids.")
    listing_complete = models.BooleanField(default=False)

    fence = models.PositiveIntegerField(
        default=0, help_text="Grows with each owner; a batch of a former owner is refused."
    )
    owner = models.JSONField(null=True, help_text="Host, boot id, process id and its start time.")
    heartbeat_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("sync")
        verbose_name_plural = _("syncs")
        constraints = [
            models.UniqueConstraint(
                fields=["connection"], condition=Q(state__in=["queued", "running"]), name="one_sync_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["connection", "-id"], name="sync_run_connection")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("applesync:run", args=[self.pk])

    @property
    def unchanged(self) -> int:
        return max(0, self.listed - self.created - self.updated)

    @property
    def unmatched(self) -> int:
        return max(0, self.listed - self.matched)

    @property
    def is_over(self) -> bool:
        return self.state not in {self.State.QUEUED, self.State.RUNNING}

    @property
    def awaits_decision(self) -> bool:
        """Whether a person is to accept what it planned."""
        return self.state in {self.State.HELD, self.State.PREVIEWED}


class RunNote(models.Model):
    """Something that a run wants to tell about one device, or about a record that it could not read."""

    class Kind(models.TextChoices):
        UNREADABLE = "unreadable", _("Could not be read")
        ODD_VALUE = "odd-value", _("Odd value, kept as it is")
        COVERAGE_FAILED = "coverage-failed", _("Coverage check failed")
        UNKNOWN_TO_APPLE = "unknown-to-apple", _("Unknown to Apple")
        DETAILS_FAILED = "details-failed", _("OS version not learned")
        RELEASED = "released", _("Released from the organization")
        GONE = "gone", _("Gone from Apple's list")

    run = models.ForeignKey(SyncRun, models.CASCADE, related_name="notes")
    kind = models.CharField(_("kind"), max_length=30, choices=Kind)
    serial_number = models.CharField(_("serial number"), max_length=100, blank=True)
    device = models.ForeignKey("inventory.Device", models.SET_NULL, null=True, related_name="sync_notes")
    text = models.TextField(_("note"))
    raw = models.JSONField(null=True)
    at = models.DateTimeField(_("time"), auto_now_add=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["run", "kind"], name="run_note_run_kind"),
            models.Index(fields=["serial_number", "kind"], name="run_note_serial_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.serial_number}: {self.text}"
