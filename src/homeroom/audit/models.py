from typing import Any, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _

from homeroom.fields import SharedKey


class AuditTrailIsAppendOnly(TypeError):  # noqa: N818 - the name is the sentence
    """Something tried to change or delete what the audit trail already holds."""

    def __init__(self) -> None:
        super().__init__("The audit trail can't be changed; entries are only ever added.")


class AppendOnlyQuerySet(models.QuerySet["Entry"]):
    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AuditTrailIsAppendOnly

    update = _refuse
    delete = _refuse
    bulk_update = _refuse


class Entry(models.Model):
    """One change of the domain: who did what to which object, and what it was before and after."""

    at = models.DateTimeField(_("time"), auto_now_add=True, db_index=True)
    actor_id = models.CharField(_("actor"), max_length=100, db_index=True)
    actor_label = models.CharField(_("actor"), max_length=200)
    action = models.CharField(_("action"), max_length=100, db_index=True)
    object_type = models.CharField(_("kind of object"), max_length=100)
    object_id = models.CharField(_("object"), max_length=100)
    object_label = models.CharField(_("object"), max_length=250)
    before = models.JSONField(_("before"), null=True)
    after = models.JSONField(_("after"), null=True)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        ordering = ["-id"]
        indexes = [models.Index(fields=["object_type", "object_id"], name="audit_entry_object")]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")

    def __str__(self) -> str:
        return f"{self.action} {self.object_label}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AuditTrailIsAppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AuditTrailIsAppendOnly


class PersonalValues(models.Model):
    """Names, addresses and the like of one entry, kept apart so that they alone can be erased."""

    entry = SharedKey(Entry, models.CASCADE, related_name="personal")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    def __str__(self) -> str:
        return f"personal values of entry {self.entry_id}"
