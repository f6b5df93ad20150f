from collections.abc import Iterable

import django_tables2 as tables
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from homeroom.inventory.imports.columns import FIELDS
from homeroom.inventory.imports.models import ImportJob, ImportRow

TONES: dict[str, str] = {
    ImportRow.Outcome.CREATED: "green",
    ImportRow.Outcome.UPDATED: "blue",
    ImportRow.Outcome.REFUSED: "red",
    ImportJob.State.APPLIED: "green",
    ImportJob.State.PLANNED: "blue",
    ImportJob.State.REFUSED: "red",
    ImportJob.State.FAILED: "red",
}


def _badge(value: str, label: str | Promise) -> SafeString:
    tone = TONES.get(value, "secondary")
    return format_html('<span class="badge bg-{}-lt">{}</span>', tone, label)


class ImportTable(tables.Table):
    file_name = tables.Column(linkify=True)
    refused = tables.Column(verbose_name=_("refused"))

    class Meta:
        model = ImportJob
        fields = (
            "file_name",
            "noun",
            "state",
            "created",
            "updated",
            "unchanged",
            "refused",
            "requested_by_label",
            "requested_at",
        )
        order_by = "-requested_at"
        empty_text = _("Nothing has been imported yet.")
        attrs = {"class": "table table-vcenter card-table"}

    def render_state(self, record: ImportJob) -> SafeString:
        return _badge(record.state, record.get_state_display())


class ImportRowTable(tables.Table):
    details = tables.Column(verbose_name=_("What happens"), empty_values=(), orderable=False)

    class Meta:
        model = ImportRow
        fields = ("number", "outcome", "label", "details")
        order_by = "number"
        empty_text = _("No rows to show.")
        attrs = {"class": "table table-vcenter card-table"}

    def __init__(self, *args: object, noun: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._labels = {field.name: field.label for field in FIELDS[noun]}

    def render_outcome(self, record: ImportRow) -> SafeString:
        return _badge(record.outcome, record.get_outcome_display())

    def render_details(self, record: ImportRow) -> SafeString:
        if record.outcome == ImportRow.Outcome.REFUSED:
            return _lines((column, problem) for column, problem in record.problems)
        if record.outcome == ImportRow.Outcome.CREATED:
            return _lines((self._labels[name], after) for name, _before, after in record.changes)
        return _lines(
            (self._labels[name], format_html("{} → {}", before or "—", after or "—"))
            for name, before, after in record.changes
        )


def _lines(pairs: Iterable[tuple[str | Promise, str]]) -> SafeString:
    return format_html_join(
        "",
        '<div><span class="text-secondary">{}</span> {}</div>',
        ((format_html("{}:", label) if label else "", text) for label, text in pairs),
    )
