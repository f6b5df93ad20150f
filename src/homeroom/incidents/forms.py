from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.models import User
from homeroom.incidents import queries
from homeroom.incidents.models import Incident, IncidentStatus
from homeroom.inventory.models import Device


class IncidentStatusForm(forms.ModelForm[IncidentStatus]):
    class Meta:
        model = IncidentStatus
        fields = ("name", "is_open")


class FilesInput(forms.ClearableFileInput):
    """Several files; what several inputs of the same name brought is one list."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        return [super(FilesField, self).clean(one, initial) for one in data or []]


class NewIncidentForm(forms.ModelForm[Incident]):
    """What is known at the desk in half a minute. What a photo or file is, the verb tells by its content."""

    file = FilesField(required=False, label=_("Photos and files"))

    class Meta:
        model = Incident
        fields = ("kind", "summary", "description", "technician")
        widgets = {
            "kind": forms.RadioSelect,
            "summary": forms.TextInput(attrs={"autocomplete": "off", "enterkeyhint": "done"}),
            "description": forms.Textarea(attrs={"rows": 3}),
        }

    def __init__(self, *args: Any, device: Device, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_technicians(self.fields["technician"], device)


class IncidentForm(forms.ModelForm[Incident]):
    """What people wrote of it. Its status has a page of its own, and the rest is written by verbs alone."""

    class Meta:
        model = Incident
        fields = ("summary", "kind", "description", "technician", "repair_number")
        widgets = {
            "description": forms.Textarea(attrs={"rows": 5}),
            "repair_number": forms.TextInput(attrs={"autocapitalize": "characters", "autocomplete": "off"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_technicians(self.fields["technician"], self.instance.device, self.instance.technician)


def _offer_technicians(field: forms.Field, device: Device, present: User | None = None) -> None:
    """Those who see the device's site, and whoever has it now."""
    assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - narrows the type
    field.queryset = queries.technicians(device.site)
    if present is not None:
        field.queryset |= User.objects.filter(pk=present.pk)
    field.empty_label = str(_("Nobody yet"))
