from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Viewer
from homeroom.applesync.models import AppleDevice
from homeroom.applesync.verbs.reconciliation import values_of
from homeroom.inventory.forms import DeviceForm
from homeroom.inventory.models import DeviceStatus, Site
from homeroom.inventory.queries import choosable_statuses, visible_sites
from homeroom.inventory.verbs.statuses import default_status


class AddFromAppleForm(DeviceForm):
    """A device as Apple lists it. The serial number is Apple's, so that the sync finds the device."""

    class Meta(DeviceForm.Meta):
        widgets = DeviceForm.Meta.widgets | {
            "asset_tag": forms.TextInput(
                attrs={"autocapitalize": "characters", "autocomplete": "off", "autofocus": True}
            )
        }
        help_texts = {
            "asset_tag": _("Scan or type it. It may stay empty and be added later."),
            "serial_number": _("As Apple spells it."),
        }

    def __init__(self, *args: Any, apple: AppleDevice, viewer: Viewer) -> None:
        super().__init__(*args, viewer=viewer, initial=values_of(apple))
        self.fields["serial_number"].disabled = True


class AddManyForm(forms.Form):
    """Where many devices go, and in which status."""

    site = forms.ModelChoiceField(label=_("Site"), queryset=Site.objects.none())
    status = forms.ModelChoiceField(label=_("Status"), queryset=DeviceStatus.objects.none(), empty_label=None)

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        site, status = self.fields["site"], self.fields["status"]
        assert isinstance(site, forms.ModelChoiceField)  # noqa: S101 - narrows the type
        assert isinstance(status, forms.ModelChoiceField)  # noqa: S101 - narrows the type
        site.queryset = visible_sites(viewer)
        if viewer.site_ids is not None and len(viewer.site_ids) == 1:
            site.initial = next(iter(viewer.site_ids))
            site.empty_label = None
        status.queryset = choosable_statuses()
        status.initial = default_status()
