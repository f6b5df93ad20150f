"""Change sets in the browser and through the API: who sees them, who decides, and at what cost."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from homeroom.accounts.models import ApiToken, User
from homeroom.accounts.policy import Role
from homeroom.accounts.verbs.tokens import create_token
from homeroom.applesync.models import Connection, RunChange, SyncRun
from homeroom.audit.actors import COMMAND_LINE
from homeroom.inventory.models import Device
from tests.applesync.account import make_connection
from tests.applesync.mirrors import make_listed
from tests.builders import make_device, make_site, make_user

pytestmark = pytest.mark.django_db

Action = RunChange.Action
State = SyncRun.State


def make_run(connection: Connection, state: str = State.SUCCEEDED, **values: object) -> SyncRun:
    return SyncRun.objects.create(
        connection=connection, state=state, requested_by="Ada", requested_by_id="user:1", **values
    )


def make_change(run: SyncRun, device: Device | None = None, **values: object) -> RunChange:
    defaults = {"noun": RunChange.Noun.INSURANCE, "action": Action.CREATED, "state": RunChange.State.APPLIED}
    serial = device.serial_number if device else "ELSEWHERE1"
    return RunChange.objects.create(run=run, device=device, serial_number=serial, **defaults | values)


def signed_in(client: Client, role: Role = Role.ADMINISTRATOR, **values: object) -> User:
    user = make_user(role, **values)
    client.force_login(user)
    return user


def test_a_preview_lists_what_it_would_change_by_kind_and_device_by_device(client: Client) -> None:
    signed_in(client)
    run = make_run(make_connection(), State.PREVIEWED, preview=True, insurance_created=1, created=1)
    device = make_device(serial_number="C02COVERED")
    make_change(run, device, after={"plan": "AppleCare+", "ends": "2028-05-31"})
    make_change(run, noun=RunChange.Noun.APPLE_DEVICE, after={"deviceModel": "iPad (A16)"})

    page = client.get(reverse("applesync:run", args=[run.pk])).content.decode()
    assert "Nothing is changed yet" in page
    assert "Apply these changes" in page
    assert "Insurance record: new" in page

    page = client.get(reverse("applesync:changes", args=[run.pk])).content.decode()
    assert "C02COVERED" in page
    assert "AppleCare+" in page
    assert "05/31/2028" in page
    assert "iPad (A16)" in page

    page = client.get(
        reverse("applesync:changes", args=[run.pk]), {"kind": "insurance:created", "q": "c02covered"}
    ).content.decode()
    assert "AppleCare+" in page
    assert "iPad (A16)" not in page


def test_changes_come_in_portions_at_a_fixed_number_of_queries(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    signed_in(client)
    run = make_run(make_connection(), insurance_created=60)
    entries = [make_change(run, make_device(), after={"plan": f"Plan {n}."}) for n in range(60)]
    address = reverse("applesync:changes", args=[run.pk])
    client.get(address)

    with django_assert_num_queries(6):
        page = client.get(address).content.decode()

    assert "Plan 0." in page
    assert "Plan 50." not in page
    assert f"after={entries[49].pk}" in page
    page = client.get(address, {"after": entries[49].pk}).content.decode()
    assert "Plan 59." in page
    assert "From the beginning" in page


def test_a_change_set_can_be_downloaded(client: Client) -> None:
    signed_in(client)
    run = make_run(make_connection())
    make_change(run, after={"plan": "AppleCare+"})

    answer = client.get(reverse("applesync:changes", args=[run.pk]), {"format": "csv"})

    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.splitlines()[0] == "run,record,change,state,serial_number,coverage_id,before,after"
    assert "insurance,created,applied,ELSEWHERE1" in text


def test_a_technician_sees_changes_of_their_sites_alone_and_decides_nothing(client: Client) -> None:
    mine, other = make_site(), make_site()
    signed_in(client, Role.TECHNICIAN, sites=(mine,))
    run = make_run(make_connection(), State.HELD, insurance_ended=2)
    make_change(run, make_device(site=mine, serial_number="MINE"), action=Action.ENDED)
    make_change(run, make_device(site=other, serial_number="OTHERS"), action=Action.ENDED)

    page = client.get(reverse("applesync:changes", args=[run.pk])).content.decode()
    assert "MINE" in page
    assert "OTHERS" not in page
    page = client.get(reverse("applesync:run", args=[run.pk])).content.decode()
    assert "Accept these changes" not in page
    assert "Put back" not in page
    for name in ("accept", "put-back"):
        assert client.post(reverse(f"applesync:{name}", args=[run.pk])).status_code == 403
    run.refresh_from_db()
    assert run.state == State.HELD


def test_accepting_a_held_sync_queues_it_for_the_worker(client: Client) -> None:
    user = signed_in(client)
    connection = make_connection()
    run = make_run(connection, State.HELD)
    make_listed("GONE1", connection)
    make_change(run, noun=RunChange.Noun.APPLE_DEVICE, action=Action.GONE, state=RunChange.State.PLANNED)
    page = client.get(reverse("applesync:run", args=[run.pk])).content.decode()
    assert "It would end, release or replace something of 1 of 1 devices" in page
    assert "1 planned" in page

    client.post(reverse("applesync:accept", args=[run.pk]))

    run.refresh_from_db()
    assert (run.state, run.accepted_by) == (State.QUEUED, user.actor.label)


def test_a_sync_that_was_outrun_says_so_instead_of_a_button(client: Client) -> None:
    signed_in(client)
    connection = make_connection()
    run = make_run(connection, State.HELD)
    later = make_run(connection)

    page = client.get(reverse("applesync:run", args=[run.pk])).content.decode()
    assert f"Sync {later.pk} has looked at Apple again since" in page
    assert "Accept these changes" not in page
    answer = client.post(reverse("applesync:accept", args=[run.pk]), follow=True)
    assert f"Sync {later.pk} has looked at Apple again since" in answer.content.decode()


def test_the_first_sync_of_a_connection_starts_as_a_preview_and_later_ones_when_asked(client: Client) -> None:
    signed_in(client)
    connection = make_connection()
    page = client.get(reverse("applesync:connection", args=[connection.pk])).content.decode()
    assert "Preview the first sync" in page

    def start(**data: str) -> bool:
        client.post(reverse("applesync:sync", args=[connection.pk]), data)
        run = SyncRun.objects.get(state=State.QUEUED)
        run.delete()
        return run.preview

    assert start() is True
    make_run(connection, finished_at=connection.created_at)
    assert start() is False
    assert start(preview="true") is True


def test_a_device_shows_what_syncs_changed_and_one_record_is_put_back_from_there(client: Client) -> None:
    signed_in(client)
    device = make_device()
    run = make_run(make_connection())
    make_change(
        run,
        device,
        action=Action.ENDED,
        coverage_id="X1",
        before={"ended_on": None},
        after={"ended_on": "2026-01-31"},
    )
    address = reverse("applesync:device-changes", args=[device.pk])
    page = client.get(address).content.decode()
    assert "Ended on:" in page
    assert "01/31/2026" in page

    client.post(reverse("applesync:put-back", args=[run.pk]), {"device": str(device.pk)})

    assert run.changes.get().state == RunChange.State.PUTTING_BACK
    assert client.post(reverse("applesync:put-back", args=[run.pk]), {"device": "no"}).status_code == 404
    assert (
        "nothing of this sync to put back"
        in client.post(reverse("applesync:put-back", args=[run.pk]), follow=True).content.decode()
    )


def test_a_device_of_another_site_shows_nothing(client: Client) -> None:
    signed_in(client, Role.TECHNICIAN, sites=(make_site(),))
    device = make_device()
    assert client.get(reverse("applesync:device-changes", args=[device.pk])).status_code == 404


def test_the_api_previews_lists_accepts_and_puts_back(client: Client) -> None:
    connection = make_connection()
    _token, secret = create_token(make_user(), name="script", scope=ApiToken.Scope.WRITE, actor=COMMAND_LINE)
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    answer = client.post(f"/api/v1/connections/{connection.pk}/syncs?preview=true")
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert SyncRun.objects.get().preview
    SyncRun.objects.all().delete()

    run = make_run(connection, State.HELD)
    make_change(run, action=Action.ENDED)
    (entry,) = client.get(f"/api/v1/syncs/{run.pk}/changes").json()["items"]
    assert (entry["record"], entry["change"], entry["serial_number"]) == ("insurance", "ended", "ELSEWHERE1")
    assert client.post(f"/api/v1/syncs/{run.pk}/put-back").json() == {"records": 1}
    assert client.post(f"/api/v1/syncs/{run.pk}/put-back").status_code in {409, 422}
    assert client.post(f"/api/v1/syncs/{run.pk}/accept").json()["state"] == "queued"
    assert client.post(f"/api/v1/syncs/{run.pk}/accept").status_code in {409, 422}


def test_a_profile_tells_when_apple_said_it_and_leads_to_what_syncs_changed(client: Client) -> None:
    signed_in(client)
    device = make_device()
    connection = make_connection()
    make_listed(device.serial_number, connection, device=device)
    make_run(connection, started_at=datetime(2026, 1, 31, 12, tzinfo=UTC))
    page = client.get(device.get_absolute_url()).content.decode()
    assert reverse("applesync:device-changes", args=[device.pk]) in page
    assert f"From “{connection}”, as of Jan. 31, 2026" in page
