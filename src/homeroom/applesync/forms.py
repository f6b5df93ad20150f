from copy import copy
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from appleschool import PrivateKey, PrivateKeyError
from homeroom.applesync import schedules
from homeroom.applesync.models import Connection
from homeroom.applesync.verbs.connections import Changes, pem_text, wrong_kind
from homeroom.schedules.forms import ScheduleFields

LARGEST_KEY_FILE = 64 * 1024
PLAIN_TEXT = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "class": "text-mono"}


class WriteOnlyTextarea(forms.Textarea):
    """What is typed here goes to the server and never comes back."""

    def format_value(self, value: Any) -> None:
        return None


class ConnectionForm(forms.ModelForm, ScheduleFields):  # type: ignore[type-arg]
    """The account at Apple. The private key is pasted or chosen as a file; left out, the stored one stays."""

    rhythms = schedules.RHYTHMS
    rhythm_label = _("Syncs")

    private_key = forms.CharField(
        label=_("Private key"),
        required=False,
        strip=False,
        widget=WriteOnlyTextarea(
            attrs=PLAIN_TEXT | {"rows": 5, "placeholder": "-----BEGIN PRIVATE KEY-----"}
        ),
        help_text=_("The whole text of the file that Apple gave you, with its BEGIN and END lines."),
    )
    private_key_file = forms.FileField(
        label=_("Or the private key as a file"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".pem,.key,.p8,.txt"}),
        help_text=_("The .pem file that Apple let you download once."),
    )

    field_order = [
        "name",
        "kind",
        "team_id",
        "client_id",
        "key_id",
        "private_key",
        "private_key_file",
        "sync_coverage",
        "process_replacements",
        "apply_replacements",
    ]

    class Meta:
        model = Connection
        fields = [
            "name",
            "kind",
            "team_id",
            "client_id",
            "key_id",
            "sync_coverage",
            "process_replacements",
            "apply_replacements",
        ]
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
            "team_id": forms.TextInput(attrs=PLAIN_TEXT),
            "client_id": forms.TextInput(attrs=PLAIN_TEXT),
            "key_id": forms.TextInput(attrs=PLAIN_TEXT),
        }
        help_texts = {
            "name": _("What your staff call this account, for example the district's name."),
            "client_id": _("Begins with SCHOOLAPI. or BUSINESSAPI."),
            "sync_coverage": _("Limited warranty and AppleCare of every device that Homeroom knows."),
            "process_replacements": _("Recognize the device that Apple sent in place of a broken one."),
            "apply_replacements": _(
                "Where only one explanation is left. Off: a person decides about every one."
            ),
        }
        error_messages = {
            "name": {
                "required": _("Give the connection a name."),
                "unique": _("There is already a connection of this name."),
            },
            "client_id": {"required": _("Copy the Client ID from the API account at Apple.")},
            "key_id": {"required": _("Copy the Key ID from the API account at Apple.")},
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial.update(self.fields_of(self.instance.schedule))

    def clean_private_key_file(self) -> str:
        file: UploadedFile[bytes] | None = self.cleaned_data["private_key_file"]
        if file is None:
            return ""
        if file.size is None or file.size > LARGEST_KEY_FILE:
            raise forms.ValidationError(
                _("This file is too large to be a private key. Choose the .pem file.")
            )
        return pem_text(file.read())

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        field = "private_key" if self._pasted else "private_key_file"
        if pem := self.pem:
            try:
                PrivateKey.from_pem(pem)
            except PrivateKeyError as error:
                self.add_error(field, f"{error.sentence} {error.fix}")
        elif not self.instance.pk and "private_key_file" not in self.errors:
            self.add_error("private_key", _("Paste the private key, or choose its file."))
        if sentence := wrong_kind(cleaned.get("kind", ""), cleaned.get("client_id", "")):
            self.add_error("client_id", sentence)
        cleaned["schedule"] = self.chosen_schedule()
        if self.errors and self.pem:
            self.add_error(
                None, _("Please give the private key again: for safety it is never sent back to the browser.")
            )
        return cleaned

    @property
    def _pasted(self) -> str:
        pasted: str = self.cleaned_data.get("private_key", "")
        return pasted if pasted.strip() else ""

    @property
    def pem(self) -> str:
        """The key as it was given here, empty if none was."""
        return self._pasted or self.cleaned_data.get("private_key_file", "")

    def draft(self) -> Connection:
        """What the form says as an unsaved connection, for a test; also of a form that isn't valid."""
        uses_stored_key = self.instance.pk and not self.pem
        draft = copy(self.instance) if uses_stored_key else Connection(private_key=self.pem)
        draft.kind = self.cleaned_data.get("kind", Connection.Kind.SCHOOL)
        for name in ("team_id", "client_id", "key_id"):
            setattr(draft, name, self.data.get(name, "").strip())
        return draft

    def changes(self) -> Changes:
        cleaned = self.cleaned_data
        return Changes(
            name=cleaned["name"],
            kind=Connection.Kind(cleaned["kind"]),
            team_id=cleaned["team_id"],
            client_id=cleaned["client_id"],
            key_id=cleaned["key_id"],
            private_key=self.pem or None,
            sync_coverage=cleaned["sync_coverage"],
            process_replacements=cleaned["process_replacements"],
            apply_replacements=cleaned["apply_replacements"],
            schedule=cleaned["schedule"],
        )
