from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.dates import MONTHS
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Viewer
from homeroom.inventory.filters import NOTHING, exactly
from homeroom.inventory.models import Device, Site
from homeroom.inventory.queries import visible_sites
from homeroom.reports.models import SavedView
from homeroom.reports.queries.statistics import Choices
from homeroom.reports.statistics.figures import Prices
from homeroom.reports.statistics.tally import Values
from homeroom.reports.verbs.settings import FAMILIES

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
