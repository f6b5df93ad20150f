"""Order numbers as Apple's replacements have them, found by the mirror's own index.

`order_number__startswith` sends the letter as a parameter, and a database that plans before it knows the parameter
can't see that the index of such orders fits: it would read every row of a district's mirror.
"""

from typing import Any

from django.db.models import BooleanField, F, Func
from django.db.models.sql.compiler import SQLCompiler


class HasReplacementOrder(Func):
    """Whether the order number begins with R, in the very words of the index `mirror_order_r`."""

    output_field = BooleanField()
    template = r"%(expressions)s LIKE 'R%%%%' ESCAPE '\'"

    def __init__(self) -> None:
        super().__init__(F("order_number"))

    def as_postgresql(self, compiler: SQLCompiler, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="%(expressions)s::text LIKE 'R%%%%'", **extra)
