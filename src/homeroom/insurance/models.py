from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.deletion import CASCADE, Collector
from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _

from homeroom.fields import SharedKey
from homeroom.rows import write_rows
from homeroom.web.errors import Refused


class SyncedInsuranceIsReadOnly(Refused):
    """Something other than the sync tried to write an insurance record that comes from Apple."""

    def __init__(self) -> None:
        super().__init__(
            translated(
                "This insurance record comes from AppleCare through the sync and can't be changed here. "
                "Change the coverage in Apple School Manager; the next sync brings it."
            )
        )


_sync_is_writing: ContextVar[bool] = ContextVar("sync_is_writing", default=False)


@contextmanager
def sync_writes_insurance() -> Iterator[None]:
    """The one door for writing synced records; `verbs.apply_apple_coverage` alone goes through it."""
    token = _sync_is_writing.set(True)
    try:
        yield
    finally:
        _sync_is_writing.reset(token)


class InsuranceQuerySet(models.QuerySet["InsuranceRecord"]):
    def _refuse_synced(self) -> None:
        if not _sync_is_writing.get() and self.order_by().filter(source=Source.APPLECARE_SYNC).exists():
            raise SyncedInsuranceIsReadOnly

    def update(self, **kwargs: Any) -> int:
        self._refuse_synced()
        if not _sync_is_writing.get() and not kwargs.keys().isdisjoint({"source", "apple_id"}):
            # Whatever the expression comes to: no record becomes a synced one but by the sync.
            raise SyncedInsuranceIsReadOnly
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        self._refuse_synced()
        return super().delete()

    def _conflicting(self, records: Sequence["InsuranceRecord"]) -> "InsuranceQuerySet":
        """The rows that an upsert of these could fall on."""
        return InsuranceRecord.objects.filter(
            Q(pk__in=[record.pk for record in records if record.pk])
            | Q(
                device__in=[record.device_id for record in records],
                apple_id__in=[record.apple_id for record in records if record.apple_id],
            )
        )

    def bulk_create(
        self, objs: Iterable["InsuranceRecord"], *args: Any, **kwargs: Any
    ) -> list["InsuranceRecord"]:
        records = list(objs)
        if not _sync_is_writing.get():
            if any(record.source == Source.APPLECARE_SYNC for record in records):
                raise SyncedInsuranceIsReadOnly
            if kwargs.get("update_conflicts"):
                self._conflicting(records)._refuse_synced()  # noqa: SLF001
        return super().bulk_create(records, *args, **kwargs)

    def write_synced(self, rows: Iterable[Mapping[str, Any]], *, update: Collection[str]) -> None:
        """Insert synced records, or overwrite the fields of `update` where Apple's id stands; see `write_rows`."""
        if not _sync_is_writing.get():
            raise SyncedInsuranceIsReadOnly
        write_rows(self.model, rows, unique=("device", "apple_id"), update=update)


def cascade_unless_synced(collector: Collector, field: Any, records: InsuranceQuerySet, using: str) -> None:
    """`on_delete` of the device: its manual records go with it, synced ones refuse."""
    records._refuse_synced()  # noqa: SLF001
    CASCADE(collector, field, records, using)


class Source(models.TextChoices):
    MANUAL = "manual", _("Manual")
    APPLECARE_SYNC = "applecare_sync", _("AppleCare sync")


class Kind(models.TextChoices):
    LIMITED_WARRANTY = "limited_warranty", _("Limited warranty")
    APPLECARE = "applecare", _("AppleCare")
    OTHER = "other", _("Other")


class InsuranceRecord(models.Model):
    """One coverage of one device. Records from the sync are read-only at every door of the model layer.

    Dates are calendar dates; the end date is included. `ended_on` is the day on which Homeroom noticed that
    Apple no longer lists the coverage or calls it inactive before its end; Apple's own end date is kept.
    """

    device = models.ForeignKey(
        "inventory.Device", cascade_unless_synced, related_name="insurance_records", verbose_name=_("device")
    )
    provider = models.CharField(_("provider"), max_length=100)
    plan = models.CharField(_("plan"), max_length=200, blank=True)
    agreement_number = models.CharField(_("agreement number"), max_length=100, blank=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.OTHER)
    starts = models.DateField(_("starts"), null=True, blank=True)
    ends = models.DateField(
        _("ends"), null=True, blank=True, help_text=_("The last day of cover. Empty: open-ended.")
    )
    cancelled_on = models.DateField(_("cancelled on"), null=True, blank=True)
    cost = models.DecimalField(_("cost"), max_digits=12, decimal_places=2, null=True, blank=True)
    source = models.CharField(
        _("source"), max_length=20, choices=Source, default=Source.MANUAL, editable=False
    )

    apple_id = models.CharField(max_length=100, null=True, editable=False)
    apple_status = models.CharField(max_length=50, blank=True, editable=False)
    apple_payment_type = models.CharField(max_length=50, blank=True, editable=False)
    apple_renewable = models.BooleanField(null=True, editable=False)
    apple_attributes = models.JSONField(null=True, editable=False)
    missing_since = models.DateTimeField(null=True, editable=False)
    ended_on = models.DateField(_("ended on"), null=True, editable=False)

    objects = InsuranceQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        ordering = ["-ends", "-id"]
        verbose_name = _("insurance record")
        verbose_name_plural = _("insurance records")
        constraints = [
            models.UniqueConstraint(fields=["device", "apple_id"], name="one_record_per_apple_coverage"),
            models.CheckConstraint(
                condition=Q(source="applecare_sync", apple_id__isnull=False)
                | Q(source="manual", apple_id__isnull=True),
                name="insurance_apple_id_belongs_to_the_sync",
            ),
        ]
        indexes = [models.Index(fields=["kind", "ends"], name="insurance_kind_ends")]

    def __str__(self) -> str:
        return self.plan or self.provider

    @property
    def is_synced(self) -> bool:
        return self.source == Source.APPLECARE_SYNC

    def _refuse_synced(self) -> None:
        if _sync_is_writing.get():
            return
        if self.is_synced:
            raise SyncedInsuranceIsReadOnly
        if self.pk is not None:
            InsuranceRecord.objects.filter(pk=self.pk)._refuse_synced()  # noqa: SLF001

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:  # noqa: FBT001, FBT002
        self._refuse_synced()
        return super().delete(using=using, keep_parents=keep_parents)


