from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from homeroom.applesync.models.connections import Connection
from homeroom.applesync.models.mirror import AppleDevice
from homeroom.applesync.models.runs import SyncRun


class Replacement(models.Model):
    """A pairing of a new device at Apple with the incident whose device it may replace.

    Replacement processing suggests pairings; certain ones and those that a person confirms are applied, once. A
    pairing that a person dismissed or undid stays, so that it is not applied again by itself. Without an incident it
    says that the new device replaces none of ours. The original is the incident's device; the replacement is the
    inventory's device with exactly `replacement_serial`, once it was added.
    """

    class State(models.TextChoices):
        SUGGESTED = "suggested", _("To review")
        APPLIED = "applied", _("Applied")
        DISMISSED = "dismissed", _("Dismissed")
        UNDONE = "undone", _("Undone")

    connection = models.ForeignKey(
        Connection, models.CASCADE, related_name="replacements", verbose_name=_("connection")
    )
    incident = models.ForeignKey(
        "incidents.Incident",
        models.PROTECT,
        null=True,
        related_name="replacements",
        verbose_name=_("incident"),
    )
    original_serial = models.CharField(_("original serial number"), max_length=100, blank=True)
    replacement_serial = models.CharField(_("replacement serial number"), max_length=100)
    apple_device = models.ForeignKey(
        AppleDevice,
        models.SET_NULL,
        null=True,
        related_name="replacements",
        verbose_name=_("Apple device"),
        help_text="The replacement's row of the mirror.",
    )
    order_number = models.CharField(_("order number"), max_length=200, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.SUGGESTED)
    certain = models.BooleanField(_("certain"), default=False)
    rank = models.PositiveIntegerField(
        default=0, help_text="The place among the suggestions for the same candidate: 0 is the best pairing."
    )
    evidence = models.JSONField(
        _("evidence"),
        default=list,
        help_text="What speaks for and against it, as replacements.words tells it.",
    )
    detected_at = models.DateTimeField(_("detected"), auto_now_add=True)
    applied_at = models.DateTimeField(_("applied"), null=True)
    decided_by = models.CharField(_("decided by"), max_length=200, blank=True)
    decided_by_id = models.CharField(max_length=100, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True)
    reason = models.TextField(_("reason"), blank=True)
    run = models.ForeignKey(SyncRun, models.SET_NULL, null=True, related_name="replacements")
    restores = models.JSONField(
        null=True, help_text="What undoing it gives back: the original's `status` and `assignment`, by id."
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = _("replacement")
        verbose_name_plural = _("replacements")
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "replacement_serial", "incident"], name="one_row_per_pairing"
            ),
            models.UniqueConstraint(
                fields=["connection", "replacement_serial"],
                condition=Q(incident__isnull=True),
                name="a_device_that_is_not_ours_once",
            ),
            models.UniqueConstraint(
                fields=["connection", "replacement_serial"],
                condition=Q(state="applied"),
                name="a_replacement_replaces_one_device",
            ),
            models.UniqueConstraint(
                fields=["incident"], condition=Q(state="applied"), name="an_incident_has_one_replacement"
            ),
            models.CheckConstraint(
                condition=Q(incident__isnull=False) | Q(state="dismissed"),
                name="a_pairing_without_incident_is_dismissed",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "detected_at"], name="replacement_state"),
            models.Index(fields=["replacement_serial"], name="replacement_serial"),
            models.Index(fields=["original_serial"], name="replacement_original"),
        ]

    def __str__(self) -> str:
        return f"{self.original_serial or '?'} → {self.replacement_serial}"

    def get_absolute_url(self) -> str:
        return reverse("applesync:replacement", args=[self.pk])
