from collections.abc import Collection, Mapping
from datetime import time
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.dates import MONTHS
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.models import User
from homeroom.accounts.policy import Viewer
from homeroom.inventory.exports.formats import Format
from homeroom.inventory.exports.reports import Report
from homeroom.inventory.filters import NOTHING, exactly
from homeroom.inventory.models import Device, Site
from homeroom.inventory.queries import visible_sites
from homeroom.reports.models import ReportSchedule, SavedView
from homeroom.reports.queries.schedules import may_choose_recipients, possible_recipients
from homeroom.reports.queries.statistics import Choices
from homeroom.reports.statistics.figures import Prices
from homeroom.reports.statistics.tally import Values
from homeroom.reports.verbs.schedules import RHYTHMS
from homeroom.reports.verbs.settings import FAMILIES
from homeroom.schedules.forms import ScheduleFields
from homeroom.schedules.schedule import Schedule

MOST_CHOICES = 200
WHICH = forms.Select(attrs={"data-submit": True})


class ChoiceForm(forms.Form):
    """Of which devices: in the address, so that a view can be sent to a colleague."""

    site = forms.ModelChoiceField(
        Site.objects.none(), label=_("Site"), required=False, empty_label=_("Every site"), widget=WHICH
    )
    product_family = forms.ChoiceField(
        choices=[("", _("Every family")), *Device.ProductFamily.choices],
        label=_("Family"),
        required=False,
        widget=WHICH,
    )
    model = forms.CharField(label=_("Model"), required=False, widget=WHICH)
    funding_source = forms.CharField(label=_("Funding source"), required=False, widget=WHICH)

    def __init__(self, data: Mapping[str, Any], *, viewer: Viewer) -> None:
        super().__init__(data)
        site = self.fields["site"]
        assert isinstance(site, forms.ModelChoiceField)  # noqa: S101 - it is declared above
        site.queryset = visible_sites(viewer)

    @property
    def chosen(self) -> Values:
        """Of a valid form."""
        said = self.cleaned_data
        return Values(
            site_id=said["site"].pk if said["site"] else None,
            product_family=said["product_family"] or None,
            model=exactly(said["model"]) if said["model"] else None,
            funding_source=exactly(said["funding_source"]) if said["funding_source"] else None,
        )

    def offer(self, choices: Choices) -> None:
        """The models and funding sources that there are; what is chosen is offered though there be none."""
        for name, every, found in (
            ("model", _("Every model"), choices.models),
            ("funding_source", _("Every source"), choices.funding_sources),
        ):
            chosen = exactly(self.cleaned_data[name]) if self.cleaned_data[name] else None
            offered = dict.fromkeys(list(found)[:MOST_CHOICES])
            if chosen is not None:
                offered.setdefault(chosen)
            widget = self.fields[name].widget
            assert isinstance(widget, forms.Select)  # noqa: S101 - it is declared above
            widget.choices = [("", every)] + [
                (text or NOTHING, text or _("None")) for text in sorted(offered, key=str.casefold)
            ]


class SettingsForm(forms.Form):
    """When the school year starts, and what a renewal costs; one field for each family that AppleCare is for."""

    school_year_starts = forms.TypedChoiceField(
        choices=list(MONTHS.items()), coerce=int, label=_("The school year starts in")
    )

    def __init__(self, data: Mapping[str, Any] | None, *, prices: Prices) -> None:
        costs = {_field(family): prices.renewal_costs.get(family) for family in FAMILIES}
        super().__init__(data, initial=costs | {"school_year_starts": prices.school_year_starts})
        labels = dict(Device.ProductFamily.choices)
        for family in FAMILIES:
            self.fields[_field(family)] = forms.DecimalField(
                label=labels.get(family) or _("Any other device"),
                required=False,
                min_value=Decimal(0),
                max_digits=12,
                decimal_places=2,
            )

    @property
    def renewal_costs(self) -> dict[str, Decimal | None]:
        return {family: self.cleaned_data[_field(family)] for family in FAMILIES}


def _field(family: str) -> str:
    return f"cost_{family.lower() or 'other'}"


class SavedViewForm(forms.ModelForm[SavedView]):
    class Meta:
        model = SavedView
        fields = ("name", "shared")


MONDAY_MORNING = Schedule.weekly(0, time(7))


class PeopleField(forms.ModelMultipleChoiceField[User]):
    """People of the same name are told apart by their address."""

    def label_from_instance(self, obj: User) -> str:
        return f"{obj} ({obj.email})"


class ReportScheduleForm(ScheduleFields):
    """When a report is sent, to whom and how. Without the right to choose others, it is sent to its owner."""

    rhythms = RHYTHMS
    rhythm_label = _("How often")

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Stands in the subject of the mail."),
    )
    recipients = PeopleField(
        User.objects.none(),
        label=_("Recipients"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Each gets the rows that they may see. They can take themselves off."),
        error_messages={"required": _("Choose who gets it.")},
    )
    format = forms.ChoiceField(
        label=_("File"), choices=[(Format.CSV, _("CSV")), (Format.XLSX, _("Excel (XLSX)"))]
    )
    attach = forms.TypedChoiceField(
        label=_("How it comes"),
        choices=[("yes", _("Attached to the mail")), ("no", _("As a link: fetched after signing in"))],
        coerce=lambda chosen: chosen == "yes",
    )
    only_with_rows = forms.BooleanField(
        label=_("Only when there are rows"),
        required=False,
        help_text=_("Else the mail also says that there are none."),
    )

    field_order = ("name", "recipients")

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        report: Report | None,
        viewer: Viewer,
        schedule: ReportSchedule | None = None,
    ) -> None:
        present = [] if schedule is None else list(schedule.recipients.values_list("pk", flat=True))
        super().__init__(data, initial=_shown(report, viewer, schedule, present))
        if not may_choose_recipients(viewer):
            del self.fields["recipients"]
            return
        people = self.fields["recipients"]
        assert isinstance(people, PeopleField)  # noqa: S101 - it is declared above
        possible = possible_recipients(report).values("pk") if report else []
        people.queryset = User.objects.filter(Q(pk__in=possible) | Q(pk__in=present))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        cleaned["schedule"] = self.chosen_schedule()
        return cleaned

    @property
    def people(self) -> Collection[User] | None:
        """None where they can't be chosen."""
        return self.cleaned_data.get("recipients")

    @property
    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("name", "format", "attach", "only_with_rows")}


def _shown(
    report: Report | None, viewer: Viewer, schedule: ReportSchedule | None, present: Collection[int]
) -> dict[str, Any]:
    if schedule is None:
        title = str(report.title) if report else ""
        return ScheduleFields.fields_of(MONDAY_MORNING) | {"name": title, "recipients": [viewer.user_id]}
    return ScheduleFields.fields_of(schedule.schedule) | {
        "name": schedule.name,
        "recipients": present,
        "format": schedule.format,
        "attach": "yes" if schedule.attach else "no",
        "only_with_rows": schedule.only_with_rows,
    }
