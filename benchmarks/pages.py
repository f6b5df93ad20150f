"""The pages of a large district, beside a page of the same server that asks the database for next to nothing.

    python -m benchmarks.pages [--devices 1000000] [--requests 20] [--only statistics] [--kept FOLDER]

The district is built in SQLite, or in the empty database that HOMEROOM_DATABASE_URL names. The rollup is counted and
proved equal to a full count; then each page is asked for as it opens, in every order, filtered, and by people of
few and of many sites, and the largest lists are downloaded.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.serving import Server, install, served, signed_in

MOST = {"sqlite": 250, "postgresql": 150}
"""Milliseconds of the 95th percentile that are promised."""
FIRST_BYTE = 1
"""Seconds at most."""
GROWTH = 20
"""Megabytes at most by which a download may have the server grow once it has settled."""
SETTLED = 100_000
EMPTY_PAGE = "/account/tokens/"

Page = tuple[str, str]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--devices", type=int, default=1_000_000)
    options.add_argument("--requests", type=int, default=20)
    options.add_argument("--only", default="", help="pages with this in their name")
    options.add_argument("--kept", type=Path, help="a folder in which the district stays for the next time")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        port = install(chosen.kept or Path(folder))
        most = _build(chosen.devices, again=chosen.kept is not None)
        _count()
        with served(port) as server:
            missed = _pages(server, chosen.requests, most, chosen.only)
            missed += _downloads(server, chosen.only)
    sys.exit(1 if missed else 0)


def _build(devices: int, *, again: bool) -> int:
    """Answers with the milliseconds that are promised on this database."""
    from django.db import connection

    from benchmarks.district import build
    from homeroom.insurance.queries import today
    from homeroom.inventory.models import Device

    began = time.perf_counter()
    if not Device.objects.exists():
        build(devices, today=today())
        print(f"{devices:,} devices on {connection.vendor}, built in {time.perf_counter() - began:.0f} s")
    elif not again:
        sys.exit("The database holds devices already; name an empty one.")
    return MOST[connection.vendor]


def _count() -> None:
    from homeroom.accounts.policy import COMMAND_LINE_VIEWER
    from homeroom.reports.models import RollupCell
    from homeroom.reports.queries.statistics import statistics_for
    from homeroom.reports.verbs.rollup import refresh_due_rollup, refresh_rollup

    refresh = refresh_due_rollup  # as the worker does
    began = time.perf_counter()
    refresh()
    print(f"rollup counted     {time.perf_counter() - began:.1f} s, {RollupCell.objects.count():,} cells")
    began = time.perf_counter()
    refresh_rollup()
    print(f"rollup again       {time.perf_counter() - began:.1f} s, nothing changed")
    began = time.perf_counter()
    full = statistics_for(COMMAND_LINE_VIEWER, fresh=True)
    print(f"full count         {time.perf_counter() - began:.1f} s")
    kept = statistics_for(COMMAND_LINE_VIEWER)
    assert kept.counted_at is not None
    assert (kept.coverage, kept.models, kept.storage) == (full.coverage, full.models, full.storage)
    assert (kept.months, kept.repairs, kept.statuses) == (full.months, full.repairs, full.statuses)


def _pages(server: Server, requests: int, most: int, only: str) -> int:
    sessions = {
        "administrator": signed_in(),
        "technician of 12 sites": signed_in(sites=12),
        "technician of 100 sites": signed_in(sites=100),
    }
    unpromised = {"empty page", *dict(_others())}
    pages = [page for page in (*_others(), *_statistics(), *_reports()) if only in page[0]]
    missed = 0
    for who, cookie in sessions.items():
        print(f"\n{who}: milliseconds: median, 95th percentile (at most {most}), processor time", flush=True)
        for name, address in (("empty page", EMPTY_PAGE), *pages):
            cost = server.cost(address, cookie, requests)
            too_long = cost.worst > most and name not in unpromised
            missed += too_long
            figures = f"{cost.median:>7.0f} {cost.worst:>7.0f} {cost.processor:>7.0f}"
            print(f"{name:<56} {figures}{'  missed' if too_long else ''}", flush=True)
    print(f"\n{missed} missed" if missed else "\nnone missed", flush=True)
    return missed


def _others() -> Iterator[Page]:
    """Of which nothing is promised."""
    yield "dashboard", "/"
    yield "devices", "/devices/"
    yield "at Apple, the board", "/at-apple/"


def _statistics() -> Iterator[Page]:
    site, model, funding = _site(), "iPad (2023)", "Title I"
    asked: dict[str, dict[str, object]] = {
        "": {},
        " of a site": {"site": site},
        " of a family": {"product_family": "iPad"},
        " of a model": {"model": model},
        " of a funding source": {"funding_source": funding},
        " of a site's model": {"site": site, "model": model},
        " of all four": {
            "site": site,
            "product_family": "iPad",
            "model": model,
            "funding_source": funding,
        },
    }
    for name, query in asked.items():
        yield f"statistics{name}", f"/reports/statistics/?{urlencode(query)}"


def _reports() -> Iterator[Page]:
    from homeroom.accounts.policy import COMMAND_LINE_VIEWER
    from homeroom.inventory.exports.reports import columns_of_report, reports_for
    from homeroom.reports.selection import filter_names

    for report in reports_for(COMMAND_LINE_VIEWER):
        address = f"/reports/mdm/{report.name}/"
        yield report.name, address
        yield f"{report.name}, second page", f"{address}?page=2"
        for column in columns_of_report(report.name):
            if column.sort:
                yield f"{report.name}, by {column.name}", f"{address}?sort={column.name}"
                yield f"{report.name}, by -{column.name}", f"{address}?sort=-{column.name}"
        if "site" in filter_names(report, COMMAND_LINE_VIEWER):
            yield f"{report.name} of a site", f"{address}?site={_site()}"
        yield f"{report.name} with a word", f"{address}?q=0000123"
        if report.apart:
            yield f"{report.name}, left out", f"{address}left-out/"


def _site() -> int:
    """One that technicians see too."""
    from homeroom.inventory.models import Site

    return Site.objects.order_by("pk").values_list("pk", flat=True)[7]


def _downloads(server: Server, only: str) -> int:
    lists = {
        "all devices as CSV": "/devices/?format=csv",
        "the largest report as CSV": "/reports/mdm/applecare-expiring/?days=36500&format=csv",
    }
    cookie, missed = signed_in(), 0
    for name, address in lists.items():
        if only not in name:
            continue
        told = server.stream(address, cookie, grown_after=SETTLED)
        too_much = told.first_byte > FIRST_BYTE or told.growth > GROWTH
        missed += too_much
        print(
            f"{name}: first byte after {told.first_byte:.2f} s, {told.rows:,} rows,"
            f" {told.rows / told.seconds:,.0f} a second, {told.growth:.1f} MB more memory after"
            f" {SETTLED:,} rows{'  missed' if too_much else ''}",
            flush=True,
        )
    return missed


if __name__ == "__main__":
    main()
