"""Replacements on the command line, in exports and reports, and through the API: the same decisions as on the pages."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from django.test import Client

from homeroom.accounts.models import ApiToken
from homeroom.accounts.policy import Role
from homeroom.accounts.verbs.tokens import create_token
from homeroom.applesync.commands import replacements as command
from homeroom.applesync.models import Connection, Replacement, ToldReplacement
from homeroom.applesync.verbs.replacements import apply_replacement, dismiss_candidate
from homeroom.audit.actors import COMMAND_LINE
from homeroom.config.commands.exports import export
from homeroom.config.commands.reports import report
from homeroom.inventory.queries import open_assignment
from homeroom.inventory.verbs.assignments import swap_for_loaner
from tests.applesync.mirrors import make_connection
from tests.applesync.repairs import connected, device_of, make_at_apple, make_candidate, suggest
from tests.builders import make_device, make_site, make_user

pytestmark = pytest.mark.django_db
State = Replacement.State
COLUMNS = [
    "original_serial",
    "replacement_serial",
    "order_number",
    "incident",
    "state",
    "detected_at",
    "applied_at",
    "decided_by",
    "evidence",
]


@pytest.fixture
def connection(db: None) -> Connection:
    return connected(name="North")


@pytest.fixture
def suggested(connection: Connection) -> Replacement:
    incident = make_at_apple(connection, serial_number="OLD1")
    return suggest(make_candidate("NEW1", connection), incident)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(each) for each in arguments])


def printed(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


class Caller:
    def __init__(self, role: Role = Role.TECHNICIAN, *, sites: tuple = ()) -> None:
        user = make_user(role, sites=sites)
        _token, secret = create_token(user, name="t", scope=ApiToken.Scope.WRITE, actor=COMMAND_LINE)
        self.headers = {"Authorization": f"Bearer {secret}"}

    def get(self, path: str, **query: object) -> Any:
        return Client().get(f"/api/v1/replacements{path}", query, headers=self.headers)

    def post(self, path: str, body: Any = None) -> Any:
        address = f"/api/v1/replacements{path}"
        return Client().post(address, body or {}, content_type="application/json", headers=self.headers)

    def delete(self, path: str) -> Any:
        return Client().delete(f"/api/v1/replacements{path}", headers=self.headers)


def test_the_list_shows_ids_states_and_evidence(suggested):
    shown = run("list").stdout
    assert f"{suggested.pk}  To review: NEW1 replaces OLD1 (incident {suggested.incident_id})" in shown
    assert "against: The colors differ" in shown
    (row,) = printed("list")
    assert list(row) == ["id", *COLUMNS]
    assert (row["id"], row["state"], row["applied_at"]) == (suggested.pk, "suggested", None)
    assert printed("list", "--state", "applied") == []
    assert run("list", "--state", "nonsense").exit_code == 2


def test_one_is_confirmed_and_not_twice(suggested):
    row = printed("confirm", suggested.pk)
    assert (row["state"], row["decided_by"]) == ("applied", "Command line")
    again = run("confirm", suggested.pk)
    assert (again.exit_code, again.stdout) == (1, "")
    assert "applied already" in again.stderr
    assert run("confirm", 987654).exit_code == 1
    assert run("confirm", "NEW1").exit_code == 2


def test_one_is_paired_with_another_incident(connection, suggested):
    other = make_at_apple(connection, serial_number="OLD2")
    row = printed("confirm", suggested.pk, "--incident", other.number)
    assert (row["original_serial"], row["incident"]) == ("OLD2", other.number)
    assert run("confirm", row["id"], "--incident", 987654).exit_code == 1


def test_an_incident_of_another_connection_is_refused(suggested):
    other = make_at_apple(make_connection(name="South"), serial_number="SOUTH1")
    refused = run("confirm", suggested.pk, "--incident", other.number)
    assert refused.exit_code == 1
    assert "“South”" in refused.stderr
    assert not Replacement.objects.filter(state=State.APPLIED).exists()


def test_one_is_dismissed_one_is_not_ours_and_one_is_undone(connection, suggested):
    assert printed("dismiss", suggested.pk, "--reason", "Another box")["state"] == "dismissed"
    second = suggest(make_candidate("NEW2", connection), make_at_apple(connection))
    row = printed("not-ours", second.pk)
    assert (row["replacement_serial"], row["incident"], row["state"]) == ("NEW2", None, "dismissed")
    third = suggest(make_candidate("NEW3", connection), make_at_apple(connection))
    printed("confirm", third.pk)
    assert run("undo", third.pk).exit_code == 2
    assert printed("undo", third.pk, "--reason", "Wrong")["state"] == "undone"


def test_one_is_received_with_all_that_is_left(connection, suggested):
    swap_for_loaner(suggested.incident.device, make_device(asset_tag="LOAN1"), actor=COMMAND_LINE)
    early = run("receive", "NEW1", "--asset-tag", "N1")
    assert early.exit_code == 1
    assert "paired with no incident yet" in early.stderr
    printed("confirm", suggested.pk)

    row = printed("receive", "NEW1", "--asset-tag", "N1", "--assign", "--close", "--take-back-loaner")

    assert (row["serial_number"], row["asset_tag"]) == ("NEW1", "N1")
    assert row["person"] == suggested.incident.person.external_id
    assert open_assignment(device_of("NEW1")).person == suggested.incident.person
    again = run("receive", "NEW1", "--close")
    assert again.exit_code == 1
    assert "Nothing of that is left to do." in again.stderr


def test_what_can_not_be_received_says_why(connection):
    assert "Nobody knows NOBODYS1 yet" in run("receive", "NOBODYS1", "--asset-tag", "N1").stderr
    make_device(serial_number="OURS1")
    assert "in the inventory already" in run("receive", "OURS1").stderr
    applied = suggest(make_candidate("NEW1", connection), make_at_apple(connection))
    apply_replacement(applied, actor=COMMAND_LINE)
    assert "no site “Nowhere”" in run("receive", "NEW1", "--site", "Nowhere").stderr
    told = run("receive", "NEW1").stderr
    assert "left  Give it its asset tag" in told


@pytest.mark.parametrize(("run_it", "name"), [(export, "replacements"), (report, "replacement-history")])
def test_files_have_the_columns_that_are_promised(connection, suggested, run_it, name):
    apply_replacement(suggested, actor=COMMAND_LINE)
    dismiss_candidate(make_candidate("NEW2", connection), actor=COMMAND_LINE)
    waiting = suggest(make_candidate("NEW3", connection), make_at_apple(connection))
    result = CliRunner().invoke(run_it, [name, "--format", "json"])
    assert result.exit_code == 0, result.output
    told = {row["replacement_serial"]: row for row in json.loads(result.stdout)}
    assert list(told["NEW1"]) == COLUMNS
    assert told["NEW1"]["state"] == "applied"
    assert told["NEW2"]["incident"] is None
    assert (waiting.replacement_serial in told) is (name == "replacements")


def test_incidents_name_their_replacement_in_files(suggested):
    def told() -> Any:
        (row,) = json.loads(CliRunner().invoke(export, ["incidents", "--format", "json"]).stdout)
        return row["replacement_serial"]

    assert told() is None
    apply_replacement(suggested, actor=COMMAND_LINE)
    assert told() == "NEW1"


def test_the_api_lists_and_filters(suggested):
    (item,) = Caller(Role.VIEWER).get("", state="suggested", original_serial="OLD1").json()["items"]
    assert list(item) == ["id", *COLUMNS]
    assert Caller().get("", state="applied").json()["items"] == []
    assert Caller().get(f"/{suggested.pk}").json() == item


def test_the_api_decides_as_the_pages_do(connection, suggested):
    caller = Caller()
    assert caller.post(f"/{suggested.pk}/dismiss", {"reason": "x"}).json()["state"] == "dismissed"
    assert caller.post(f"/{suggested.pk}/dismiss", {"reason": "x"}).status_code == 409
    assert caller.post(f"/{suggested.pk}/confirm").json()["state"] == "applied"
    assert caller.post(f"/{suggested.pk}/undo", {"reason": "x"}).status_code == 403
    administrator = Caller(Role.ADMINISTRATOR)
    assert administrator.post(f"/{suggested.pk}/undo", {"reason": " "}).status_code == 422
    assert administrator.post(f"/{suggested.pk}/undo", {"reason": "Wrong"}).json()["state"] == "undone"
    row = caller.post(f"/{suggested.pk}/not-ours").json()
    assert (row["incident"], row["state"]) == (None, "dismissed")
    other = make_at_apple(connection, serial_number="OLD2")
    paired = caller.post("/pair", {"replacement_serial": "NEW1", "incident": other.number}).json()
    assert (paired["original_serial"], paired["state"]) == ("OLD2", "applied")
    assert not Replacement.objects.filter(incident=None).exists()


def test_the_api_pairs_only_what_is_known_and_at_apple(connection, suggested):
    caller = Caller()
    unknown = caller.post("/pair", {"replacement_serial": "NOBODYS1", "incident": suggested.incident_id})
    assert unknown.status_code == 422
    away = caller.post("/pair", {"replacement_serial": "NEW1", "incident": 987654})
    assert away.json()["errors"][0]["field"] == "incident"
    make_candidate("NEW1", make_connection(name="South"))
    body = {"replacement_serial": "NEW1", "incident": suggested.incident_id}
    assert caller.post("/pair", body).json()["errors"][0]["field"] == "connection"
    assert caller.post("/pair", body | {"connection": "North"}).json()["state"] == "applied"


def test_the_api_receives(suggested):
    apply_replacement(suggested, actor=COMMAND_LINE)
    caller = Caller()
    answer = caller.post(f"/{suggested.pk}/receive", {"asset_tag": "N1", "assign": True, "close": True})
    assert (answer.json()["serial_number"], answer.json()["asset_tag"]) == ("NEW1", "N1")
    assert answer.json()["person"] == suggested.incident.person.external_id


def test_the_api_shows_and_decides_nothing_of_other_sites(suggested):
    elsewhere = Caller(sites=(make_site(),))
    assert elsewhere.get("").json()["items"] == []
    for path in ("", "/confirm", "/dismiss", "/not-ours", "/receive"):
        send = elsewhere.post if path else elsewhere.get
        assert send(f"/{suggested.pk}{path}").status_code == 404
    body = {"replacement_serial": "NEW1", "incident": suggested.incident_id}
    assert elsewhere.post("/pair", body).status_code == 422


def test_the_mdm_tells_of_a_replacement_that_is_not_in_the_inventory_yet():
    caller = Caller()
    told = {"replacement_serial": "NEW9", "original_serial": "OLD9"}
    answer = caller.post("/told", told)
    assert (answer.status_code, answer.json()) == (201, told)
    assert ToldReplacement.objects.get().original_serial == "OLD9"
    assert caller.post("/told", told | {"original_serial": "NEW9"}).status_code == 422
    assert Caller(Role.VIEWER).post("/told", told).status_code == 403
    make_device(serial_number="OLD9")
    assert Caller(sites=(make_site(),)).delete("/told/NEW9").status_code == 422
    assert caller.delete("/told/NEW9").status_code == 204
    assert caller.delete("/told/NEW9").status_code == 404
