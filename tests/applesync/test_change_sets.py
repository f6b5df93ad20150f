"""Previews, change sets, held runs and putting back: they agree with what really changes."""

import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from django.utils import timezone
from pytest_django import Settings

from appleschool_sim.actions import Change, ChangeCoverage
from appleschool_sim.testing import RunningSimulator, running_simulator
from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.applesync.commands import apple as apple_command
from homeroom.applesync.models import AppleDevice, Connection, RunChange, StagedAnswer, StagedDevice, SyncRun
from homeroom.applesync.pipeline.running import work_on
from homeroom.applesync.queries.connections import standing
from homeroom.applesync.verbs.putting_back import put_back, put_back_some
from homeroom.applesync.verbs.runs import accept_changes, begin_accepted, begin_sync
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.insurance.models import CoverageCheck, InsuranceRecord, sync_writes_insurance
from homeroom.inventory.exports.columns import noun_named
from homeroom.inventory.exports.formats import header, rows
from homeroom.inventory.models import Device
from homeroom.web.errors import Refused
from tests.applesync.districts import connect, listed, stock, sync, use_apple

pytestmark = pytest.mark.django_db(transaction=True)

EXPORTED_ATTRIBUTES = {
    "deviceModel": "apple_model",
    "deviceCapacity": "apple_capacity",
    "color": "apple_color",
    "orderNumber": "apple_order_number",
}
EXPORTED_FACTS = ("plan", "kind", "agreement_number", "starts", "ends", "cancelled_on")
TIMES_OF_THE_RUN = ("gone_since", "missing_since")

Rows = list[dict[str, Any]]


def preview(connection: Connection) -> SyncRun:
    return work_on(begin_sync(connection, actor=COMMAND_LINE, preview=True))


def accept(run: SyncRun) -> SyncRun:
    return work_on(begin_accepted(run, actor=COMMAND_LINE))


def export(noun: str) -> Rows:
    found = noun_named(noun).rows(COMMAND_LINE_VIEWER)
    return [dict(zip(header(noun), row, strict=True)) for row in rows(noun, found, COMMAND_LINE_VIEWER)]


def requests(apple: RunningSimulator) -> int:
    return sum(apple.control.counts()["requests"].values())


def change_set(run: SyncRun) -> list[tuple[Any, ...]]:
    """The entries without the times at which the run looked."""
    return sorted(
        (
            entry.noun,
            entry.action,
            entry.serial_number,
            entry.coverage_id,
            entry.device_id or 0,
            _timeless(entry.before),
            _timeless(entry.after),
        )
        for entry in run.changes.all()
    )


def _timeless(values: dict[str, Any] | None) -> str:
    return json.dumps(
        {name: None if name in TIMES_OF_THE_RUN else value for name, value in (values or {}).items()}
    )


def make_checks_due() -> None:
    long_ago = timezone.now() - timedelta(days=40)
    CoverageCheck.objects.update(succeeded_at=long_ago, attempted_at=long_ago)


def after_a_day_of_silence() -> None:
    """As if the coverages that Apple no longer lists had been missing for more than 20 hours."""
    with sync_writes_insurance():
        InsuranceRecord.objects.filter(missing_since__isnull=False).update(
            missing_since=timezone.now() - timedelta(hours=21)
        )


def covered_whole(apple: RunningSimulator) -> list[str]:
    """Devices all of whose coverages are in force."""
    today = timezone.now().date()
    coverages = {serial: apple.world.coverage(serial) for serial in listed(apple)}
    return [
        serial
        for serial, told in coverages.items()
        if told and all(coverage.is_active(today) and not coverage.canceled for coverage in told)
    ]


def change_apple(apple: RunningSimulator, times: int, seed: int) -> None:
    """So many random changes: devices come, change and go; coverage changes and is cancelled."""
    chance = random.Random(seed)
    there = listed(apple)
    chance.shuffle(there)
    new = timezone.now() + timedelta(days=700)
    actions: list[Callable[[str], object]] = [
        apple.control.release,
        lambda serial: apple.control.add(serial=f"NEW{serial}"),
        lambda serial: apple.control.change(Change(serial=serial, color="GOLD")),
        lambda serial: apple.control.change(Change(serial=serial, order_number=f"N{serial}")),
        lambda serial: apple.control.change_coverage(ChangeCoverage(serial=serial, ends=new)),
        apple.control.cancel_coverage,
    ]
    for serial in there[:times]:
        covered = any(coverage.agreement for coverage in apple.world.coverage(serial))
        chance.choice(actions if covered else actions[:4])(serial)


