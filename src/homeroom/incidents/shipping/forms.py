from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from homeroom.incidents.models import Incident, Shipment
from homeroom.insurance.queries import today


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class ShippingForm(forms.Form):
    """When it was shipped, and why in spite of what speaks against it."""

    shipped_on = forms.DateField(
        label=_("Shipped on"),
        widget=_day(),
        help_text=_("Today, or the earlier day on which it left the house."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Needed as long as something speaks against sending. It is kept in the audit trail."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shipped_on"].initial = today()
        self.fields["shipped_on"].widget.attrs["max"] = today().isoformat()


class SendForm(ShippingForm):
    repair_number = forms.CharField(
        label=_("Apple repair number"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "autocomplete": "off"}),
        help_text=_("If Apple gave one. A replacement that carries it is recognized with certainty."),
    )
    field_order = ("repair_number", "shipped_on", "reason")


class ShippingDayForm(ShippingForm):
    """The day, corrected; here the reason is always needed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = True
        self.fields["reason"].help_text = _(
            "For example: the status was set the day after. Kept in the audit trail."
        )


class ShipmentForm(forms.ModelForm[Shipment]):
    class Meta:
        model = Shipment
        fields = ("reference", "carrier", "tracking_number")
        widgets = {
            "tracking_number": forms.TextInput(attrs={"autocapitalize": "characters", "autocomplete": "off"})
        }


class OpenInPlaceForm(forms.Form):
    """As little as an incident needs, for a device that is about to go into a box."""

    device = forms.IntegerField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[
            choice
            for choice in Incident.Kind.choices
            if choice[0] not in {Incident.Kind.LOST, Incident.Kind.STOLEN}
        ],
        initial=Incident.Kind.SCREEN,
    )
    summary = forms.CharField(
        label=_("What is wrong"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
