"""Which reports there are. Apps register theirs; the command line and pages offer what is here."""

from collections.abc import Iterable

from homeroom.inventory.exports.columns import Annotate, ExportColumn, ExportNoun, register_columns

_reports: dict[str, ExportNoun] = {}


def register_report(
    report: ExportNoun, columns: Iterable[ExportColumn], *, annotate: Annotate | None = None
) -> None:
    """Make a report known under its name, with the columns that every way out of it has."""
    _reports[report.name] = report
    register_columns(report.name, columns, annotate=annotate, order=0)


def reports() -> list[str]:
    return sorted(_reports)


def report_named(name: str) -> ExportNoun:
    return _reports[name]