def test_preview_change_set_and_the_difference_of_two_exports_agree_for_200_changes(
    settings: Settings,
) -> None:
    with running_simulator(devices=900, seed=23) as apple:
        use_apple(settings, apple)
        serials = listed(apple)
        stock([*serials[:700], *(f"NEW{serial}" for serial in serials[:700])])
        connection = connect(apple)
        sync(connection)
        for serial in covered_whole(apple)[:10]:
            apple.control.drop_coverage(serial)
        make_checks_due()
        sync(connection)
        after_a_day_of_silence()
        change_apple(apple, 200, seed=5)
        make_checks_due()
        devices, insurance = export("devices"), export("insurance")

        previewed = preview(connection)

        assert previewed.state == SyncRun.State.PREVIEWED, previewed.error
        assert (export("devices"), export("insurance")) == (devices, insurance)
        spent = requests(apple)
        applied = accept(previewed)
        assert applied.state == SyncRun.State.SUCCEEDED, applied.error
        assert requests(apple) == spent
        assert applied.requests == 0
        assert change_set(previewed) == change_set(applied)
        kinds = set(applied.changes.values_list("noun", "action"))
        assert len(kinds) == 6, kinds
        assert _device_differences(devices, export("devices")) == _told_of_devices(applied)
        assert _insurance_differences(insurance, export("insurance")) == _told_of_insurance(applied)
        counted = ("listed", "matched", "created", "updated", "gone", "coverage_checked", "coverage_failed")
        counted += ("insurance_created", "insurance_updated", "insurance_ended", "linked")
        assert [getattr(previewed, name) for name in counted] == [getattr(applied, name) for name in counted]
        assert not StagedDevice.objects.exists()
        assert not StagedAnswer.objects.exists()


def _device_differences(before: Rows, after: Rows) -> dict[str, dict[str, Any]]:
    columns = {*EXPORTED_ATTRIBUTES.values(), "apple_verified"}
    differences = {}
    for old, new in zip(before, after, strict=True):
        changed = {name: new[name] for name in columns if old[name] != new[name]}
        if changed:
            differences[new["serial_number"]] = changed
    return differences


def _told_of_devices(run: SyncRun) -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = {}
    entries = run.changes.filter(noun=RunChange.Noun.APPLE_DEVICE, device__isnull=False)
    for entry in entries:
        values = {
            EXPORTED_ATTRIBUTES[name]: value
            for name, value in (entry.after or {}).items()
            if name in EXPORTED_ATTRIBUTES and value
        }
        if entry.action == RunChange.Action.CREATED:
            values["apple_verified"] = True
        elif entry.action == RunChange.Action.GONE:
            values["apple_verified"] = False
        if values:
            told[entry.serial_number] = values
    return told


def _in_one_order(told: tuple[str, dict[str, Any]]) -> str:
    """PostgreSQL gives the keys of an object in an order of its own."""
    return json.dumps(told, sort_keys=True)


def _insurance_differences(before: Rows, after: Rows) -> list[tuple[Any, ...]]:
    differences = []
    for old, new in zip(before, after, strict=False):
        changed = {name: str(new[name]) for name in EXPORTED_FACTS if old[name] != new[name]}
        if old["status"] != new["status"] == "ended" and not changed:
            changed["ended"] = "today"
        if changed:
            differences.append((new["serial_number"], changed))
    differences += [
        (new["serial_number"], {name: str(new[name]) for name in EXPORTED_FACTS if new[name]})
        for new in after[len(before) :]
    ]
    return sorted(differences, key=_in_one_order)


def _told_of_insurance(run: SyncRun) -> list[tuple[Any, ...]]:
    told = []
    for entry in run.changes.filter(noun=RunChange.Noun.INSURANCE):
        new = entry.action == RunChange.Action.CREATED
        values = {
            name: str(value)
            for name, value in (entry.after or {}).items()
            if name in EXPORTED_FACTS and (value or not new)
        }
        if entry.action == RunChange.Action.ENDED:
            values["ended"] = "today"
        if values:
            told.append((entry.serial_number, values))
    return sorted(told, key=_in_one_order)


