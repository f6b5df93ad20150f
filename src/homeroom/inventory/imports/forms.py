from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from homeroom.inventory.imports.columns import FIELDS
from homeroom.inventory.imports.models import DateOrder, ImportJob, ImportRow, Noun


class UploadForm(forms.Form):
    noun = forms.ChoiceField(label=_("What is in the file"), choices=Noun.choices)
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or XLSX, 50 MB at most. The first row holds the headers."),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
    )


class ColumnsForm(forms.Form):
    """One select for each header of the file, and how the file is to be read."""

    create_sites = forms.BooleanField(
        label=_("Add sites that are new"),
        required=False,
        help_text=_("Otherwise a row that names an unknown site is refused."),
    )
    date_order = forms.ChoiceField(
        label=_("Dates such as 3/4/2026"), choices=DateOrder.choices, required=False
    )

    def __init__(self, *args: Any, job: ImportJob, may_add_sites: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.job = job
        self.fields["create_sites"].initial = job.create_sites
        self.fields["date_order"].initial = job.date_order
        if not may_add_sites:
            del self.fields["create_sites"]
        choices = [("", _("Leave out")), *((field.name, field.label) for field in FIELDS[job.noun])]
        for position, (header, name) in enumerate(zip(job.headers, job.mapping, strict=True)):
            self.fields[f"column_{position}"] = forms.ChoiceField(
                label=header or _("(no header)"), choices=choices, required=False, initial=name
            )

    @property
    def columns(self) -> list[dict[str, Any]]:
        """What the page shows of each column: its header, an example, its select."""
        return [
            {"header": header, "example": example, "field": self[f"column_{position}"]}
            for position, (header, example) in enumerate(
                zip(self.job.headers, self.job.examples, strict=True)
            )
        ]

    def mapping(self) -> list[str]:
        return [self.cleaned_data[f"column_{position}"] for position in range(len(self.job.headers))]


class RowsForm(forms.Form):
    """The filter above the rows of a plan."""

    outcome = forms.ChoiceField(
        label=_("Show"), choices=[("", _("All")), *ImportRow.Outcome.choices], required=False
    )
    q = forms.CharField(label=_("Search"), required=False, widget=forms.TextInput(attrs={"type": "search"}))
