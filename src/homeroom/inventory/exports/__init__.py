"""Files out: any list as shown, in CSV, JSON or XLSX. Higher apps add their columns and nouns here."""

from homeroom.inventory.exports.columns import (
    ExportColumn,
    ExportNoun,
    columns_of,
    noun_named,
    register_columns,
    register_noun,
)

__all__ = ["ExportColumn", "ExportNoun", "columns_of", "noun_named", "register_columns", "register_noun"]