@receiver(pre_save, sender=InsuranceRecord)
def _guard_saving(instance: InsuranceRecord, **_kwargs: Any) -> None:
    # A signal, because loading a fixture calls Django's own save_base and passes any override by.
    instance._refuse_synced()  # noqa: SLF001


class CoverageSummary(models.Model):
    """What the insurance records of a device come to, kept by the verbs that write them; see `rules.summarise`.

    The period is the run of days without a gap that contains the day it was made, else the last one before it;
    `next_from` starts the period after it. A null `until` with a `from` is open-ended.
    """

    device = SharedKey("inventory.Device", models.CASCADE, related_name="coverage_summary")
    applecare_from = models.DateField(null=True)
    applecare_until = models.DateField(null=True)
    applecare_next_from = models.DateField(null=True)
    applecare_plan = models.CharField(max_length=200, blank=True)
    warranty_from = models.DateField(null=True)
    warranty_until = models.DateField(null=True, db_index=True)
    warranty_next_from = models.DateField(null=True)

    class Meta:
        indexes = [
            # Which devices' AppleCare ends is told by the index alone.
            models.Index(
                fields=["applecare_until", "device", "applecare_from", "applecare_next_from"],
                name="insurance_applecare_until",
            ),
            # Few devices have a period to come, and the worker asks for those that begin again and again.
            *(
                models.Index(
                    fields=[f"{kind}_next_from"],
                    name=f"insurance_{kind}_next",
                    condition=Q(**{f"{kind}_next_from__isnull": False}),
                )
                for kind in ("applecare", "warranty")
            ),
        ]

    def __str__(self) -> str:
        return f"coverage of {self.device_id}"


class CoverageCheck(models.Model):
    """When Apple was last asked for a device's coverage, and how that went. Narrow: it changes with each check."""

    device = SharedKey("inventory.Device", models.CASCADE, related_name="coverage_check")
    attempted_at = models.DateTimeField(db_index=True)
    succeeded_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=300, blank=True, help_text="Empty when the last check succeeded.")

    def __str__(self) -> str:
        return f"coverage check of {self.device_id}"


class FollowUp(models.Model):
    """What was last decided about the end of a device's AppleCare: about that end, and no other.

    Once AppleCare ends on another day than `ends`, nothing is decided any more: `queries.decided` compares the two.
    """

    class Decision(models.TextChoices):
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        SNOOZED = "snoozed", _("Snoozed")
        WILL_NOT_RENEW = "will_not_renew", _("Will not renew")
        REOPENED = "reopened", _("Waits again")

    device = SharedKey("inventory.Device", models.CASCADE, related_name="coverage_follow_up")
    decision = models.CharField(_("decision"), max_length=20, choices=Decision)
    ends = models.DateField(_("AppleCare ends"))
    until = models.DateField(_("waits again from"), null=True, help_text="Null: not again before this end.")
    note = models.CharField(_("note"), max_length=300, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=200)
    decided_by_id = models.CharField(max_length=100)
    decided_at = models.DateTimeField(_("decided"))
    with_others = models.BooleanField(
        default=False,
        help_text="Together with others: the audit trail's entry is not about this device alone.",
    )

    class Meta:
        verbose_name = _("follow-up of AppleCare")
        verbose_name_plural = _("follow-ups of AppleCare")
        constraints = [
            models.CheckConstraint(
                condition=Q(decision="acknowledged")
                | Q(decision="snoozed", until__isnull=False)
                | Q(decision__in=["will_not_renew", "reopened"], until__isnull=True),
                name="follow_up_waits_again_as_decided",
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__lte=models.F("ends")),
                name="follow_up_waits_again_before_the_end",
            ),
        ]

    def __str__(self) -> str:
        return f"follow-up of {self.device_id}"


class ToldMilestone(models.Model):
    """That the end of a device's AppleCare was told so many days before it: once for each end and milestone."""

    device = models.ForeignKey("inventory.Device", models.CASCADE, related_name="+")
    ends = models.DateField(db_index=True)
    milestone = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device", "ends", "milestone"], name="milestone_told_once")
        ]

    def __str__(self) -> str:
        return f"{self.milestone} days before {self.ends}: {self.device_id}"
