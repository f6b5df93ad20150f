from django import forms

from homeroom.insurance.models import InsuranceRecord
from homeroom.insurance.verbs.manual import EDITABLE


class InsuranceForm(forms.ModelForm[InsuranceRecord]):
    class Meta:
        model = InsuranceRecord
        fields = EDITABLE
        widgets = {
            name: forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
            for name in ("starts", "ends", "cancelled_on")
        }
