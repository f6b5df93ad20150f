from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.models import ApiToken, User
from homeroom.accounts.policy import Role


def _time_zones() -> list[tuple[str, Any]]:
    district = _("The district's: %(zone)s") % {"zone": settings.TIME_ZONE}
    return [("", district), *((zone, zone.replace("_", " ")) for zone in sorted(available_timezones()))]


class UserForm(forms.ModelForm[User]):
    """An account as administrators see it. A new one needs a password; of an old one it may be replaced."""

    password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = User
        fields = ("name", "email", "role", "sites", "is_active")
        widgets = {"sites": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        password = self.fields["password"]
        if self.instance.pk is None:
            password.required = True
            password.help_text = _("Give it to them in person; they can change it after signing in.")
        else:
            password.help_text = _("Leave it empty to keep the present one.")

    def values(self) -> dict[str, Any]:
        chosen = {name: self.cleaned_data[name] for name in ("name", "email", "is_active")}
        return chosen | {"role": Role(self.cleaned_data["role"])}

    def site_ids(self) -> list[int]:
        return [site.pk for site in self.cleaned_data["sites"]]


class PreferencesForm(forms.ModelForm[User]):
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False, choices=_time_zones)

    class Meta:
        model = User
        fields = ("name", "time_zone")


class TokenForm(forms.ModelForm[ApiToken]):
    class Meta:
        model = ApiToken
        fields = ("name", "scope", "expires_on")
        widgets = {"expires_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
