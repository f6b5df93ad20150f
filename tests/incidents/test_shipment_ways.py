"""Sending and receiving by command and through the API: the same verbs as the pages."""

import json

import pytest
from click.testing import CliRunner

from homeroom.accounts.policy import Role
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.models import Incident, Shipment
from homeroom.incidents.shipping.commands import shipment as command
from homeroom.incidents.verbs.statuses import ensure_system_statuses
from tests.api.test_api import Caller, is_problem
from tests.builders import make_device, make_site
from tests.incidents.repairs import box_of, cracked, ready

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def connected() -> None:
    ensure_system_statuses(actor=COMMAND_LINE)


def stored(incident) -> Incident:
    return Incident.objects.select_related("status", "shipment").get(pk=incident.pk)


def run(*arguments: str, code: int = 0):
    done = CliRunner().invoke(command, list(arguments))
    assert done.exit_code == code, done.output
    return done


def test_a_box_is_filled_and_shipped_by_command():
    good, bad = ready(make_device(asset_tag="T1")), cracked(make_device(asset_tag="T2"))
    made = json.loads(run("create", "--reference", "By script", "--json").stdout)
    number = str(made["number"])
    assert made["reference"] == "By script"
    partly = run("add", number, "T1", "NOSUCH", "T2", "--json", code=1)
    assert json.loads(partly.stdout)["units"] == 2
    assert "NOSUCH: No device" in partly.stderr
    refused = run("ship", number, code=1)
    assert "There is no photo" in refused.stderr
    row = json.loads(run("ship", number, "--leave-out", "--json").stdout)
    assert (row["units"], row["at_apple"]) == (1, 1)
    assert (stored(good).is_at_apple, stored(bad).is_at_apple) == (True, False)
    (listed,) = json.loads(run("list", "--json").stdout)
    assert listed["shipped_at"] is not None
    assert f"#{number}" in run("list").stdout
    run("cancel", number, code=1)
    other = run("create").stdout.strip()
    run("add", other, "T2")
    run("remove", other, "T2")
    run("cancel", other)
    run("ship", "999999", code=1)


def test_a_box_is_filled_and_shipped_through_the_api():
    good, bad = ready(make_device(asset_tag="T1")), cracked(make_device(asset_tag="T2"))
    caller = Caller(Role.TECHNICIAN)
    made = caller.send("POST", "/shipments", {"reference": "By API"})
    assert made.status_code == 201, made.content
    address = f"/shipments/{made.json()['id']}"
    for unit in ({"device": "T1"}, {"incident": bad.number}):
        assert caller.send("POST", f"{address}/units", unit).status_code == 201
    assert is_problem(caller.send("POST", f"{address}/units", {"device": "T1"}), 409)
    assert is_problem(caller.send("POST", f"{address}/units", {"device": "NOSUCH"}), 422)
    contents = caller.get(address)["contents"]
    assert [unit["asset_tag"] for unit in contents] == ["T1", "T2"]
    assert contents[0]["concerns"] == []
    assert "no-photo" in {concern["check"] for concern in contents[1]["concerns"]}

    refused = caller.send("POST", f"{address}/ship", {})
    assert is_problem(refused, 422)
    assert {concern["incident"] for concern in refused.json()["concerns"]} == {bad.number}
    assert caller.send("POST", f"{address}/ask-apple").status_code == 202
    assert caller.send("DELETE", f"{address}/units/{bad.number}").status_code == 204
    assert caller.send("PATCH", address, {"carrier": "UPS"}).json()["carrier"] == "UPS"
    shipped = caller.send("POST", f"{address}/ship", {})
    assert shipped.json()["at_apple"] == 1
    assert stored(good).is_at_apple
    assert is_problem(caller.send("DELETE", address), 409)
    assert [row["number"] for row in caller.get("/at-apple")["items"]] == [good.number]


def test_one_device_is_sent_and_received_through_the_api():
    incident = cracked()
    caller = Caller(Role.TECHNICIAN)
    address = f"/incidents/{incident.number}"
    refused = caller.send("POST", f"{address}/send-to-apple", {})
    assert is_problem(refused, 422)
    assert {"no-photo", "apple-not-asked"} <= {found["check"] for found in refused.json()["concerns"]}
    values = {"reason": "Agreed.", "repair_number": "r1"}
    row = caller.send("POST", f"{address}/send-to-apple", values).json()
    assert (row["status"], row["repair_number"]) == ("Sent for AppleCare Repair", "R1")
    assert is_problem(caller.send("POST", f"{address}/send-to-apple", values), 409)
    row = caller.send("POST", f"{address}/receive-back", {"outcome": "not_covered"}).json()
    assert row["outcome"] == "not_covered"
    assert is_problem(caller.send("POST", f"{address}/receive-back", {}), 409)


def test_another_sites_box_is_not_there_through_the_api():
    box = box_of(cracked())
    caller = Caller(Role.TECHNICIAN, sites=(make_site(),))
    assert caller.get("/shipments")["items"] == []
    assert is_problem(caller.send("GET", f"/shipments/{box.pk}"), 404)


def test_a_box_with_another_sites_unit_is_neither_shipped_nor_cancelled_through_the_api():
    here = make_site()
    box = box_of(cracked(make_device(site=here)), cracked())
    caller = Caller(Role.TECHNICIAN, sites=(here,))
    assert is_problem(caller.send("POST", f"/shipments/{box.pk}/ship", {"reason": "x"}), 409)
    assert is_problem(caller.send("DELETE", f"/shipments/{box.pk}"), 409)
    assert Shipment.objects.get().is_open
