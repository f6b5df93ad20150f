"""A list as a download. The list's view calls `export_response` when its address asks for one."""

import tempfile
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as translated

from homeroom.accounts.policy import Permission, Viewer
from homeroom.inventory.exports.formats import (
    CONTENT_TYPES,
    Format,
    Row,
    csv_chunks,
    header,
    json_chunks,
    rows,
    write_xlsx,
)

MOST_XLSX_ROWS_AT_ONCE = 20_000


def export_response(noun: str, queryset: QuerySet[Any], viewer: Viewer, format_name: str) -> HttpResponseBase:
    """`queryset` is the list as shown: its filters and its order are kept, its pages are not.

    CSV and JSON are streamed at any size; XLSX is made while the browser waits, so its size is bounded.
    """
    found = rows(noun, queryset, viewer)
    return rows_response(noun, header(noun), found, queryset, viewer, format_name)


def rows_response(
    file_name: str,
    names: Sequence[str],
    found: Iterable[Row],
    counted: QuerySet[Any],
    viewer: Viewer,
    format_name: str,
) -> HttpResponseBase:
    """The same of any rows; `counted` is what tells how many they are."""
    if not viewer.may(Permission.EXPORT):
        raise PermissionDenied
    if format_name not in set(Format):
        return refusal(translated("Choose one of the formats CSV, XLSX and JSON."), status=404)
    wanted = Format(format_name)
    if (
        wanted is Format.XLSX
        and counted.order_by()[: MOST_XLSX_ROWS_AT_ONCE + 1].count() > MOST_XLSX_ROWS_AT_ONCE
    ):
        sentence = translated(
            "This list has more than %(most)d rows, too many for an Excel download. "
            "Choose CSV, which has no limit and opens in Excel, or narrow the list."
        )
        return refusal(sentence % {"most": MOST_XLSX_ROWS_AT_ONCE}, status=422)
    response: HttpResponseBase
    if wanted is Format.XLSX:
        # The response closes the file, and closing deletes it.
        file = tempfile.TemporaryFile()  # noqa: SIM115
        write_xlsx(names, found, file)
        file.seek(0)
        response = FileResponse(file, content_type=CONTENT_TYPES[wanted])
    else:
        chunks = csv_chunks if wanted is Format.CSV else json_chunks
        response = StreamingHttpResponse(chunks(names, found), content_type=CONTENT_TYPES[wanted])
    today = timezone.localdate().isoformat()
    response["Content-Disposition"] = f'attachment; filename="{file_name}-{today}.{wanted}"'
    response["Cache-Control"] = "private, no-store"
    return response


def refusal(sentence: str, *, status: int) -> HttpResponse:
    return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")
