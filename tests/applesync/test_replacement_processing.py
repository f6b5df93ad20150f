"""Replacements as syncs find them, over real HTTP: what is applied by itself, what is asked, what is left alone."""

import json
from datetime import timedelta
from itertools import chain

import pytest
from click.testing import CliRunner
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from appleschool_sim.actions import Replace
from appleschool_sim.actions.devices import ReleaseOrder
from appleschool_sim.faults import Fault
from appleschool_sim.kinds import RequestKind
from appleschool_sim.testing import RunningSimulator
from homeroom.applesync.commands import apple as apple_command
from homeroom.applesync.models import (
    AppleDevice,
    Connection,
    Replacement,
    RunChange,
    SyncRun,
    ToldReplacement,
)
from homeroom.applesync.pipeline.replacing import match, suggest
from homeroom.applesync.pipeline.running import work_on
from homeroom.applesync.replacements.evidence import Kind
from homeroom.applesync.replacements.queries import new_rows, situation
from homeroom.applesync.verbs.putting_back import put_back, put_back_some
from homeroom.applesync.verbs.replacements import (
    apply_replacement,
    dismiss_replacement,
    pair_replacement,
    undo_replacement,
)
from homeroom.applesync.verbs.runs import begin_accepted, begin_sync
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.models import Incident
from homeroom.incidents.verbs.incidents import close_incident, open_incident
from homeroom.incidents.verbs.repairs import correct_shipping_day, send_to_apple
from homeroom.incidents.verbs.statuses import ensure_system_statuses as ensure_incident_statuses
from homeroom.inventory.models import Device
from homeroom.inventory.queries import open_assignment
from homeroom.inventory.verbs.assignments import check_out
from homeroom.inventory.verbs.statuses import ensure_system_statuses as ensure_device_statuses
from homeroom.notifications.models import Fact
from tests.applesync.districts import connect, listed, stock, sync, use_apple
from tests.builders import make_person

pytestmark = pytest.mark.django_db(transaction=True)
State = Replacement.State


@pytest.fixture
def district(apple: RunningSimulator, settings: Settings) -> Connection:
    """A district whose devices are known: one sync has run."""
    use_apple(settings, apple)
    ensure_device_statuses(actor=COMMAND_LINE)
    ensure_incident_statuses(actor=COMMAND_LINE)
    connection = connect(apple, sync_coverage=False)
    stock(listed(apple))
    assert sync(connection).state == SyncRun.State.SUCCEEDED
    return connection


def alike(count: int) -> list[Device]:
    """So many devices of the same kind, bought from Apple."""
    rows = AppleDevice.objects.exclude(color="").filter(capacity__isnull=False, purchase_source_type="APPLE")
    for first in rows:
        kind = {name: getattr(first, name) for name in ("product_type", "capacity", "color")}
        same = list(rows.filter(**kind).select_related("device")[:count])
        if len(same) == count:
            return [row.device for row in same if row.device]
    pytest.fail("the simulated district has no such devices")


def send(device: Device, **told: object) -> Incident:
    incident = open_incident(device, summary="Cracked screen", actor=COMMAND_LINE)
    return send_to_apple(incident, reason="Tested.", actor=COMMAND_LINE, **told)


def ship_replacement(apple: RunningSimulator, device: Device, **told: object) -> str:
    return apple.control.replace(Replace(serial=device.serial_number or "", **told))


def untouched(incident: Incident) -> bool:
    incident.refresh_from_db()
    device = Device.objects.get(pk=incident.device_id)
    return incident.is_at_apple and str(device.status) != "Replaced by AppleCare"


@pytest.mark.parametrize("forgotten", [False, True])
def test_the_only_one_is_applied_at_once_whole_and_told(
    apple: RunningSimulator, district: Connection, *, forgotten: bool
) -> None:
    (device,) = alike(1)
    person = make_person()
    check_out(device, person, actor=COMMAND_LINE)
    incident = send(device)
    new = ship_replacement(apple, device, forgotten=forgotten)

    run = sync(district)

    assert (run.state, run.replacements_applied, run.replacements_to_review) == ("succeeded", 1, 0), run.error
    incident.refresh_from_db()
    device.refresh_from_db()
    assert str(incident.status) == "AppleCare Replacement Received"
    assert str(device.status) == "Replaced by AppleCare"
    assert open_assignment(device) is None
    replacement = Replacement.objects.get()
    assert (replacement.state, replacement.replacement_serial, replacement.certain) == (
        State.APPLIED,
        new,
        True,
    )
    assert Kind.ONLY_ONE in {row["kind"] for row in replacement.evidence}
    entry = RunChange.objects.get(run=run, noun=RunChange.Noun.REPLACEMENT)
    assert (entry.action, entry.state, entry.device) == ("replaced", "applied", device)


