from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from homeroom.insurance.models import InsuranceRecord
from homeroom.insurance.rules import FollowUpState
from homeroom.insurance.verbs.follow_ups import LONGEST_NOTE
from homeroom.insurance.verbs.manual import EDITABLE


class InsuranceForm(forms.ModelForm[InsuranceRecord]):
    class Meta:
        model = InsuranceRecord
        fields = EDITABLE
        widgets = {
            name: forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
            for name in ("starts", "ends", "cancelled_on")
        }


class DecisionForm(forms.Form):
    """What a person decides about AppleCare that ends. Each decision is a button of the page's own."""

    decision = forms.ChoiceField(choices=[(state.value, state.value) for state in FollowUpState])
    until = forms.DateField(required=False, label=_("Snooze until"))
    note = forms.CharField(required=False, label=_("Note"), max_length=LONGEST_NOTE)

    @property
    def problem(self) -> str:
        """The first thing that is wrong, with its field's name."""
        name, sentences = next(iter(self.errors.items()))
        return f"{self.fields[name].label or name}: {sentences[0]}"

    @property
    def decided(self) -> dict[str, Any]:
        """As the verb takes it: the day is there for every button, and meant by one."""
        given = self.cleaned_data
        until = given["until"] if given["decision"] == FollowUpState.SNOOZED else None
        return {"state": FollowUpState(given["decision"]), "until": until, "note": given["note"]}


class DecisionOfOneForm(DecisionForm):
    """The same of one device, whose page showed on which day its AppleCare ends."""

    ends = forms.DateField()
