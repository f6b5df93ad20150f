"""Files of reports, which a worker makes: a token's owner has their own alone."""

from datetime import datetime
from typing import Annotated, Any

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from ninja import Router, Schema
from pydantic import WithJsonSchema

from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.api.values import Body
from homeroom.inventory.exports.formats import Format
from homeroom.reports.models import ReportFile
from homeroom.reports.queries.files import files_of
from homeroom.reports.queries.reports import visible_report
from homeroom.reports.verbs.files import delete_file, order_file
from homeroom.reports.views.files import file_response

router = Router(tags=["reports"])


class FileIn(Body):
    """`query` is that of the report's page: filters, `sort`, `columns`."""

    format: Annotated[str, WithJsonSchema({"type": "string", "enum": [each.value for each in Format]})]
    query: str = ""


class FileOut(Schema):
    """It can be fetched from `/report-files/{id}/content` once its `state` is `ready`; `failure` says why not."""

    id: int
    report: str
    query: str
    format: str
    state: str
    failure: str | None
    rows: int | None
    rows_done: int
    size: int | None
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime

    @staticmethod
    def resolve_failure(file: ReportFile) -> str | None:
        return file.failure or None


@router.post("/reports/{name}/files", response={202: FileOut})
@requires(Permission.EXPORT)
def order(request: ApiRequest, name: str, body: FileIn) -> Any:
    """Have a report made into a file. The same one that is under way already is answered instead."""
    user = request.auth.user
    return order_file(
        visible_report(request.viewer, name), body.query, body.format, owner=user, viewer=request.viewer
    )


@router.get("/report-files/{pk}", response=FileOut)
@requires(Permission.EXPORT)
def file(request: ApiRequest, pk: int) -> Any:
    return _file(request, pk)


@router.get("/report-files/{pk}/content")
@requires(Permission.EXPORT)
def content(request: ApiRequest, pk: int) -> HttpResponseBase:
    """The file itself; 409 says why it is not to be had."""
    return file_response(_file(request, pk), request.viewer)


@router.delete("/report-files/{pk}", response={204: None})
@requires(Permission.EXPORT)
def delete(request: ApiRequest, pk: int) -> Any:
    """Take back the order, or delete what was made."""
    delete_file(_file(request, pk), actor=request.viewer.actor)
    return None


def _file(request: ApiRequest, pk: int) -> ReportFile:
    return get_object_or_404(files_of(request.viewer), pk=pk)
