"""The statistics of a large district, beside a page of the same server that asks the database for next to nothing.

    python -m benchmarks.statistics [--devices 1000000] [--requests 200]

The district is built in SQLite, or in the empty database that HOMEROOM_DATABASE_URL names. Then the rollup is
counted, proved equal to a full count, and the page is asked for with and without filters.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlencode

MOST = {"sqlite": 250, "postgresql": 150}
"""Milliseconds of the 95th percentile that are promised."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--devices", type=int, default=1_000_000)
    options.add_argument("--requests", type=int, default=200)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        port = _set_up(Path(folder))
        vendor = _build(chosen.devices)
        _count()
        with _served(port) as pid:
            missed = _measure(pid, port, chosen.requests, MOST[vendor])
    sys.exit(1 if missed else 0)


def _set_up(folder: Path) -> int:
    """An installation, and a free port for its pages."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "homeroom.config.settings",
        "HOMEROOM_DATA_DIR": str(folder),
        "HOMEROOM_BASE_URL": f"http://127.0.0.1:{port}",
        "HOMEROOM_LOG_LEVEL": "WARNING",
    }
    os.environ.setdefault("HOMEROOM_DATABASE_URL", "")
    subprocess.run([sys.executable, "-m", "homeroom", "init"], check=True, capture_output=True)
    import django

    django.setup()
    return port


def _build(devices: int) -> str:
    from django.db import connection

    from benchmarks.district import build
    from homeroom.insurance.queries import today
    from homeroom.inventory.models import Device

    if Device.objects.exists():
        sys.exit("The database holds devices already; name an empty one.")
    began = time.perf_counter()
    build(devices, today=today())
    print(f"{devices:,} devices on {connection.vendor}, built in {time.perf_counter() - began:.0f} s")
    return connection.vendor


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


@contextmanager
def _served(port: int) -> Iterator[int]:
    server = subprocess.Popen([sys.executable, "-m", "homeroom", "web", "--port", str(port)])
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                _answer(HTTPConnection("127.0.0.1", port, timeout=60), "/account/login/", "")
                break
            except OSError:
                time.sleep(0.2)
        yield server.pid
    finally:
        server.terminate()
        server.wait(timeout=30)


def _measure(pid: int, port: int, requests: int, most: int) -> int:
    from homeroom.inventory.models import Site

    site = Site.objects.order_by("pk").values_list("pk", flat=True)[7]
    pages = {
        "empty page": "/account/tokens/",
        "statistics": "/reports/statistics/",
        "of a site": f"/reports/statistics/?site={site}",
        "of a family": "/reports/statistics/?product_family=iPad",
        "of a model": "/reports/statistics/?" + urlencode({"model": "iPad (2023)"}),
        "of a funding source": "/reports/statistics/?" + urlencode({"funding_source": "Title I"}),
        "of a site's model": f"/reports/statistics/?site={site}&" + urlencode({"model": "iPad (2023)"}),
        "of all four": f"/reports/statistics/?site={site}&"
        + urlencode({"product_family": "iPad", "model": "iPad (2023)", "funding_source": "Title I"}),
    }
    sessions = {"administrator": _session(), "technician of 100 sites": _session(sites=100)}
    missed = 0
    for who, cookie in sessions.items():
        print(f"\n{who}: milliseconds: median, 95th percentile (at most {most}), processor time")
        server = HTTPConnection("127.0.0.1", port, timeout=60)
        for name, address in pages.items():
            burned = _cpu_seconds(pid)
            took = sorted(_timed(server, address, cookie) for _ in range(requests))
            burned = (_cpu_seconds(pid) - burned) * 1000 / requests
            worst = quantiles(took, n=20)[-1]
            missed += name != "empty page" and worst > most
            print(f"{name:<22} {took[len(took) // 2]:>7.1f} {worst:>7.1f} {burned:>7.1f}")
    return missed


def _cpu_seconds(pid: int) -> float:
    """Of the server and its processes: true on a busy machine too."""
    burned = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if pid in (int(stat.parent.name), int(fields[1])):
            burned += int(fields[11]) + int(fields[12])
    return burned / os.sysconf("SC_CLK_TCK")


def _session(sites: int = 0) -> str:
    """The cookie of somebody who is signed in."""
    from django.test import Client

    from homeroom.accounts.models import User
    from homeroom.accounts.policy import Role
    from homeroom.inventory.models import Site

    user = User.objects.create(
        email=f"user-of-{sites}@district.test",
        name="Somebody",
        role=Role.TECHNICIAN if sites else Role.ADMINISTRATOR,
    )
    user.sites.set(Site.objects.order_by("pk")[:sites])
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}"


def _timed(server: HTTPConnection, address: str, cookie: str) -> float:
    began = time.perf_counter()
    _answer(server, address, cookie)
    return (time.perf_counter() - began) * 1000


def _answer(server: HTTPConnection, address: str, cookie: str) -> None:
    server.request("GET", address, headers={"Cookie": cookie})
    answer = server.getresponse()
    answer.read()
    assert answer.status == 200, (address, answer.status)


if __name__ == "__main__":
    main()
