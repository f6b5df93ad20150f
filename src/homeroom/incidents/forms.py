from django import forms

from homeroom.incidents.models import IncidentStatus


class IncidentStatusForm(forms.ModelForm[IncidentStatus]):
    class Meta:
        model = IncidentStatus
        fields = ("name", "is_open")