def test_the_first_sync_previewed_and_applied_equals_one_without_a_preview(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    stock(listed(apple)[:120])
    connection = connect(apple)
    previewed = preview(connection)
    assert previewed.coverage_checked == 120
    assert not AppleDevice.objects.exists()
    assert not InsuranceRecord.objects.exists()
    assert not CoverageCheck.objects.exists()

    accept(previewed)

    with_preview = (export("devices"), export("insurance"))
    for model in (AppleDevice, CoverageCheck):
        model.objects.all().delete()
    with sync_writes_insurance():
        InsuranceRecord.objects.all().delete()
    sync(connection)
    assert (export("devices"), export("insurance")) == with_preview


def test_a_preview_that_apple_has_outrun_is_not_applied(settings: Settings, apple: RunningSimulator) -> None:
    use_apple(settings, apple)
    connection = connect(apple)
    previewed = preview(connection)
    later = sync(connection)

    with pytest.raises(Refused, match=f"Sync {later.pk} has looked at Apple again"):
        accept_changes(previewed, actor=COMMAND_LINE)


def test_a_preview_is_not_applied_twice(settings: Settings, apple: RunningSimulator) -> None:
    use_apple(settings, apple)
    previewed = preview(connect(apple))
    accept(previewed)

    with pytest.raises(Refused):
        accept_changes(previewed, actor=COMMAND_LINE)


def lose(apple: RunningSimulator, share: float) -> list[str]:
    lost = listed(apple)[: int(len(listed(apple)) * share)]
    for serial in lost:
        apple.control.release(serial)
    return lost


def test_an_account_that_loses_40_percent_overnight_ends_nothing_until_a_person_accepts(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    stock(listed(apple)[:200])
    connection = connect(apple)
    sync(connection)
    devices, insurance = export("devices"), export("insurance")
    lost = lose(apple, 0.4)

    held = sync(connection)

    assert held.state == SyncRun.State.HELD
    assert held.gone == 0
    assert (export("devices"), export("insurance")) == (devices, insurance)
    assert standing(connection).problem == f"Sync {held.pk} waits for a decision."
    assert standing(connection).state == Connection.State.NEEDS_ATTENTION

    spent = requests(apple)
    accepted = accept(held)
    assert accepted.pk == held.pk
    assert (accepted.state, accepted.gone) == (SyncRun.State.SUCCEEDED, len(lost))
    assert accepted.accepted_by == COMMAND_LINE.label
    assert requests(apple) == spent
    assert AppleDevice.objects.filter(gone_since__isnull=False).count() == len(lost)
    assert standing(connection).problem == ""
    assert Entry.objects.filter(action="sync.accepted", object_id=str(held.pk)).count() == 1


def test_a_held_run_applies_what_adds_and_changes(settings: Settings, apple: RunningSimulator) -> None:
    use_apple(settings, apple)
    serials = listed(apple)
    stock(serials)
    connection = connect(apple)
    sync(connection)
    lose(apple, 0.4)
    apple.control.change(Change(serial=serials[-1], color="GOLD"))

    held = sync(connection)

    assert (held.state, held.updated) == (SyncRun.State.HELD, 1)
    assert AppleDevice.objects.get(serial_number=serials[-1]).color == "GOLD"


@pytest.mark.parametrize(("lost", "state"), [(49, SyncRun.State.SUCCEEDED), (50, SyncRun.State.HELD)])
def test_fewer_than_50_devices_are_never_held(
    settings: Settings, apple: RunningSimulator, lost: int, state: SyncRun.State
) -> None:
    use_apple(settings, apple)
    connection = connect(apple)
    sync(connection)
    lose(apple, lost / 300)

    assert sync(connection).state == state


def test_up_to_5_percent_is_never_held(settings: Settings) -> None:
    with running_simulator(devices=1200, seed=2) as apple:
        use_apple(settings, apple)
        connection = connect(apple)
        sync(connection)
        lose(apple, 0.05)
        assert sync(connection).state == SyncRun.State.SUCCEEDED
        lose(apple, 0.06)
        assert sync(connection).state == SyncRun.State.HELD


def test_the_next_sync_looks_again_and_takes_the_place_of_a_held_one(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    connection = connect(apple)
    sync(connection)
    lose(apple, 0.4)
    first, second = sync(connection), sync(connection)

    assert first.state == second.state == SyncRun.State.HELD
    with pytest.raises(Refused, match=f"Sync {second.pk} has looked at Apple again"):
        accept_changes(first, actor=COMMAND_LINE)


def _end_coverage(apple: RunningSimulator, connection: Connection, serials: list[str]) -> SyncRun:
    for serial in serials:
        apple.control.drop_coverage(serial)
    make_checks_due()
    sync(connection)
    after_a_day_of_silence()
    make_checks_due()
    return sync(connection)


def test_putting_a_run_back_restores_what_it_ended(settings: Settings, apple: RunningSimulator) -> None:
    use_apple(settings, apple)
    covered = covered_whole(apple)[:12]
    stock(covered)
    connection = connect(apple)
    sync(connection)
    before = export("insurance"), export("devices")

    run = _end_coverage(apple, connection, covered)

    assert run.insurance_ended == len(before[0])
    assert {row["status"] for row in export("insurance")} == {"ended"}
    assert put_back(run, actor=COMMAND_LINE) == run.insurance_ended
    while put_back_some():
        pass
    assert (export("insurance"), export("devices")) == before
    assert not run.changes.exclude(state=RunChange.State.PUT_BACK).filter(action="ended").exists()
    with pytest.raises(Refused, match="nothing of this sync to put back"):
        put_back(run, actor=COMMAND_LINE)
    make_checks_due()
    assert sync(connection).insurance_ended == 0  # Apple must be silent twice again


def test_putting_back_one_device_leaves_the_others_and_what_has_changed_since(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    covered = covered_whole(apple)[:3]
    stock(covered)
    connection = connect(apple)
    sync(connection)
    run = _end_coverage(apple, connection, covered)
    mine, changed, other = (Device.objects.get(serial_number=serial) for serial in covered)
    with sync_writes_insurance():
        changed.insurance_records.update(ended_on=timezone.localdate() - timedelta(days=3))

    for device in (mine, changed):
        put_back(run, actor=COMMAND_LINE, device=device)
    while put_back_some(run):
        pass

    assert not mine.insurance_records.filter(ended_on__isnull=False).exists()
    assert not other.insurance_records.filter(ended_on__isnull=True).exists()
    states = run.changes.filter(device=changed, action="ended").values_list("state", flat=True)
    assert set(states) == {RunChange.State.OVERTAKEN}
    assert not changed.insurance_records.filter(ended_on__isnull=True).exists()


def command(*arguments: str) -> Result:
    return CliRunner().invoke(apple_command, list(arguments))


def test_the_command_previews_holds_accepts_lists_and_puts_back(
    settings: Settings, apple: RunningSimulator
) -> None:
    use_apple(settings, apple)
    stock(listed(apple)[:30])
    connect(apple)
    previewed = command("sync", "--preview", "--json")
    assert previewed.exit_code == 0, previewed.output
    document = json.loads(previewed.stdout)
    assert (document["state"], document["matched"], document["coverage_checked"]) == ("previewed", 30, 30)
    number = str(document["run"])
    entries = json.loads(command("changes", number, "--format", "json").stdout)
    assert len(entries) == document["created"] + document["insurance_created"]
    assert not AppleDevice.objects.exists()

    applied = command("sync", "--accept-changes", number, "--json")
    assert applied.exit_code == 0, applied.output
    document = json.loads(applied.stdout)
    assert (document["state"], document["requests"], document["matched"]) == ("succeeded", 0, 30)

    lose(apple, 0.4)
    held = command("sync", "--json")
    assert held.exit_code == 1
    document = json.loads(held.stdout)
    assert document["state"] == "held"
    assert "would end or release something of 120 of 300 devices" in held.stderr
    assert f"--accept-changes {document['run']}" in held.stderr
    accepted = command("sync", "--accept-changes", str(document["run"]), "--json")
    assert accepted.exit_code == 0, accepted.output
    assert json.loads(accepted.stdout)["run"] == document["run"]
    again = command("sync", "--accept-changes", str(document["run"]))
    assert (again.exit_code, "nothing that waits" in again.stderr) == (1, True)
    nothing = command("put-back", str(document["run"]))
    assert (nothing.exit_code, "nothing of this sync" in nothing.stderr) == (1, True)
    assert command("sync", "--preview", "--accept-changes", "1").exit_code == 2
    assert command("changes", "999").exit_code == 1