def test_a_night_later_nothing_is_applied_again_and_nothing_written(
    apple: RunningSimulator, district: Connection
) -> None:
    first, second, third = alike(3)
    send(first)
    send(second)
    ship_replacement(apple, first, released=ReleaseOrder.NEVER)
    run = sync(district)
    assert run.replacements_to_review == 1
    suggestions = list(Replacement.objects.order_by("pk").values())
    mails = Fact.objects.count()

    with CaptureQueriesContext(database) as queries:
        again = sync(district)

    assert again.replacements_to_review == 1
    assert list(Replacement.objects.order_by("pk").values()) == suggestions
    assert not again.changes.exists()
    assert Fact.objects.count() == mails
    written = [query["sql"] for query in queries if '"applesync_replacement"' in query["sql"]]
    assert not [sql for sql in written if sql.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert third.pk


def test_each_original_at_apple_is_asked_for_once_and_nothing_else(
    apple: RunningSimulator, district: Connection
) -> None:
    devices = alike(3)
    for device in devices:
        send(device)
    ship_replacement(apple, devices[0])
    apple.control.reset_counters()

    run = sync(district)

    asked = apple.control.counts()["requests"]
    assert asked[RequestKind.DEVICE] == len(devices)
    assert run.requests == sum(asked.values())


@pytest.mark.parametrize("forgotten", [False, True])
def test_in_a_batch_it_asks_and_lists_the_one_that_left_first(
    apple: RunningSimulator, district: Connection, *, forgotten: bool
) -> None:
    devices = alike(4)
    incidents = [send(device) for device in devices]
    new = ship_replacement(apple, devices[2], forgotten=forgotten)

    run = sync(district)

    assert (run.replacements_applied, run.replacements_to_review) == (0, 1)
    best = Replacement.objects.get(replacement_serial=new, rank=0)
    assert (best.state, best.original_serial) == (State.SUGGESTED, devices[2].serial_number)
    kinds = {row["kind"] for row in best.evidence}
    assert {Kind.LEFT_ABOUT_THEN, Kind.OTHER_REPAIRS} <= kinds
    assert Replacement.objects.filter(replacement_serial=new).count() == len(devices)
    assert all(untouched(incident) for incident in incidents)
    assert run.changes.get(noun=RunChange.Noun.REPLACEMENT).action == RunChange.Action.SUGGESTED


def test_told_before_the_inventory_has_it(apple: RunningSimulator, district: Connection) -> None:
    first, second = alike(2)
    send(first)
    send(second)
    new = ship_replacement(apple, second, released=ReleaseOrder.NEVER)
    ToldReplacement.objects.create(
        replacement_serial=new,
        original_serial=(second.serial_number or "").lower(),
        told_at=timezone.now(),
    )
    assert sync(district).replacements_applied == 1
    assert Replacement.objects.get(state=State.APPLIED).original_serial == second.serial_number


def test_told_by_the_device_s_own_row(apple: RunningSimulator, district: Connection) -> None:
    first, second = alike(2)
    send(first)
    send(second)
    new = ship_replacement(apple, second, released=ReleaseOrder.NEVER)
    stock([new])
    Device.objects.filter(serial_number=new).update(replaces_serial=second.serial_number)
    assert sync(district).replacements_applied == 1
    assert Replacement.objects.get(state=State.APPLIED).original_serial == second.serial_number


def test_the_repair_number_decides_in_a_batch(apple: RunningSimulator, district: Connection) -> None:
    devices = alike(3)
    new = ship_replacement(apple, devices[1], released=ReleaseOrder.NEVER, delay_seconds=3600)
    for device in devices:
        send(device)
    apple.control.advance_clock(timedelta(hours=2))
    sync(district)
    order = AppleDevice.objects.get(serial_number=new).order_number
    Incident.objects.filter(device=devices[0]).update(repair_number=f" {order.lower()}")
    assert sync(district).replacements_applied == 1
    assert Replacement.objects.get(state=State.APPLIED).original_serial == devices[0].serial_number


# What must hold


def test_option_off_applies_and_suggests_nothing_and_asks_apple_nothing(
    apple: RunningSimulator, district: Connection
) -> None:
    Connection.objects.update(process_replacements=False)
    (device,) = alike(1)
    incident = send(device)
    ship_replacement(apple, device, released=ReleaseOrder.NEVER)
    apple.control.reset_counters()
    run = sync(Connection.objects.get())
    assert (run.replacements_applied, run.replacements_to_review) == (0, 0)
    assert not Replacement.objects.exists()
    assert untouched(incident)
    assert not apple.control.counts()["requests"].get(RequestKind.DEVICE)


def test_always_asking_suggests_what_is_certain(apple: RunningSimulator, district: Connection) -> None:
    Connection.objects.update(apply_replacements=False)
    (device,) = alike(1)
    incident = send(device)
    ship_replacement(apple, device)
    run = sync(Connection.objects.get())
    assert (run.replacements_applied, run.replacements_to_review) == (0, 1)
    assert Replacement.objects.get().certain
    assert untouched(incident)


def test_an_incident_that_is_not_sent_is_left_alone(apple: RunningSimulator, district: Connection) -> None:
    (device,) = alike(1)
    incident = open_incident(device, summary="Cracked screen", actor=COMMAND_LINE)
    ship_replacement(apple, device)
    assert sync(district).replacements_applied == 0
    assert not Replacement.objects.exists()
    incident.refresh_from_db()
    assert str(incident.device.status) != "Replaced by AppleCare"


def test_sent_after_the_replacement_appeared_is_left_alone_until_the_day_is_corrected(
    apple: RunningSimulator, district: Connection
) -> None:
    (device,) = alike(1)
    ship_replacement(apple, device)
    incident = send(device)
    assert sync(district).replacements_applied == 0
    assert untouched(incident)
    correct_shipping_day(
        incident,
        shipped_on=timezone.localdate() - timedelta(days=3),
        reason="Shipped then.",
        actor=COMMAND_LINE,
    )
    assert sync(district).replacements_applied == 1


def test_an_original_that_is_replaced_already_waits_for_nothing(
    apple: RunningSimulator, district: Connection
) -> None:
    """Its other incident is at Apple still, and what comes next is somebody else's."""
    device, stranger = alike(2)
    send(device)
    other = send(device)
    new = ship_replacement(apple, device)
    assert sync(district).replacements_applied == 0
    pairing = Replacement.objects.exclude(incident=other).get(replacement_serial=new)
    apply_replacement(pairing, actor=COMMAND_LINE)
    Device.objects.filter(pk=stranger.pk).delete()
    ship_replacement(apple, stranger, released=ReleaseOrder.NEVER)
    run = sync(district)
    assert (run.replacements_applied, run.replacements_to_review) == (0, 0)
    other.refresh_from_db()
    assert other.is_at_apple


def test_another_family_is_left_alone(apple: RunningSimulator, district: Connection) -> None:
    ipad = AppleDevice.objects.filter(product_family="iPad", device__isnull=False).select_related("device")[0]
    mac = AppleDevice.objects.filter(product_family="Mac", device__isnull=False).select_related("device")[0]
    assert ipad.device
    assert mac.device
    incident = send(ipad.device)
    ship_replacement(apple, mac.device)
    run = sync(district)
    assert (run.replacements_applied, run.replacements_to_review) == (0, 0)
    assert untouched(incident)


def test_a_dismissed_pairing_does_not_come_back(apple: RunningSimulator, district: Connection) -> None:
    Connection.objects.update(apply_replacements=False)
    (device,) = alike(1)
    incident = send(device)
    ship_replacement(apple, device)
    sync(Connection.objects.get())
    dismiss_replacement(Replacement.objects.get(), reason="Not this one.", actor=COMMAND_LINE)
    Connection.objects.update(apply_replacements=True)
    run = sync(Connection.objects.get())
    assert (run.replacements_applied, run.replacements_to_review) == (0, 0)
    assert Replacement.objects.get().state == State.DISMISSED
    assert untouched(incident)


def test_an_undone_one_is_not_applied_again_by_itself(apple: RunningSimulator, district: Connection) -> None:
    (device,) = alike(1)
    incident = send(device)
    ship_replacement(apple, device)
    sync(district)
    undo_replacement(Replacement.objects.get(), reason="Wrong.", actor=COMMAND_LINE)
    assert sync(district).replacements_applied == 0
    assert Replacement.objects.get().state == State.UNDONE
    assert untouched(incident)


def test_an_original_that_is_not_in_the_inventory_has_no_incident_and_is_asked_about(
    apple: RunningSimulator, district: Connection
) -> None:
    """A device nobody wrote down left at the same time: the new one may be its replacement."""
    first, second = alike(2)
    incident = send(first)
    Device.objects.filter(pk=second.pk).delete()
    ship_replacement(apple, second)
    ship_replacement(apple, first, delay_seconds=3600)
    run = sync(district)
    assert (run.replacements_applied, run.replacements_to_review) == (0, 1)
    assert Kind.OTHERS_THAT_LEFT in {row["kind"] for row in Replacement.objects.get(rank=0).evidence}
    assert untouched(incident)


def test_suggestions_go_when_their_incident_is_closed(apple: RunningSimulator, district: Connection) -> None:
    (device,) = alike(1)
    incident = send(device)
    ship_replacement(apple, device, released=ReleaseOrder.NEVER)
    assert sync(district).replacements_to_review == 1
    close_incident(incident, outcome=Incident.Outcome.REPAIRED, actor=COMMAND_LINE)
    assert sync(district).replacements_to_review == 0
    assert not Replacement.objects.exists()


def test_it_becomes_certain_when_the_original_leaves(apple: RunningSimulator, district: Connection) -> None:
    (device,) = alike(1)
    send(device)
    ship_replacement(apple, device, released=ReleaseOrder.AFTER, delay_seconds=3600)
    assert sync(district).replacements_to_review == 1
    apple.control.advance_clock(timedelta(hours=2))
    run = sync(district)
    assert (run.replacements_applied, run.replacements_to_review) == (1, 0)


def test_apple_failing_to_tell_of_an_original_stops_nothing(
    apple: RunningSimulator, district: Connection
) -> None:
    (device,) = alike(1)
    incident = send(device)
    ship_replacement(apple, device, released=ReleaseOrder.NEVER)
    apple.control.switch_on(
        Fault.SERVER_ERROR, kinds=[RequestKind.DEVICE], serials=[device.serial_number or ""]
    )
    run = sync(district)
    assert (run.state, run.replacements_to_review) == ("succeeded", 1), run.error
    assert Kind.FATE_UNKNOWN in {row["kind"] for row in Replacement.objects.get().evidence}
    assert untouched(incident)


# Preview, guard, putting back


def test_a_preview_shows_it_and_changes_nothing_and_applying_it_asks_nothing(
    apple: RunningSimulator, district: Connection
) -> None:
    first, *batch = alike(1) + alike(3)[1:]
    incidents = [send(first)]
    ship_replacement(apple, first)
    preview = work_on(begin_sync(district, actor=COMMAND_LINE, preview=True))
    assert (preview.state, preview.replacements_applied) == ("previewed", 1)
    assert not Replacement.objects.exists()
    assert all(untouched(incident) for incident in incidents)
    assert preview.changes.get(noun=RunChange.Noun.REPLACEMENT).state == RunChange.State.PLANNED
    asked = sum(apple.control.counts()["requests"].values())

    applied = work_on(begin_accepted(preview, actor=COMMAND_LINE))

    assert (applied.state, applied.replacements_applied) == ("succeeded", 1), applied.error
    assert sum(apple.control.counts()["requests"].values()) == asked
    assert not untouched(incidents[0])
    assert batch


def test_it_is_put_back_with_the_run(apple: RunningSimulator, district: Connection) -> None:
    (device,) = alike(1)
    before = device.status
    person = make_person()
    check_out(device, person, actor=COMMAND_LINE)
    incident = send(device)
    ship_replacement(apple, device)
    run = sync(district)

    assert put_back(run, device=device, actor=COMMAND_LINE) == 1
    while put_back_some(run):
        pass

    device.refresh_from_db()
    assert device.status == before
    assert open_assignment(device).person == person  # type: ignore[union-attr]
    assert untouched(incident)
    assert run.changes.get(noun=RunChange.Noun.REPLACEMENT).state == RunChange.State.PUT_BACK
    assert Replacement.objects.get().state == State.UNDONE
    assert sync(district).replacements_applied == 0


def test_many_at_once_are_held_until_somebody_accepts(
    apple: RunningSimulator, district: Connection, settings: Settings
) -> None:
    """60 originals of 300 are told to be replaced overnight, which no repair center does."""
    devices = list(Device.objects.order_by("pk")[:60])
    incidents = [send(device) for device in devices]
    for device in devices:
        new = ship_replacement(apple, device, released=ReleaseOrder.NEVER)
        ToldReplacement.objects.create(
            replacement_serial=new, original_serial=device.serial_number, told_at=timezone.now()
        )
    run = sync(district)
    assert (run.state, run.replacements_applied) == ("held", 0)
    assert all(untouched(incident) for incident in incidents)
    accepted = work_on(begin_accepted(run, actor=COMMAND_LINE))
    assert (accepted.state, accepted.replacements_applied) == ("succeeded", 60), accepted.error


def test_what_a_person_decided_while_it_was_held_counts(
    apple: RunningSimulator, district: Connection
) -> None:
    devices = list(Device.objects.order_by("pk")[:60])
    incidents = [send(device) for device in devices]
    for device in devices:
        new = ship_replacement(apple, device, released=ReleaseOrder.NEVER)
        ToldReplacement.objects.create(
            replacement_serial=new, original_serial=device.serial_number, told_at=timezone.now()
        )
    run = sync(district)
    dismiss_replacement(Replacement.objects.get(incident=incidents[0], rank=0), actor=COMMAND_LINE)
    close_incident(incidents[1], outcome=Incident.Outcome.REPAIRED, actor=COMMAND_LINE)
    accepted = work_on(begin_accepted(run, actor=COMMAND_LINE))
    assert accepted.replacements_applied == 58
    assert untouched(incidents[0])
    overtaken = run.changes.filter(noun=RunChange.Noun.REPLACEMENT, state=RunChange.State.OVERTAKEN)
    assert overtaken.count() == 2


def test_what_a_person_decided_while_it_was_matching_counts(
    apple: RunningSimulator, district: Connection
) -> None:
    """Whoever reviews at that moment neither fails the sync nor is asked once more."""
    first, second, third = alike(3)
    told, dismissed, kept = (send(device) for device in (first, second, third))
    new = ship_replacement(apple, first, released=ReleaseOrder.NEVER)
    sync(district)
    candidate = AppleDevice.objects.get(serial_number=new)
    Replacement.objects.all().delete()
    claimed = begin_sync(district, actor=COMMAND_LINE)
    run, lease = claimed.run, claimed.lease

    matched = match(run, ())
    assert {key.incident for key in matched.pairings} == {told.pk, dismissed.pk, kept.pk}
    suggest(run, lease, matched)
    dismiss_replacement(Replacement.objects.get(incident=dismissed), actor=COMMAND_LINE)
    suggest(run, lease, matched)
    assert Replacement.objects.get(incident=dismissed).state == State.DISMISSED
    pair_replacement(candidate, told, actor=COMMAND_LINE)
    suggest(run, lease, matched)

    states = dict(Replacement.objects.values_list("incident", "state"))
    assert states == {told.pk: State.APPLIED, dismissed.pk: State.DISMISSED}
    run.refresh_from_db()
    assert run.replacements_to_review == 0


def test_the_command_line_counts_them(apple: RunningSimulator, district: Connection) -> None:
    (device,) = alike(1)
    send(device)
    ship_replacement(apple, device)
    result = CliRunner().invoke(apple_command, ["sync", "--json"])
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["replacements_applied"], document["replacements_to_review"]) == (1, 0)
    names = list(document)
    assert names.index("insurance_ended") < names.index("replacements_applied") < names.index("requests")


def test_matching_takes_as_many_statements_for_many_repairs_as_for_few(
    apple: RunningSimulator, district: Connection
) -> None:
    def statements() -> int:
        run = SyncRun.objects.order_by("-pk")[0]
        with CaptureQueriesContext(database) as queries:
            assert situation(run)
        return len(queries)

    devices = list(Device.objects.order_by("pk")[:20])
    send(devices[0])
    few = statements()
    for device in devices[1:]:
        send(device)
    assert statements() == few


def test_orders_that_begin_with_r_are_found_by_their_index(district: Connection) -> None:
    """Reading a million devices' rows for a handful of orders would take a minute."""
    if database.vendor != "sqlite":
        pytest.skip("PostgreSQL chooses by what it has counted")
    run = SyncRun.objects.order_by("-pk")[0]
    with CaptureQueriesContext(database) as queries:
        list(chain.from_iterable(new_rows(run, timezone.now())))
    with database.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {queries[0]['sql']}")
        plan = [step for *_, step in cursor.fetchall()]
    assert any("COVERING INDEX mirror_order_r" in step for step in plan), plan
