"""An installation with an invented district, its server, and what a request to it costs."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from statistics import median, quantiles

TICKS = os.sysconf("SC_CLK_TCK")
MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of a request. Processor time is true on a busy machine too.

    It is that of the server, and of a PostgreSQL on the same machine as far as it works for the server.
    """

    median: float
    worst: float
    """The 95th percentile."""
    processor: float


@dataclass(frozen=True, slots=True)
class Stream:
    """A download: seconds to its first byte and in all, its rows, and megabytes by which the server grew."""

    first_byte: float
    seconds: float
    rows: int
    growth: float


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    pid: int

    def cost(self, address: str, cookie: str, requests: int) -> Cost:
        self._ask(address, cookie).read()  # no page is judged by its first request
        burned = self._processor_seconds()
        took = sorted(self._milliseconds(address, cookie) for _ in range(requests))
        burned = (self._processor_seconds() - burned) * 1000 / requests
        return Cost(median(took), quantiles(took, n=20, method="inclusive")[-1], burned)

    def stream(self, address: str, cookie: str, *, grown_after: int) -> Stream:
        """`grown_after`: so many rows later than the first the server should have all the memory that it needs."""
        began = time.perf_counter()
        answer = self._ask(address, cookie)
        lines = answer.read(1).count(b"\n")
        first_byte = time.perf_counter() - began
        settled, largest = 0.0, 0.0
        while chunk := answer.read(MEGABYTE):
            lines += chunk.count(b"\n")
            largest = max(largest, self._megabytes())
            if lines <= grown_after:
                settled = largest
        return Stream(first_byte, time.perf_counter() - began, lines - 1, largest - settled)

    def _milliseconds(self, address: str, cookie: str) -> float:
        began = time.perf_counter()
        self._ask(address, cookie).read()
        return (time.perf_counter() - began) * 1000

    def _ask(self, address: str, cookie: str) -> HTTPResponse:
        server = HTTPConnection("127.0.0.1", self.port, timeout=600)
        server.request("GET", address, headers={"Cookie": cookie})
        answer = server.getresponse()
        if answer.status != 200:
            sys.exit(f"{address} was answered with {answer.status}.")
        return answer

    def _processor_seconds(self) -> float:
        return sum(int(stat[11]) + int(stat[12]) for _of, stat in self._processes(_backends())) / TICKS

    def _megabytes(self) -> float:
        """Without what of a SQLite file is mapped: the system has it in any case, and takes it back when it likes."""
        return sum(_memory_of_its_own(process) for process, _stat in self._processes()) / 1024

    def _processes(self, others: Collection[int] = ()) -> Iterator[tuple[int, list[str]]]:
        """What the kernel tells of the server, the processes that it started, and others."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            process = int(stat.parent.name)
            if self.pid in (process, int(fields[1])) or process in others:
                yield process, fields


def _memory_of_its_own(process: int) -> int:
    """Kilobytes."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0  # it has just ended
    told = re.search(r"RssAnon:\s+(\d+)", status)
    return int(told[1]) if told else 0


def _backends() -> set[int]:
    from django.db import connection

    if connection.vendor != "postgresql":
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return {pid for (pid,) in cursor.fetchall()}


def install(folder: Path) -> int:
    """Make a data folder there, and find a free port for its pages. SQLite, unless HOMEROOM_DATABASE_URL says."""
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


@contextmanager
def served(port: int) -> Iterator[Server]:
    process = subprocess.Popen([sys.executable, "-m", "homeroom", "web", "--port", str(port)])
    server = Server(port, process.pid)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                server.cost("/account/login/", "", 2)
                break
            except OSError:
                time.sleep(0.2)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


def signed_in(*, sites: int = 0) -> str:
    """The cookie of an administrator, or of a technician of so many sites."""
    from django.test import Client

    from homeroom.accounts.models import User
    from homeroom.accounts.policy import Role
    from homeroom.inventory.models import Site

    user, _made = User.objects.get_or_create(
        email=f"user-of-{sites}@district.test",
        defaults={"name": "Somebody", "role": Role.TECHNICIAN if sites else Role.ADMINISTRATOR},
    )
    user.sites.set(Site.objects.order_by("pk")[:sites])
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}"
