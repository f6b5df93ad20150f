import json
import signal
import stat
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from appleschool_sim.actions import Replace, TurnClock
from appleschool_sim.cli import simulator as command
from appleschool_sim.control import Control
from appleschool_sim.credentials import read_credentials
from appleschool_sim.faults import Fault
from appleschool_sim.testing import RunningSimulator, running_simulator, sign_assertion

from .asking import Caller
from .test_activities import document


class Started:
    """A simulator started as a person would, with options of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            (sys.executable, "-m", "appleschool_sim.cli", "--credentials", str(folder), *options),
            stdout=subprocess.PIPE,
            text=True,
        )
        self.lines = [self.process.stdout.readline() for _ in range(3)]
        self.address = self.lines[0].split()[1].removesuffix("/v1")
        self.folder = folder

    def caller(self) -> Caller:
        return Caller(RunningSimulator(self.address, self.folder, pid=self.process.pid)).sign_in()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(10)
        self.process.stdout.close()
        return code


@pytest.fixture
def start(tmp_path):
    started = []

    def start(*options):
        started.append(Started(tmp_path / "account", *options))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.stop(signal.SIGKILL)


def serials(caller):
    return [device["id"] for page in caller.pages("orgDevices?limit=1000") for device in page["data"]]


def test_it_prints_where_it_is(start):
    started = start("--devices", "5")
    assert started.lines[0] == f"API:   {started.address}/v1\n"
    assert started.lines[1] == f"Token: {started.address}/auth/oauth2/token\n"


def test_it_writes_credentials_that_only_their_owner_reads(start, tmp_path):
    start("--devices", "5")
    written = json.loads((tmp_path / "account" / "credentials.json").read_text())
    assert written.keys() == {"client_id", "key_id", "private_key"}
    key = tmp_path / "account" / written["private_key"]
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_text().startswith("-----BEGIN EC PRIVATE KEY-----")


def test_it_keeps_the_account_of_a_folder(start, tmp_path):
    start("--devices", "5").stop()
    first = read_credentials(tmp_path / "account")
    assert start("--devices", "5").caller().get("orgDevices").status == 200
    assert read_credentials(tmp_path / "account") == first


def test_it_refuses_a_folder_of_the_other_kind(start, tmp_path):
    start("--devices", "5").stop()
    result = CliRunner().invoke(command, ["--kind", "business", "--credentials", str(tmp_path / "account")])
    assert result.exit_code == 1
    assert "another kind" in result.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_even_while_it_answers(start, number):
    started = start("--devices", "5")
    caller = started.caller()
    Control(started.address).switch_on(Fault.SLOW, seconds=60)
    with subprocess.Popen(
        (sys.executable, "-c", ASK_AND_WAIT, f"{started.address}/v1/orgDevices", caller.token),
        stderr=subprocess.DEVNULL,
    ) as asking:
        while Control(started.address).state()["faults"]["slow"]["struck"] == 0:
            assert asking.poll() is None
        began = time.monotonic()
        assert started.stop(number) == 0
        assert time.monotonic() - began < 3


ASK_AND_WAIT = """
import sys, urllib.request
urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers={"Authorization": f"Bearer {sys.argv[2]}"}))
"""


def test_it_goes_on_where_it_ended(start, tmp_path):
    options = ("--devices", "30", "--state", str(tmp_path / "state" / "journal"))
    started = start(*options)
    caller, control = started.caller(), Control(started.address)
    first = serials(caller)
    new = control.replace(Replace(serial=first[0]))
    late = control.replace(Replace(serial=first[1], delay_seconds=3600))
    control.drop_coverage(first[5])
    control.switch_on(Fault.MAC_ARRAYS)
    control.revoke_key()
    control.new_key()
    caller.sign_in()
    server = caller.get("mdmServers").json["data"][1]["id"]
    caller.post("orgDeviceActivities", document("ASSIGN_DEVICES", [new], server=server))
    control.take(TurnClock(by_seconds=7200))
    caller.sign_in()
    before, today = serials(caller), control.state()["today"]
    assert {new, late} <= set(before)
    assert started.stop() == 0

    restarted = start(*options)
    again = restarted.caller()
    assert serials(again) == before
    assert again.get(f"orgDevices/{first[5]}/appleCareCoverage").json["data"] == []
    assert again.get(f"orgDevices/{new}/assignedServer").json["data"]["id"] == server
    assert Control(restarted.address).state()["today"] == today
    assert Control(restarted.address).state()["is_clock_turned"]


def test_a_line_that_a_crash_cut_off_is_dropped(start, tmp_path):
    options = ("--devices", "30", "--state", str(tmp_path / "journal"))
    started = start(*options)
    gone = serials(started.caller())[0]
    Control(started.address).release(gone)
    started.stop(signal.SIGKILL)
    with (tmp_path / "journal").open("a") as file:
        file.write('{"action":"release","at":{"simu')
    restarted = start(*options)
    left = serials(restarted.caller())
    assert gone not in left
    Control(restarted.address).release(left[0])
    restarted.stop()
    assert len(serials(start(*options).caller())) == 28


def test_a_world_may_be_made_for_another_day():
    with running_simulator(devices=5, today=date(2024, 2, 29)) as simulator:
        listed = Caller(simulator).sign_in().get("orgDevices").json["data"]
        assert simulator.world.today == date(2024, 2, 29)
        added = [device["attributes"]["addedToOrgDateTime"][:19] for device in listed]
        assert added == [f"{device.added:%Y-%m-%dT%H:%M:%S}" for device in simulator.world.devices()]


def test_the_same_seed_gives_the_same_bytes():
    answers = []
    for _ in range(2):
        with running_simulator(devices=40, seed=9) as simulator:
            caller = Caller(simulator).sign_in()
            paths = ["orgDevices?limit=30", "mdmServers?fields[mdmServers]=serverName,updatedDateTime"]
            paths += [f"orgDevices/{simulator.world.serial_at(n)}/appleCareCoverage" for n in range(40)]
            here = simulator.address.encode()
            answers.append([caller.get(path).body.replace(here, b"") for path in paths])
    assert answers[0] == answers[1]


def test_assertions_may_be_made_for_another_audience(start):
    elsewhere = "https://apple.example.org/token"
    begun = start("--devices", "1", "--audience", elsewhere)
    credentials = read_credentials(begun.folder)
    running = RunningSimulator(begun.address, begun.folder, pid=begun.process.pid)
    good = sign_assertion(credentials, aud=elsewhere)
    assert Caller(running).request_token(client_assertion=good).status == 200
    assert Caller(running).request_token().status == 400


def test_credentials_never_show_their_key():
    with running_simulator(devices=1) as simulator:
        shown = repr(simulator.credentials)
        assert simulator.credentials.client_id in shown
        assert "PRIVATE KEY" not in shown


def test_every_option_is_documented(request):
    told = (request.config.rootpath / "docs" / "simulator.md").read_text()
    for option in command.params:
        assert f"`{option.opts[0]}`" in told


def test_it_refuses_the_state_of_another_world(start, tmp_path):
    state = str(tmp_path / "journal")
    start("--devices", "30", "--state", state).stop()
    result = CliRunner().invoke(command, ["--devices", "31", "--state", state])
    assert result.exit_code == 1
    assert "another world: school, 30 devices, seed 1" in result.output


def test_it_says_so_when_the_port_is_taken(start):
    taken = start("--devices", "5").address.rpartition(":")[2]
    result = CliRunner().invoke(command, ["--port", taken])
    assert result.exit_code == 1
    assert "address already in use" in result.output


def resident_megabytes(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def test_a_million_devices_fit_in_little_memory():
    with running_simulator(devices=1_000_000) as million:
        caller = Caller(million).sign_in()
        page = caller.get("orgDevices?limit=1000").json
        for _ in range(20):
            page = caller.follow(page["links"]["next"]).json
        assert page["data"][-1]["id"] == million.world.serial_at(20_999)
        last = million.world.serial_at(999_999)
        assert caller.get(f"orgDevices/{last}/appleCareCoverage").status == 200
        server = million.world.servers[0].id
        assert caller.get(f"mdmServers/{server}").json["data"]["attributes"]["deviceCount"] == 650_000
        assert resident_megabytes(million.pid) < 200
