"""`serve` and `worker`: they start what they should, do what is due, and leave nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from appleschool_sim.actions import ReplaceSeveral
from appleschool_sim.control import Control
from appleschool_sim.testing import running_simulator
from homeroom.applesync.models import SyncRun
from homeroom.applesync.verbs.runs import request_sync
from homeroom.audit.actors import COMMAND_LINE
from tests.applesync.districts import connect, environment, homeroom, listed, stock
from tests.processes import free_port


def children_of(process_id: int) -> set[int]:
    """All processes below this one, by the process table."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(folder.name)] = int(fields[1])
    found = {process_id}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {process_id}


def is_alive(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def of_its_own(folder: Path) -> dict[str, str]:
    """The environment of an installation in a folder of its own."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "homeroom.config.settings",
        "HOMEROOM_DATA_DIR": str(folder),
        "HOMEROOM_DATABASE_URL": "",
    }


def serve(port: int, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "homeroom", "serve", "--port", str(port)],
        env=of_its_own(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def still_alive(process_ids: set[int], *, within: float) -> set[int]:
    """Which of them run on after so many seconds; returns as soon as none does."""
    until = time.monotonic() + within
    while (alive := set(filter(is_alive, process_ids))) and time.monotonic() < until:
        time.sleep(0.1)
    return alive


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_and_ends_everything_it_started(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    process = serve(port, tmp_path)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == f"http://localhost:{port}"
        with urlopen(f"http://localhost:{port}/account/login/") as answer:
            assert answer.status == 200
        started = children_of(process.pid)
        assert len(started) >= 2
        process.send_signal(number)
        process.wait(timeout=30)
        assert not still_alive(started, within=10)
        with pytest.raises(URLError):
            urlopen(f"http://localhost:{port}/account/login/")
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("file", "host", "said"),
    [
        ("", "127.0.0.2", "http://127.0.0.2:{port}"),
        ("", "0.0.0.0", "http://localhost:{port}"),
        ("HOMEROOM_BASE_URL=https://homeroom.district.test", "127.0.0.2", "https://homeroom.district.test"),
    ],
)
def test_serve_answers_where_it_is_told_to_listen_at_the_address_that_people_type(
    tmp_path: Path, file: str, host: str, said: str
) -> None:
    (tmp_path / ".env").write_text(file)
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "homeroom", "serve", "--host", host, "--port", str(port)],
        cwd=tmp_path,
        env=of_its_own(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address == said.format(port=port)
            asked = Request(
                f"http://{host}:{port}/account/login/", headers={"Host": address.partition("//")[2]}
            )
            with urlopen(asked) as answer:
                assert answer.status == 200
        finally:
            process.terminate()


@pytest.mark.parametrize("command", ["serve", "web", "demo"])
def test_a_port_in_use_is_one_clear_sentence(command: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "homeroom", command, "--port", port],
            env=of_its_own(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: Port {port} is in use by another program. Choose another with --port.\n"
    assert not (tmp_path / "demo").exists()


class Demo:
    """`homeroom demo`, up to where it is ready; what it has printed is `told`."""

    def __init__(self, folder: Path, port: int, *, devices: int = 20) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "homeroom", "demo", "--devices", str(devices), "--port", str(port)],
            env=of_its_own(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.told: list[str] = []
        for line in self.process.stdout or ():
            self.told.append(line.strip())
            if line.startswith("http"):
                break
        self.children = children_of(self.process.pid)

    def told_after(self, words: str) -> str:
        (line,) = (line for line in self.told if words in line)
        return line.partition(":  ")[2]

    def stop(self) -> set[int]:
        """As Ctrl-C does; answers what was left behind."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=60)
        self.process.communicate()
        return still_alive(self.children, within=10)


@pytest.mark.journey
def test_a_demo_ends_whole_and_the_next_start_goes_on(tmp_path: Path) -> None:
    port = free_port()
    first = Demo(tmp_path, port)
    assert first.told[-1] == f"http://localhost:{port}"
    assert first.stop() == set()
    second = Demo(tmp_path, port)
    assert second.stop() == set()
    built = "Building a district of 20 devices at 12 sites …"
    assert (built in first.told, built in second.told) == (True, False)
    # The sign-in, what to replace, and the address; the simulated Apple has another port each time.
    for before, after in zip(first.told[-7:], second.told[-7:], strict=True):
        assert after == before or "/_control/" in before
    exported = subprocess.run(
        [sys.executable, "-m", "homeroom", "export", "runs", "--format", "json"],
        env=of_its_own(tmp_path),
        capture_output=True,
        check=True,
    )
    runs = json.loads(exported.stdout)
    assert [(run["state"], run["created"] > 0, run["updated"]) for run in runs] == [
        ("succeeded", True, 0),
        ("succeeded", False, 0),
    ]


@pytest.mark.journey
def test_a_demo_tells_the_story_of_replacements(tmp_path: Path) -> None:
    """What it says to replace: the next sync pairs the single one, and asks about the box."""
    demo = Demo(tmp_path, free_port(), devices=300)
    try:
        (single,) = demo.told_after("pairs by itself").split()
        box = demo.told_after("asks about").split()
        assert len(box) == 6
        apple = demo.told_after("cause trouble").removesuffix("/_control/")
        for serials in ([single], box):
            Control(apple).take(ReplaceSeveral(serials=serials))
        synced = subprocess.run(
            [sys.executable, "-m", "homeroom", "apple", "sync", "--json"],
            env=of_its_own(tmp_path)
            | {
                "HOMEROOM_APPLE_API_URL": f"{apple}/v1",
                "HOMEROOM_APPLE_TOKEN_URL": f"{apple}/auth/oauth2/token",
            },
            capture_output=True,
            check=True,
        )
    finally:
        assert demo.stop() == set()
    run = json.loads(synced.stdout)
    assert (run["replacements_applied"], run["replacements_to_review"]) == (1, len(box))


@pytest.mark.journey
def test_a_demo_has_applecare_that_ends_at_several_schools_some_of_it_decided_about(tmp_path: Path) -> None:
    assert Demo(tmp_path, free_port(), devices=300).stop() == set()
    exported = subprocess.run(
        [sys.executable, "-m", "homeroom", "report", "applecare-expiring", "--format", "json"],
        env=of_its_own(tmp_path),
        capture_output=True,
        check=True,
    )
    rows = json.loads(exported.stdout)
    assert min(row["days_left"] for row in rows) <= 7
    assert max(row["days_left"] for row in rows) > 60
    assert len({row["site"] for row in rows}) > 3
    decided = {row["follow_up"] for row in rows}
    assert decided == {"waiting", "acknowledged", "snoozed", "will_not_renew"}


def test_serve_that_is_killed_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    with serve(free_port(), tmp_path) as process:
        until = time.monotonic() + 30
        while len(started := children_of(process.pid)) < 3 and time.monotonic() < until:
            time.sleep(0.005)
        process.kill()
        assert len(started) >= 3  # the pages' server, the process that answers, the worker
        assert not still_alive(started, within=30)


@pytest.mark.django_db(transaction=True)
def test_a_worker_once_does_what_is_due_and_then_finds_nothing(tmp_path: Path) -> None:
    with running_simulator(devices=60, seed=3) as apple:
        stock(listed(apple)[:40])
        request_sync(connect(apple), actor=COMMAND_LINE)
        for _time in range(2):
            with homeroom("worker", "--once", environment=environment(apple, tmp_path)) as process:
                _out, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
        run = SyncRun.objects.get()
        assert (run.state, run.coverage_checked) == (SyncRun.State.SUCCEEDED, 40)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_asked_to_end_gives_its_sync_back(tmp_path: Path) -> None:
    with running_simulator(devices=300, seed=3) as apple:
        stock(listed(apple))
        request_sync(connect(apple), actor=COMMAND_LINE)
        slow = environment(apple, tmp_path, HOMEROOM_APPLE_MAX_RATE="50")
        with homeroom("worker", environment=slow) as process:
            until = time.monotonic() + 30
            while not SyncRun.objects.filter(coverage_checked__gt=0).exists() and time.monotonic() < until:
                time.sleep(0.05)
            process.terminate()
            process.wait(timeout=30)
        assert process.returncode == 0
        run = SyncRun.objects.get()
        assert run.state == SyncRun.State.QUEUED
        assert 0 < run.coverage_checked < 300
