from email.utils import parseaddr
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from homeroom.leases import Leased
from homeroom.notifications.kinds import Delivery, Kind, kind_of


class Fact(models.Model):
    """Something that happened and is told once, however often it is said. What was told long ago keeps its key only."""

    kind = models.CharField(_("kind"), max_length=100)
    key = models.CharField(
        _("fact"), max_length=200, help_text="Told apart by the app that tells it, within the kind."
    )
    context = models.JSONField(null=True, help_text="What the templates need; null once it is forgotten.")
    path = models.CharField(
        max_length=500, blank=True, help_text="The page about it, below the base address."
    )
    site_ids = models.JSONField(default=list, help_text="Sites it tells of; who can't see one is not told.")
    told_at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="fact_told_once")]
        indexes = [
            models.Index(fields=["told_at"], condition=Q(context__isnull=False), name="fact_not_forgotten")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def registered_kind(self) -> Kind | None:
        return kind_of(self.kind)

    @property
    def title(self) -> str:
        """What kind of fact it is, in words; its key where the app that told it is gone."""
        kind = self.registered_kind
        return str(kind.label) if kind else self.kind


def new_message_id() -> str:
    """Made with the row and never changed: whoever gets a mail twice after all can tell."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<{uuid4().hex}@{domain or 'localhost'}>"


class Mail(Leased):
    """One mail to one person: of one fact, or a day's digest of several. Rendered when it is sent."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        DROPPED = "dropped", _("Not sent")

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("recipient")
    )
    message_id = models.CharField(max_length=255, unique=True, default=new_message_id, editable=False)
    digest_day = models.DateField(
        _("digest of"), null=True, help_text="The recipient's day; null for a mail of one fact."
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    queued_at = models.DateTimeField(_("queued"), default=timezone.now)
    due_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    address = models.EmailField(_("address"), blank=True, help_text="Where it was last sent to.")
    note = models.TextField(_("note"), blank=True, help_text="Why it waits, failed or was not sent.")
    settled_at = models.DateTimeField(
        _("settled"), null=True, help_text="When it was sent, failed or was dropped."
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = _("mail")
        verbose_name_plural = _("mails")
        constraints = [
            models.UniqueConstraint(fields=["recipient", "digest_day"], name="one_digest_a_day"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state__in=["queued", "sending"]), name="mail_due"),
            models.Index(fields=["state", "-id"], name="mail_state"),
            models.Index(fields=["settled_at"], name="mail_settled"),
        ]

    def __str__(self) -> str:
        return self.message_id

    @property
    def can_be_hurried(self) -> bool:
        """Whether a person may have it tried again at once."""
        return self.state in {self.State.QUEUED, self.State.FAILED}


class Telling(models.Model):
    """That one person is told one fact. Without a mail it waits for the next digest."""

    fact = models.ForeignKey(Fact, models.CASCADE, related_name="tellings")
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    in_digest = models.BooleanField()
    mail = models.ForeignKey(Mail, models.CASCADE, null=True, related_name="tellings")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["fact", "recipient"], name="fact_told_to_each_once"),
            models.CheckConstraint(
                condition=Q(in_digest=True) | Q(mail__isnull=False), name="told_at_once_by_a_mail"
            ),
        ]
        indexes = [
            models.Index(fields=["recipient"], condition=Q(mail__isnull=True), name="telling_awaits_digest")
        ]

    def __str__(self) -> str:
        return f"{self.fact_id} to {self.recipient_id}"


class Preference(models.Model):
    """How one person chose to be told of a kind. No row: by the kind's default for their role."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=100)
    delivery = models.CharField(max_length=10, choices=Delivery)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="one_preference_a_kind")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.delivery}"
