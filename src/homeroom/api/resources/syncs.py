"""Connections to Apple (never their keys) and their syncs."""

from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema

from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.api.paging import PageOf, PageQuery, page_of
from homeroom.applesync.models import SyncRun
from homeroom.applesync.queries import connections as connection_queries
from homeroom.applesync.queries.changes import changes
from homeroom.applesync.queries.runs import result, runs
from homeroom.applesync.verbs.putting_back import put_back
from homeroom.applesync.verbs.runs import accept_changes, request_cancel, request_sync

router = Router(tags=["syncs"])


class PutBack(Schema):
    """How many records are to be put back."""

    records: int


@router.get("/connections", response=list[dict[str, Any]])
@requires(Permission.VIEW_SYNC)
def connections(request: ApiRequest) -> Any:
    return [connection_queries.row(standing) for standing in connection_queries.standings(request.viewer)]


@router.post("/connections/{pk}/syncs", response={202: dict[str, Any]})
@requires(Permission.RUN_SYNC)
def start_sync(request: ApiRequest, pk: int, *, preview: bool = False) -> Any:
    """Ask for a sync, or a preview; the worker takes it up. One that waits or runs already is answered instead."""
    connection = get_object_or_404(connection_queries.connections(request.viewer), pk=pk)
    return result(request_sync(connection, actor=request.viewer.actor, preview=preview))


@router.get("/syncs", response=PageOf)
@requires(Permission.VIEW_SYNC)
def syncs(request: ApiRequest, query: Query[PageQuery]) -> Any:
    return page_of("runs", runs(request.viewer), request.viewer, query)


@router.get("/syncs/{pk}", response=dict[str, Any])
@requires(Permission.VIEW_SYNC)
def sync(request: ApiRequest, pk: int) -> Any:
    return result(_run(request, pk))


@router.post("/syncs/{pk}/cancel", response={202: dict[str, Any]})
@requires(Permission.RUN_SYNC)
def cancel_sync(request: ApiRequest, pk: int) -> Any:
    request_cancel(_run(request, pk), actor=request.viewer.actor)
    return result(_run(request, pk))


@router.get("/syncs/{pk}/changes", response=PageOf)
@requires(Permission.VIEW_SYNC)
def sync_changes(request: ApiRequest, pk: int, query: Query[PageQuery]) -> Any:
    """The change set of a sync; of a preview, what it would change."""
    return page_of("changes", changes(request.viewer, _run(request, pk)), request.viewer, query)


@router.post("/syncs/{pk}/accept", response={202: dict[str, Any]})
@requires(Permission.RUN_SYNC)
def accept_sync(request: ApiRequest, pk: int) -> Any:
    """Let be done what a preview or a held sync planned; answers the sync that does it."""
    return result(accept_changes(_run(request, pk), actor=request.viewer.actor))


@router.post("/syncs/{pk}/put-back", response={202: PutBack})
@requires(Permission.RUN_SYNC)
def put_back_sync(request: ApiRequest, pk: int) -> Any:
    """Have stand again what a sync ended or replaced; the worker does it."""
    return {"records": put_back(_run(request, pk), actor=request.viewer.actor)}


def _run(request: ApiRequest, pk: int) -> SyncRun:
    return get_object_or_404(runs(request.viewer), pk=pk)
