"""Connections to Apple (never their keys) and their syncs."""

from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Query, Router

from homeroom.accounts.policy import Permission
from homeroom.api.authentication import ApiRequest, requires
from homeroom.api.paging import PageOf, PageQuery, page_of
from homeroom.applesync.models import SyncRun
from homeroom.applesync.queries import connections as connection_queries
from homeroom.applesync.queries.runs import result, runs
from homeroom.applesync.verbs.runs import request_cancel, request_sync

router = Router(tags=["syncs"])


@router.get("/connections", response=list[dict[str, Any]])
@requires(Permission.VIEW_SYNC)
def connections(request: ApiRequest) -> Any:
    return [connection_queries.row(standing) for standing in connection_queries.standings(request.viewer)]


@router.post("/connections/{pk}/syncs", response={202: dict[str, Any]})
@requires(Permission.RUN_SYNC)
def start_sync(request: ApiRequest, pk: int) -> Any:
    """Ask for a sync; the worker takes it up. One that waits or runs already is answered instead."""
    connection = get_object_or_404(connection_queries.connections(request.viewer), pk=pk)
    return result(request_sync(connection, actor=request.viewer.actor))


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


def _run(request: ApiRequest, pk: int) -> SyncRun:
    return get_object_or_404(runs(request.viewer), pk=pk)
