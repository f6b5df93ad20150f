"""What people type when they decide about replacements and receive them."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Viewer
from homeroom.applesync.queries.receiving import Receiving, Task, inventory_values
from homeroom.inventory.forms import DeviceForm
from homeroom.inventory.models import Site
from homeroom.inventory.queries import visible_sites

TAG_BOX = {"autocapitalize": "characters", "autocomplete": "off", "spellcheck": "false"}
FIRST = TAG_BOX | {"autofocus": True}


class UndoForm(forms.Form):
    reason = forms.CharField(
        label=_("Why it is undone"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("It stays in the audit trail. The same pairing is not applied again by itself."),
    )


class ReplacementForm(DeviceForm):
    """The replacement as a device of the inventory, filled in from Apple and from the original."""

    class Meta(DeviceForm.Meta):
        fields = (
            "asset_tag",
            "serial_number",
            "model",
            "product_family",
            "site",
            "status",
            "funding_source",
        )
        widgets = DeviceForm.Meta.widgets | {"asset_tag": forms.TextInput(attrs=FIRST)}
        help_texts = {
            "asset_tag": _("Scan the new tag. It may stay empty and be added later."),
            "serial_number": _("As Apple spells it."),
        }

    def __init__(self, *args: Any, standing: Receiving, viewer: Viewer) -> None:
        super().__init__(*args, viewer=viewer, initial=inventory_values(standing.replacement))
        self.fields["serial_number"].disabled = True
        if incident := standing.replacement.incident:
            site = self.fields["site"]
            assert isinstance(site, forms.ModelChoiceField)  # noqa: S101 - narrows the type
            site.queryset = visible_sites(viewer) | Site.objects.filter(pk=incident.device.site_id)


class TagForm(forms.Form):
    """For a replacement that is in the inventory already and has no asset tag."""

    asset_tag = forms.CharField(
        label=_("Asset tag"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs=FIRST),
        help_text=_("Scan the new tag. It may stay empty and be added later."),
    )


class StepsForm(forms.Form):
    """What is left of the checklist, each to be done now or later; everything is chosen at first."""

    def __init__(self, *args: Any, standing: Receiving) -> None:
        super().__init__(*args)
        for step in standing.left:
            if step.task != Task.TAG:
                self.fields[step.task.value] = forms.BooleanField(
                    label=step.sentence, required=False, initial=True
                )

    @property
    def wanted(self) -> dict[str, bool]:
        """As `receive_into_inventory` takes it."""
        names = {Task.ASSIGN: "assign", Task.CLOSE: "close", Task.TAKE_BACK: "take_back_loaner"}
        return {names[Task(name)]: bool(value) for name, value in self.cleaned_data.items()}
