"""Text that is encrypted in the database with the first of HOMEROOM_SECRET_KEYS."""

import base64
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models


class SecretCannotBeRead(Exception):  # noqa: N818
    """None of the configured keys opens a stored secret."""

    def __init__(self) -> None:
        super().__init__(
            "A stored secret can't be decrypted with the keys of this installation. "
            "Put the key it was saved with back into HOMEROOM_SECRET_KEYS (after the first one)."
        )


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """A text that never stands readable in the database. It can't be searched or compared in queries."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return value and _cipher(_keys()).encrypt(value.encode()).decode()

    def value_to_string(self, obj: models.Model) -> str:
        """Serialized objects lack their secret."""
        return ""

    def from_db_value(self, value: str | None, *_context: Any) -> str | None:
        if not value:
            return value
        try:
            return _cipher(_keys()).decrypt(value.encode()).decode()
        except InvalidToken:
            raise SecretCannotBeRead from None


def _keys() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@cache
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"homeroom stored secrets")
    return base64.urlsafe_b64encode(derivation.derive(key.encode()))
