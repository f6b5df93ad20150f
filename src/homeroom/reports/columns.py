"""A report's rows as a table: its columns made from the report's, its values as people read them."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.db.models import QuerySet
from django.template.defaultfilters import yesno
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from homeroom.inventory.exports.reports import ReportColumn, Selectable
from homeroom.inventory.views.lists import RowsByKey
from homeroom.reports.queries.keys import Keys
from homeroom.reports.selection import Reading

Record = dict[str, Any]
NOTHING = "\N{EN DASH}"


class RowsInOrder(RowsByKey):
    """The selection has put them in order, for files as well as for the page."""

    def __init__(self, rows: QuerySet[Any], keys: Keys, paths: Iterable[str]) -> None:
        super().__init__(rows.values(*paths))
        self.in_order = keys

    @property
    def keys(self) -> Keys:
        return self.in_order

    def order_by(self, aliases: Any) -> None:
        pass


class ReportTable(tables.Table):
    class Meta:
        attrs = {"class": "table table-vcenter card-table report-rows"}  # noqa: RUF012 - as django-tables2 has it
        orderable = False
        template_name = "reports/_table.html"

    def drawn_rows(self) -> Iterator[SafeString]:
        """The cells of each row. What is a column's is asked once, not for each cell."""
        columns = [(column.attrs["td"].as_html(), column.column) for column in self.columns]
        for row in self.paginated_rows:
            cells = (
                (attributes, conditional_escape(column.render(row.record))) for attributes, column in columns
            )
            yield SafeString("".join(f"<td {attributes}>{content}</td>" for attributes, content in cells))


class Cell(tables.Column):
    """On a phone, each value stands beside its column's name."""

    empty_values = ()

    def __init__(self, column: ReportColumn) -> None:
        super().__init__(
            verbose_name=str(column.heading),
            accessor="pk",
            orderable=bool(column.sort),
            attrs={"td": {"data-label": str(column.heading)}},
        )
        self.of = column

    def render(self, record: Record) -> str:
        value = record[self.of.source]
        value = None if value == "" else value
        if self.of.convert is not None:
            value = self.of.convert(value)
        text = readable(value if self.of.show is None or value is None else self.of.show(value))
        link = self.of.link
        if link is None or value is None or record[link.path] is None:
            return text
        return format_html('<a href="{}">{}</a>', reverse(link.url_name, args=[record[link.path]]), text)


class Choice(tables.Column):
    """A box for each row, of the form that stands above the table."""

    def __init__(self, selectable: Selectable, named: ReportColumn) -> None:
        super().__init__(
            verbose_name=gettext_lazy("Chosen"),
            accessor="pk",
            orderable=False,
            attrs={"td": {"class": "w-1"}},
        )
        self.selectable = selectable
        self.named = named

    def render(self, record: Record) -> str:
        label = _("Choose %(label)s") % {"label": record[self.named.source] or record["pk"]}
        return format_html(
            '<input class="form-check-input m-0" type="checkbox" name="{}" value="{}" form="chosen" aria-label="{}">',
            self.selectable.name,
            f"{record['pk']} {record[seen]}" if (seen := self.selectable.seen) else record["pk"],
            label,
        )


def report_table(reading: Reading, keys: Keys, selectable: Selectable | None) -> tables.Table:
    """`keys` are those of the rows, in order; `selectable` is what the viewer may do with them."""
    shown = reading.shown
    cells: list[tuple[str, tables.Column]] = [(column.name, Cell(column)) for column in shown]
    if selectable is not None:
        cells.insert(0, ("chosen", Choice(selectable, shown[0])))
    paths = ["pk", *(column.source for column in shown)]
    if selectable is not None and selectable.seen:
        paths.append(selectable.seen)
    paths += [column.link.path for column in shown if column.link is not None]
    return ReportTable(
        RowsInOrder(reading.selection.known, keys, dict.fromkeys(paths)),
        extra_columns=cells,
        order_by=reading.sort,
    )


def readable(value: Any) -> str:
    """A value as people of this language and time zone read it."""
    match value:
        case None:
            return NOTHING
        case bool():
            return str(yesno(value, _("yes,no")))
        case datetime():
            return date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT")
        case date():
            return date_format(value, "DATE_FORMAT")
        case Decimal():
            return str(number_format(value, 2))
        case _:
            return str(value)
