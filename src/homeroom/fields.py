"""Fields that Django lacks."""

from typing import Any

from django.db import IntegrityError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, OneToOneField


class SharedKey(OneToOneField[Any, Any]):
    """A primary key that is another table's: of each of its rows there is one row here, or none.

    SQLite keeps rows in the order of a key that is an `integer`. Of Django's `bigint` it makes an index beside, and
    each lookup is two. It would take a missing key for a wish to be given the next number: so none may be missing.
    """

    def __init__(self, to: type[Model] | str, on_delete: Any, **options: Any) -> None:
        options["primary_key"] = True
        super().__init__(to, on_delete, **options)

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        if value is None:
            raise IntegrityError(f"A row of {self.model._meta.label} needs its {self.name}.")
        return super().get_db_prep_save(value, connection)

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        return "integer" if connection.vendor == "sqlite" else super().db_type(connection)
