from typing import Any

from django import forms

from homeroom.accounts.models import User
from homeroom.notifications.kinds import Delivery
from homeroom.notifications.queries import deliveries


class PreferencesForm(forms.Form):
    """A choice for each kind that the person's role may know."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, delivery in deliveries(user).items():
            self.fields[kind.key] = forms.TypedChoiceField(
                label=str(kind.label),
                help_text=str(kind.help_text),
                choices=Delivery.choices,
                initial=delivery,
                coerce=Delivery,
                required=False,
                empty_value=delivery,
            )

    def chosen(self) -> dict[str, Delivery]:
        """By kind; what was not sent stays as it was."""
        return dict(self.cleaned_data)
