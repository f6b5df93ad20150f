"""The REST API: who may, what comes back, and how it refuses."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from homeroom.accounts.models import ApiToken
from homeroom.accounts.policy import GRANTS, Permission, Role
from homeroom.accounts.verbs.tokens import create_token, revoke_token
from homeroom.api.urls import api
from homeroom.applesync.models import Connection, SyncRun
from homeroom.audit.actors import COMMAND_LINE
from homeroom.insurance.models import InsuranceRecord
from homeroom.inventory.models import Device
from tests.builders import make_device, make_person, make_site, make_status, make_user
from tests.insurance.records import answered, make_synced_record

pytestmark = pytest.mark.django_db
Scope = ApiToken.Scope


class Caller:
    """Somebody with a token."""

    def __init__(
        self, role: Role = Role.ADMINISTRATOR, *, scope: Scope = Scope.WRITE, sites: tuple = ()
    ) -> None:
        self.user = make_user(role, sites=sites)
        self.token, secret = create_token(self.user, name="test", scope=scope, actor=COMMAND_LINE)
        self.client = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Bearer {secret}"}

    def send(self, method: str, path: str, body: Any = None) -> Any:
        return self.client.generic(
            method,
            f"/api/v1{path}",
            json.dumps(body) if body is not None else b"",
            content_type="application/json",
            headers=self.headers,
        )

    def get(self, path: str) -> Any:
        answer = self.send("GET", path)
        assert answer.status_code == 200, answer.content
        return answer.json()


def is_problem(answer: Any, status: int) -> bool:
    body = answer.json()
    return bool(
        answer.status_code == body["status"] == status
        and answer["Content-Type"] == "application/problem+json"
        and body["detail"]
    )


OPERATIONS = [
    (path, method.upper(), operation.view_func)
    for _prefix, router in api._routers
    for path, view in router.path_operations.items()
    for operation in view.operations
    for method in operation.methods
]


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_operation_declares_its_permission_and_turns_others_away(
    path: str, method: str, operation: Any
) -> None:
    permission = operation.permission
    assert permission in set(Permission)
    address = re.sub(r"\{[a-z]+\}", "987654", path)
    assert Client().generic(method, f"/api/v1{address}").status_code == 401
    for role in Role:
        status = Caller(role).send(method, address).status_code
        if permission not in GRANTS[role]:
            # A body that can't be read is refused before the role is looked at.
            assert status in {403, 422}
        else:
            assert status not in {401, 403, 500}
    if method != "GET":
        assert Caller(scope=Scope.READ).send(method, address).status_code in {403, 422}


def test_a_revoked_an_expired_and_a_strangers_token_are_refused() -> None:
    caller = Caller()
    assert caller.get("/sites") == []
    revoke_token(caller.token, actor=COMMAND_LINE)
    assert is_problem(caller.send("GET", "/sites"), 401)
    other = Caller()
    ApiToken.objects.filter(pk=other.token.pk).update(expires_on="2020-01-01")
    assert is_problem(other.send("GET", "/sites"), 401)
    third = Caller()
    third.user.is_active = False
    third.user.save()
    assert is_problem(third.send("GET", "/sites"), 401)
    third.headers = {"Authorization": "Bearer homeroom_guess"}
    assert is_problem(third.send("GET", "/sites"), 401)


def test_the_secret_is_not_in_the_database() -> None:
    caller = Caller()
    secret = caller.headers["Authorization"].removeprefix("Bearer ").encode()
    assert secret not in bytes(ApiToken.objects.get().secret_hash)


def test_a_list_is_walked_by_its_cursor_to_the_end(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    site = make_site()
    made = [make_device(site=site) for _number in range(25)]
    caller = Caller()
    found: list[int] = []
    cursor = ""
    while True:
        with django_assert_max_num_queries(6):
            page = caller.get(f"/devices?limit=10&cursor={cursor}")
        found += [row["id"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert found == [device.pk for device in made]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "cursor=nonsense", "cursor=%00"])
def test_a_query_that_makes_no_sense_is_named(query: str) -> None:
    answer = Caller().send("GET", f"/devices?{query}")
    assert is_problem(answer, 422)
    assert answer.json()["errors"][0]["field"].endswith(query.partition("=")[0])


def test_a_device_says_what_its_export_says() -> None:
    device = make_device(asset_tag="A1", serial_number="SER1", purchase_order="")
    answered(device)
    row = Caller().get("/devices?serial_number=SER1")["items"][0]
    assert (row["asset_tag"], row["coverage"], row["apple_verified"]) == ("A1", "none", False)
    assert row["purchase_order"] is None
    assert row == Caller().get(f"/devices/{device.pk}")


def test_a_device_is_made_changed_handed_out_taken_back_and_removed() -> None:
    site, person = make_site(), make_person()
    make_status()
    caller = Caller()
    made = caller.send("POST", "/devices", {"serial_number": " S1 ", "site": site.name})
    assert made.status_code == 201, made.content
    device = made.json()
    assert (device["serial_number"], device["status"]) == ("S1", "In service")
    address = f"/devices/{device['id']}"
    assert caller.send("PATCH", address, {"name": "Cart 4"}).json()["name"] == "Cart 4"
    out = caller.send("POST", f"{address}/check-out", {"person": person.external_id})
    assert out.json()["person"] == person.external_id
    assert is_problem(caller.send("POST", f"{address}/check-out", {"person": person.external_id}), 409)
    assert caller.send("POST", f"{address}/check-in").json()["person"] is None
    spare = make_device()
    assert caller.send("DELETE", f"/devices/{spare.pk}").status_code == 204


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"site": "No such site", "serial_number": "X"}, "site"),
        ({"serial_number": "X"}, "site"),
        ({"site": "School", "serial_number": "TAKEN"}, "serial_number"),
        ({"site": "School", "serial_number": "X", "cost": "much"}, "cost"),
        ({"site": "School", "serial_number": "X", "status": "Unheard of"}, "status"),
    ],
)
def test_a_device_that_is_wrong_is_refused_and_the_field_named(body: dict[str, str], field: str) -> None:
    make_device(serial_number="TAKEN", site=make_site(name="School"))
    answer = Caller().send("POST", "/devices", body)
    assert is_problem(answer, 422)
    assert answer.json()["errors"][0]["field"].endswith(field)
    assert Device.objects.count() == 1


@pytest.mark.parametrize("body", [[], [None, None], "text", 7])
def test_a_body_that_is_no_object_is_refused_also_where_every_field_may_be_left_out(body: Any) -> None:
    for method, path in (("POST", "/shipments"), ("PATCH", f"/sites/{make_site().pk}")):
        assert is_problem(Caller().send(method, path, body), 422)


def test_synced_insurance_is_refused_with_the_sentence() -> None:
    record = make_synced_record(make_device())
    before = InsuranceRecord.objects.values().get()
    caller = Caller()
    for answer in (
        caller.send("PATCH", f"/insurance/{record.pk}", {"plan": "x"}),
        caller.send("DELETE", f"/insurance/{record.pk}"),
        caller.send(
            "POST", f"/devices/{record.device_id}/insurance", {"provider": "x", "source": "applecare_sync"}
        ),
    ):
        assert is_problem(answer, 409)
        assert "Apple School Manager" in answer.json()["detail"]
    assert InsuranceRecord.objects.values().get() == before


def test_manual_insurance_is_made_changed_and_removed() -> None:
    caller, device = Caller(Role.TECHNICIAN), make_device()
    made = caller.send(
        "POST", f"/devices/{device.pk}/insurance", {"provider": "District", "starts": "2026-01-01"}
    )
    assert made.status_code == 201, made.content
    address = f"/insurance/{made.json()['id']}"
    assert caller.send("PATCH", address, {"ends": "2026-12-31"}).json()["ends"] == "2026-12-31"
    assert is_problem(caller.send("PATCH", address, {"ends": "2025-12-31"}), 422)
    assert caller.send("DELETE", address).status_code == 204


def test_a_device_of_another_site_tells_where_it_belongs_and_nothing_else() -> None:
    site = make_site(name="Adams", contact_name="Kim", contact_phone="555-0100")
    device = make_device(site=site, asset_tag="A1", serial_number="SECRETSERIAL", notes="Secret")
    caller = Caller(Role.TECHNICIAN, sites=(make_site(),))
    for method, path in (("GET", ""), ("PATCH", ""), ("POST", "/check-in"), ("POST", "/refresh")):
        body = {} if method == "PATCH" else None
        answer = caller.send(method, f"/devices/{device.pk}{path}", body)
        assert is_problem(answer, 404)
        sentence = (
            "The device with asset tag “A1” belongs to Adams, a site that you don't see. Call Kim, 555-0100."
        )
        assert answer.json()["detail"] == sentence


def test_another_sites_devices_people_and_insurance_are_not_there() -> None:
    device = make_device()
    record = make_synced_record(device)
    person = make_person()
    caller = Caller(Role.TECHNICIAN, sites=(make_site(),))
    for path in ("/devices", "/people", "/insurance"):
        assert caller.get(path)["items"] == []
    for path in (f"/devices/{device.pk}", f"/people/{person.pk}", f"/insurance/{record.pk}"):
        assert is_problem(caller.send("GET", path), 404)


def test_a_sync_is_asked_for_seen_and_cancelled_and_no_key_is_ever_told() -> None:
    connection = Connection.objects.create(name="D", client_id="c", key_id="k", private_key="TOP-SECRET")
    caller = Caller()
    assert "TOP-SECRET" not in json.dumps(caller.get("/connections"))
    asked = caller.send("POST", f"/connections/{connection.pk}/syncs")
    assert asked.status_code == 202
    run = asked.json()["run"]
    assert caller.send("POST", f"/connections/{connection.pk}/syncs").json()["run"] == run
    assert caller.get(f"/syncs/{run}")["state"] == "queued"
    assert caller.send("POST", f"/syncs/{run}/cancel").json()["state"] == "cancelled"
    assert is_problem(caller.send("POST", f"/syncs/{run}/cancel"), 409)
    assert [row["state"] for row in caller.get("/syncs")["items"]] == ["cancelled"]
    assert SyncRun.objects.count() == 1


def test_the_schema_describes_every_operation() -> None:
    schema = Client().get("/api/v1/openapi.json").json()
    described = {
        (path.removeprefix("/api/v1"), method.upper())
        for path, methods in schema["paths"].items()
        for method in methods
    }
    assert described == {(path, method) for path, method, _operation in OPERATIONS}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3
)
BODIES = {
    "/devices": [
        "asset_tag",
        "serial_number",
        "site",
        "status",
        "cost",
        "purchase_date",
        "notes",
        "product_family",
    ],
    "/people": ["external_id", "name", "email", "kind", "site", "active"],
    "/sites": ["name", "address"],
    "/incidents": ["device", "summary", "kind", "status", "outcome", "technician", "repair_number"],
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), path=st.sampled_from(sorted(BODIES)))
def test_no_body_breaks_it(data: st.DataObject, path: str) -> None:
    caller = Caller()
    make_status()
    site = make_site()
    body = data.draw(st.dictionaries(st.sampled_from(BODIES[path]), anything))
    if data.draw(st.booleans()):
        body["site"] = site.name
        body["device"] = make_device(site=site).serial_number
    answer = caller.send("POST", path, body)
    assert answer.status_code in {201, 409, 422}, answer.content
    if answer.status_code != 201:
        assert is_problem(answer, answer.status_code)
