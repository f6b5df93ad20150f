"""A sync that is killed while it applies replacements leaves each applied whole or not at all, and none twice."""

import json
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from django.utils import timezone

from appleschool_sim.actions import Replace
from appleschool_sim.actions.devices import ReleaseOrder
from appleschool_sim.testing import RunningSimulator, running_simulator
from homeroom.applesync.models import Replacement, SyncRun, ToldReplacement
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.incidents.models import Incident
from homeroom.incidents.verbs.incidents import open_incident
from homeroom.incidents.verbs.repairs import send_to_apple
from homeroom.incidents.verbs.statuses import ensure_system_statuses as ensure_incident_statuses
from homeroom.inventory.models import Assignment, Device
from homeroom.inventory.verbs.assignments import check_out
from homeroom.inventory.verbs.statuses import ensure_system_statuses as ensure_device_statuses
from homeroom.notifications.models import Fact
from tests.applesync.districts import connect, environment, homeroom, listed, stock
from tests.builders import make_person

pytestmark = pytest.mark.django_db(transaction=True)

REPAIRS = 45
"""Fewer than a guard would hold."""
KILLS = 8


def away(apple: RunningSimulator) -> list[Incident]:
    """Devices with a person, each sent to Apple and told to be replaced."""
    ensure_device_statuses(actor=COMMAND_LINE)
    ensure_incident_statuses(actor=COMMAND_LINE)
    stock(listed(apple))
    incidents = []
    for device in Device.objects.order_by("pk")[:REPAIRS]:
        check_out(device, make_person(), actor=COMMAND_LINE)
        incident = open_incident(device, summary="Cracked screen", actor=COMMAND_LINE)
        incidents.append(send_to_apple(incident, reason="Tested.", actor=COMMAND_LINE))
        new = apple.control.replace(Replace(serial=device.serial_number or "", released=ReleaseOrder.NEVER))
        ToldReplacement.objects.create(
            replacement_serial=new, original_serial=device.serial_number or "", told_at=timezone.now()
        )
    return incidents


def applied_whole(incidents: list[Incident]) -> int:
    """How many are applied; each of its effects is there, or none."""
    applied = set(
        Replacement.objects.filter(state=Replacement.State.APPLIED).values_list("incident", flat=True)
    )
    for incident in Incident.objects.filter(pk__in=[each.pk for each in incidents]).select_related(
        "status", "device__status"
    ):
        effects = {
            str(incident.status) == "AppleCare Replacement Received",
            str(incident.device.status) == "Replaced by AppleCare",
            not Assignment.objects.filter(device=incident.device, ended_at__isnull=True).exists(),
        }
        assert effects == {incident.pk in applied}
    assert Entry.objects.filter(action="replacement.applied").count() == len(applied)
    assert Fact.objects.filter(kind="replacement-applied").count() == len(applied)
    return len(applied)


def test_killed_at_any_moment_each_is_applied_whole_or_not_at_all_and_in_the_end_once(tmp_path: Path) -> None:
    with running_simulator(devices=300, seed=5) as apple:
        connect(apple, sync_coverage=False)
        incidents = away(apple)
        surroundings = environment(apple, tmp_path)
        command = ["apple", "sync", "--json"]
        moments = random.Random(3)
        for kill in range(KILLS):
            before = applied_whole(incidents)
            if before == REPAIRS:
                break
            with homeroom(*command, environment=surroundings) as process:
                _wait_until_it_applies(process, before + (1 if kill else 0))
                time.sleep(moments.uniform(0, 0.03))
                process.send_signal(signal.SIGKILL)
                process.wait()
            assert applied_whole(incidents) >= before
        with homeroom(*command, environment=surroundings) as process:
            out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert applied_whole(incidents) == REPAIRS
        assert json.loads(out)["replacements_to_review"] == 0
        assert sum(SyncRun.objects.values_list("replacements_applied", flat=True)) == REPAIRS


def test_two_processes_that_sync_at_once_apply_each_once(tmp_path: Path) -> None:
    with running_simulator(devices=300, seed=5) as apple:
        connect(apple, sync_coverage=False)
        incidents = away(apple)
        surroundings = environment(apple, tmp_path)
        command = ["apple", "sync", "--json"]
        with (
            homeroom(*command, environment=surroundings) as one,
            homeroom(*command, environment=surroundings) as other,
        ):
            for process in (one, other):
                process.communicate(timeout=120)
        assert sorted({one.returncode, other.returncode}) in ([0], [0, 1])
        assert applied_whole(incidents) == REPAIRS


def _wait_until_it_applies(process: subprocess.Popen[str], more_than: int) -> None:
    applied = Replacement.objects.filter(state=Replacement.State.APPLIED)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None or applied.count() >= more_than:
            if SyncRun.objects.filter(step__in=[SyncRun.Step.ENDING, SyncRun.Step.FINISHED]).exists():
                return
            if process.poll() is not None:
                return
        time.sleep(0.005)
    pytest.fail("the sync applied nothing")
