from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Viewer
from homeroom.inventory import queries
from homeroom.inventory.models import Device, DeviceStatus, Person, Site
from homeroom.inventory.verbs.statuses import default_status


def _offer_sites(field: forms.Field, viewer: Viewer) -> None:
    """Only the sites that the viewer sees; where that is one, it is chosen already."""
    assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - narrows the type
    field.queryset = queries.visible_sites(viewer)
    if viewer.site_ids is not None and len(viewer.site_ids) == 1:
        field.initial = next(iter(viewer.site_ids))
        field.empty_label = None


class DeviceForm(forms.ModelForm[Device]):
    """A device as people type it. A status that an integration has set is not in the form: it stays."""

    class Meta:
        model = Device
        fields: tuple[str, ...] = (
            "asset_tag",
            "serial_number",
            "name",
            "site",
            "status",
            "manufacturer",
            "model",
            "product_family",
            "purchase_date",
            "cost",
            "purchase_order",
            "funding_source",
            "notes",
        )
        widgets = {
            "asset_tag": forms.TextInput(attrs={"autocapitalize": "characters", "autocomplete": "off"}),
            "serial_number": forms.TextInput(
                attrs={"autocapitalize": "characters", "autocomplete": "off", "spellcheck": "false"}
            ),
            "purchase_date": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "cost": forms.NumberInput(attrs={"step": "0.01", "min": "0", "inputmode": "decimal"}),
            "notes": forms.Textarea(attrs={"rows": 4}),
        }
        help_texts = {
            "serial_number": _("Kept exactly as typed. The sync finds the device by it."),
        }

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_sites(self.fields["site"], viewer)
        if self.instance.pk and self.instance.status.is_system:
            del self.fields["status"]
        else:
            status = self.fields["status"]
            assert isinstance(status, forms.ModelChoiceField)  # noqa: S101 - narrows the type
            status.queryset = queries.choosable_statuses()
            status.empty_label = None
            if not self.instance.pk:
                status.initial = default_status()


class PersonForm(forms.ModelForm[Person]):
    class Meta:
        model = Person
        fields = ("name", "external_id", "email", "kind", "grade", "site", "active")

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_sites(self.fields["site"], viewer)


class SiteForm(forms.ModelForm[Site]):
    class Meta:
        model = Site
        fields = ("name", "kind", "contact_name", "contact_phone", "address")
        widgets = {"address": forms.Textarea(attrs={"rows": 3})}
        help_texts = {
            "contact_name": _("Who is called when a device of this site is found at another."),
        }


class DeviceStatusForm(forms.ModelForm[DeviceStatus]):
    class Meta:
        model = DeviceStatus
        fields = ("name", "kind")
        help_texts = {"kind": _("What the status means to lists, reports and the desk.")}


class AssignmentKindForm(forms.Form):
    """Whose device it becomes: the person's own, or a loan."""

    kind = forms.ChoiceField(
        label=_("As"),
        choices=[("primary", _("Primary: their own device")), ("loaner", _("Loaner: it comes back"))],
        initial="primary",
        widget=forms.RadioSelect,
    )
