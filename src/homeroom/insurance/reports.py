"""AppleCare Expiring Soon and Devices Without AppleCare: of current devices, those of another make aside."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import django_filters as filters
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from homeroom.accounts.policy import Permission, Viewer
from homeroom.insurance import queries
from homeroom.insurance.exports import with_coverage_today
from homeroom.insurance.lists import LONGEST, STATES
from homeroom.insurance.models import InsuranceRecord, Kind
from homeroom.insurance.queries import CHECK, SUMMARY, today
from homeroom.insurance.rules import CoverageState, FollowUpState
from homeroom.inventory.exports.reports import (
    Apart,
    Report,
    ReportColumn,
    Selectable,
    register_report,
    register_report_columns,
)
from homeroom.inventory.filters import CURRENT, DeviceFilter, with_default
from homeroom.inventory.makes import of_another_make
from homeroom.inventory.models import Device, DeviceStatus
from homeroom.inventory.queries import CURRENT_KINDS, current, visible_devices
from homeroom.inventory.reporting import DEVICE_COLUMNS, PURCHASE_COLUMNS, with_people
from homeroom.plans import Unindexed

EXPIRING = "applecare-expiring"
WITHOUT = "without-applecare"
SOON = 90
"""Days ahead, unless somebody says otherwise."""
FOLLOW_UP_STATES = (
    (FollowUpState.WAITING.value, _("Waiting")),
    (FollowUpState.ACKNOWLEDGED.value, _("Acknowledged")),
    (FollowUpState.SNOOZED.value, _("Snoozed")),
    (FollowUpState.WILL_NOT_RENEW.value, _("Will not renew")),
)


class QuestionFilter(DeviceFilter):
    """The filters of the list of devices, but for those that the report has decided already."""

    decided: tuple[str, ...] = ("make", "coverage", "expiring", "ends")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.decided:
            if name not in self.base_filters:
                self.filters.pop(name, None)
        kinds = [(kind.value, kind.label) for kind in CURRENT_KINDS]
        self.filters["status_kind"].extra["choices"] = kinds
        self.filters["status"].queryset = DeviceStatus.objects.filter(kind__in=CURRENT_KINDS)


class ExpiringFilter(QuestionFilter):
    days = filters.NumberFilter(label=_("Ends within days"), method="within", min_value=0, max_value=LONGEST)
    follow_up = filters.ChoiceFilter(
        label=_("Decision"),
        method="by_follow_up",
        choices=FOLLOW_UP_STATES,
        empty_label=_("Decided or not"),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(with_default(data, days=SOON), *args, **kwargs)

    def within(self, devices: QuerySet[Device], _name: str, days: Any) -> QuerySet[Device]:
        day = today()
        return queries.ending(devices, day, until=day + timedelta(days=int(days)))

    def by_follow_up(self, devices: QuerySet[Device], _name: str, state: str) -> QuerySet[Device]:
        return queries.in_follow_up(devices, state, today())


class WithoutFilter(QuestionFilter):
    coverage = filters.ChoiceFilter(
        label="AppleCare",
        method="by_state",
        choices=[state for state in STATES if state[0] in (CoverageState.ENDED, CoverageState.NONE)],
        empty_label=_("Ended or none"),
    )

    def by_state(self, devices: QuerySet[Device], _name: str, state: str) -> QuerySet[Device]:
        return queries.in_state(devices, state, today())


def register_coverage_reports() -> None:
    register_report(
        Report(
            name=EXPIRING,
            title=_("AppleCare Expiring Soon"),
            about=_("Devices that AppleCare covers today, and not any more after so many days."),
            rows=lambda viewer: queries.ending_some_day(viewer, today()),
            known=Device.objects.all,
            filter=ExpiringFilter,
            order="coverage_ends",
            found_in_order=("coverage_ends", "days_left"),
            permission=Permission.VIEW_INVENTORY,
            empty=_("No device's AppleCare ends in this time."),
            place=10,
            selection=Selectable(
                "insurance/_deciding.html",
                Permission.EDIT_INSURANCE,
                action="insurance:follow-ups",
                seen=f"{SUMMARY}applecare_until",
            ),
        ),
        DEVICE_COLUMNS,
        annotate=with_people,
    )
    register_report_columns(EXPIRING, _ENDING_COLUMNS, annotate=_with_agreement, order=20)
    register_report_columns(EXPIRING, _FOLLOW_UP_COLUMNS, annotate=_with_follow_up, order=25)
    register_report(
        Report(
            name=WITHOUT,
            title=_("Devices Without AppleCare"),
            about=_("Devices whose AppleCare has ended, and those for which Apple says that there is none."),
            rows=lambda viewer: queries.without_applecare(viewer, today()),
            known=Device.objects.all,
            filter=WithoutFilter,
            order="asset_tag",
            in_order=("asset_tag", "serial_number", "name", "purchase_date", "cost"),
            permission=Permission.VIEW_INVENTORY,
            empty=_("Every device whose coverage is known has AppleCare."),
            place=20,
            apart=(
                Apart(_unknown, _of_unknown, lambda query: _in_list(query, make="apple", coverage="unknown")),
                Apart(_of_other_makes, _of_others, lambda query: _in_list(query, make="other")),
            ),
        ),
        DEVICE_COLUMNS,
        annotate=with_people,
    )
    register_report_columns(WITHOUT, _WITHOUT_COLUMNS, annotate=with_coverage_today, order=20)
    for name in (EXPIRING, WITHOUT):
        register_report_columns(name, PURCHASE_COLUMNS, order=30)


def _state(state: str | None) -> Any:
    return dict(STATES).get(state or "")


def _follow_up(state: str) -> Any:
    return dict(FOLLOW_UP_STATES)[state]


def _days_left(ends: date | None) -> int | None:
    return (ends - today()).days if ends else None


_BY_END = (f"{SUMMARY}applecare_until", "pk")
_CHECKED = ReportColumn(
    "coverage_checked_at", f"{CHECK}succeeded_at", heading=_("Coverage checked"), shown=False
)
_ENDING_COLUMNS = (
    ReportColumn("plan", f"{SUMMARY}applecare_plan", heading=_("Plan")),
    ReportColumn("agreement_number", heading=_("Agreement number"), shown=False),
    ReportColumn("coverage_ends", f"{SUMMARY}applecare_until", heading=_("AppleCare ends"), sort=_BY_END),
    ReportColumn("days_left", f"{SUMMARY}applecare_until", _days_left, heading=_("Days left"), sort=_BY_END),
    _CHECKED,
)
_FOLLOW_UP_COLUMNS = (
    ReportColumn("follow_up", heading=_("Decision"), sort=("follow_up", "pk"), show=_follow_up),
    ReportColumn(
        "follow_up_until", heading=_("Waits again from"), sort=("follow_up_until", "pk"), shown=False
    ),
    ReportColumn("decided_by", heading=_("Decided by"), sort=("decided_by", "pk"), shown=False),
    ReportColumn("follow_up_note", heading=_("Note"), shown=False),
)
_WITHOUT_COLUMNS = (
    ReportColumn("coverage", heading="AppleCare", sort=("coverage", "pk"), show=_state),
    ReportColumn("coverage_ended", f"{SUMMARY}applecare_until", heading=_("Ended on"), sort=_BY_END),
    ReportColumn("plan", f"{SUMMARY}applecare_plan", heading=_("Last plan"), shown=False),
    ReportColumn("warranty", heading=_("Limited warranty"), show=_state, shown=False),
    ReportColumn("warranty_ends", heading=_("Warranty ends"), sort=("warranty_ends", "pk"), shown=False),
    _CHECKED,
)


def _with_agreement(devices: QuerySet[Any], _viewer: Viewer) -> QuerySet[Any]:
    """The agreement of the record that lasts longest."""
    of_device = InsuranceRecord.objects.filter(device=OuterRef("pk"))
    # Few of a device, in whatever order: in that of their ends SQLite would pass by those of all devices.
    records = of_device.alias(of_kind=Unindexed("kind")).filter(of_kind=Kind.APPLECARE)
    latest = records.exclude(agreement_number="").order_by("-ends", "-pk").values("agreement_number")
    with_agreement: QuerySet[Any] = devices.annotate(agreement_number=Subquery(latest[:1]))
    return with_agreement


def _with_follow_up(devices: QuerySet[Any], _viewer: Viewer) -> QuerySet[Any]:
    return queries.with_follow_up(devices, today())


def _unknown(viewer: Viewer) -> QuerySet[Device]:
    return queries.in_state(queries.in_question(viewer), CoverageState.UNKNOWN, today())


def _of_other_makes(viewer: Viewer) -> QuerySet[Device]:
    return current(visible_devices(viewer)).filter(Q(of_another_make()))


def _of_unknown(number: int, shown: str) -> str:
    sentence = ngettext(
        "Of %(shown)s more device the coverage is not known, so it is not in this report.",
        "Of %(shown)s more devices the coverage is not known, so they are not in this report.",
        number,
    )
    return sentence % {"shown": shown}


def _of_others(number: int, shown: str) -> str:
    sentence = ngettext(
        "%(shown)s device of another make, for which there is no AppleCare, is left out.",
        "%(shown)s devices of another make, for which there is no AppleCare, are left out.",
        number,
    )
    return sentence % {"shown": shown}


def _in_list(query: str, **more: str) -> str:
    """The list of devices, whose filters have the same names."""
    told = QueryDict(query, mutable=True)
    for name in ("columns", "sort", "coverage"):
        told.pop(name, None)
    told.setdefault("status_kind", CURRENT)
    told.update(more)
    return f"{reverse('inventory:devices')}?{urlencode(list(told.items()))}"
