"""What Apple says of devices in the reports of coverage, and the report of what syncs could not do."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import django_filters as filters
from django.db.models import QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.access import ViewerRequest
from homeroom.accounts.policy import Permission, Viewer
from homeroom.applesync.models import Connection, RunNote, SyncRun
from homeroom.applesync.queries.connections import connections
from homeroom.applesync.queries.details import with_details
from homeroom.applesync.queries.runs import PROBLEMS, sync_problems
from homeroom.insurance.reports import EXPIRING, WITHOUT
from homeroom.inventory.exports.reports import (
    Link,
    Page,
    Report,
    ReportColumn,
    register_report,
    register_report_columns,
)
from homeroom.inventory.filters import search_box, sites_of, with_default
from homeroom.inventory.reporting import identity
from homeroom.web.searching import with_words, within

SYNC_PROBLEMS = "sync-problems"
LATELY = 30
"""Days back, unless somebody says otherwise."""
LONGEST = 36_500
APPLE_COLUMNS = (
    ReportColumn("device_model", "shown_model", heading=_("Model"), sort=("shown_model", "pk")),
    ReportColumn("apple_model", "apple_device__device_model", heading=_("Model at Apple"), shown=False),
    ReportColumn("apple_capacity", heading=_("Capacity"), shown=False),
    ReportColumn("apple_order_number", "apple_device__order_number", heading=_("Order number"), shown=False),
)
"""`device_model` is Apple's name where the device is matched, else as typed, as statistics have it."""


def _connections(request: ViewerRequest) -> QuerySet[Connection]:
    return connections(request.viewer)


class ProblemFilter(filters.FilterSet):
    q = filters.CharFilter(
        label=_("Search"),
        method="search",
        widget=search_box(_("Serial number, tag, note")),
    )
    kind = filters.ChoiceFilter(
        label=_("Kind"),
        choices=[(kind.value, kind.label) for kind in PROBLEMS],
        empty_label=_("Every kind"),
    )
    connection = filters.ModelChoiceFilter(
        label=_("Connection"),
        field_name="run__connection",
        queryset=_connections,
        empty_label=_("Every connection"),
    )
    site = filters.ModelChoiceFilter(
        label=_("Site"), field_name="device__site", queryset=sites_of, empty_label=_("Every site")
    )
    days = filters.NumberFilter(label=_("Noted within days"), method="within", min_value=0, max_value=LONGEST)

    class Meta:
        model = RunNote
        fields = ("q", "kind", "connection", "site", "days")

    def __init__(self, data: Mapping[str, Any] | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(with_default(data, days=LATELY), *args, **kwargs)

    def search(self, notes: QuerySet[RunNote], _name: str, text: str) -> QuerySet[RunNote]:
        return with_words(notes, text, within("serial_number", "device__asset_tag", "text"))

    def within(self, notes: QuerySet[RunNote], _name: str, days: Any) -> QuerySet[RunNote]:
        """By when the sync was asked for, so that the notes of few syncs are looked at."""
        since = timezone.now() - timedelta(days=int(days))
        return notes.filter(run__in=SyncRun.objects.filter(requested_at__gte=since).order_by().values("pk"))


def register_sync_reports() -> None:
    for name in (EXPIRING, WITHOUT):
        register_report_columns(name, APPLE_COLUMNS, annotate=_with_apple, order=10)
    register_report(
        Report(
            name=SYNC_PROBLEMS,
            title=_("Sync problems"),
            about=_(
                "What the last syncs could not read, make sense of or learn, as noted last of each device."
            ),
            rows=sync_problems,
            known=RunNote.objects.all,
            filter=ProblemFilter,
            order="-at",
            in_order=("at",),
            permission=Permission.VIEW_SYNC,
            empty=_("No sync of this time noted a problem."),
            place=80,
            page=Page("applesync:runs", _("Syncs")),
        ),
        _COLUMNS,
    )


def _shown_kind(kind: str) -> Any:
    return RunNote.Kind(kind).label


_COLUMNS = (
    ReportColumn("at", heading=_("Noted"), sort=("at", "pk")),
    ReportColumn("kind", heading=_("Kind"), sort=("kind", "pk"), show=_shown_kind),
    *identity("device__", link=Link("inventory:device", "device_id"))[:1],
    ReportColumn(
        "serial_number",
        heading=_("Serial number"),
        sort=("serial_number", "pk"),
        link=Link("inventory:device", "device_id"),
    ),
    ReportColumn("site", "device__site__name", heading=_("Site"), sort=("device__site__name", "pk")),
    ReportColumn("note", "text", heading=_("Note")),
    ReportColumn("connection", "run__connection__name", heading=_("Connection"), shown=False),
    ReportColumn(
        "run", "run_id", heading=_("Sync"), sort=("run", "pk"), link=Link("applesync:run", "run_id")
    ),
)


def _with_apple(devices: QuerySet[Any], _viewer: Viewer) -> QuerySet[Any]:
    with_apple: QuerySet[Any] = with_details(devices).annotate(
        apple_capacity=KeyTextTransform("deviceCapacity", "apple_device__attributes")
    )
    return with_apple
