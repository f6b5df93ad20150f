"""The control page and who may use it, over HTTP."""

import json
import re
from html.parser import HTMLParser
from urllib.request import urlopen

import pytest

from appleschool_sim.actions import ACTIONS, Replace
from appleschool_sim.faults import Fault
from appleschool_sim.testing import running_simulator

from .asking import Caller

ELSEWHERE = {"Origin": "https://news.example"}
FILES = ["", "page.css", "page.js", "icon.svg"]


class Page(HTMLParser):
    """What of a page matters to its policy: where things come from, and what stands in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.scripts = ""
        self._tag = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self._tag = tag
        for name, value in attrs:
            self.attributes.append((tag, name, value))
            if name in {"src", "href"}:
                self.links.append(value)

    def handle_data(self, data):
        if self._tag in {"script", "style"}:
            self.scripts += data.strip()

    def values(self, wanted):
        return {value for _tag, name, value in self.attributes if name == wanted}


@pytest.fixture
def ask(caller):
    def ask(name, body=None, **headers):
        content = None if body is None else json.dumps(body).encode()
        return caller.ask("GET" if body is None else "POST", f"/_control/{name}", content, **headers)

    return ask


@pytest.fixture
def page(ask):
    return Page(ask("").body.decode())


@pytest.mark.parametrize("file", FILES)
def test_the_page_and_its_files_come_with_a_strict_policy(ask, file):
    answer = ask(file)
    assert answer.status == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_holds_no_script_and_no_style_and_takes_nothing_from_elsewhere(page):
    assert page.scripts == ""
    assert {link for link in page.links if not link.startswith("#")} == {"icon.svg", "page.css", "page.js"}
    assert not [name for _tag, name, _value in page.attributes if name == "style" or name.startswith("on")]


def test_the_page_offers_every_action_but_the_one_it_does_with_several(page):
    assert page.values("data-action") == set(ACTIONS) - {"replace"}


def test_every_field_of_the_page_belongs_to_an_action(page):
    fields = {field for action in ACTIONS.values() for field in action.__struct_fields__}
    settings = {"probability", "count", "seconds"}
    named = {value for tag, name, value in page.attributes if name == "name" and tag != "meta"}
    assert named <= fields | settings


def test_the_bare_address_leads_to_the_page(apple):
    with urlopen(apple.address) as answer:
        assert answer.url == f"{apple.address}/_control/"
        assert b"Ship replacements" in answer.read()


def test_a_page_of_another_site_can_do_nothing(ask, caller):
    for headers in (
        ELSEWHERE,
        {"Origin": "null"},
        {"Origin": f"https://{caller.place.netloc}"},
        {"Origin": f"http://localhost:{caller.place.port + 1}"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ):
        refused = ask("revoke-key", {}, **headers)
        assert refused.status == 403
        assert refused.json == {"error": "not from pages of another site"}
        assert ask("state", **headers).status == 403
    assert ask("state").json["is_key_revoked"] is False


def test_the_page_itself_and_programs_can(ask, caller):
    own = {"Origin": f"http://{caller.place.netloc}", "Sec_Fetch_Site": "same-origin"}
    assert ask("revoke-key", {}, **own).status == 200
    assert ask("restore-key", {}).status == 200


def test_a_link_from_elsewhere_opens_the_page_and_nothing_more(ask):
    followed = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    assert ask("", **followed).status == 200
    assert ask("state", **followed).status == 403
    assert ask("page.js", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors").status == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8400", 200),
        ("apple.localhost:8400", 200),
        ("[::1]:8400", 200),
        ("127.0.0.2", 200),
        ("rebound.example:8400", 403),
        ("localhost.rebound.example", 403),
        ("192.168.1.7:8400", 403),
        ("[::1", 403),
    ],
)
def test_another_name_of_this_machine_is_refused(ask, host, status):
    assert ask("state", Host=host).status == status
    assert ask("", Host=host).status == status


def test_apples_own_addresses_do_not_care(caller):
    assert caller.get("orgDevices?limit=1", Host="apple.example", **ELSEWHERE).status == 200


# Finding devices


def test_a_whole_serial_is_found_however_it_is_typed(apple, ask):
    device = apple.world.device_at(40)
    typed = f"%20{device.serial[:4].lower()}%20{device.serial[4:]}"
    [found] = ask(f"find?serial={typed}").json["devices"]
    assert (found["serial"], found["model"]) == (device.serial, device.model.name)


def test_a_part_of_a_serial_finds_those_that_hold_it(apple, ask):
    part = apple.world.serial_at(40)[3:6]
    holding = [device.serial for device in apple.world.devices() if part in device.serial]
    found = ask(f"find?serial={part}").json
    assert sorted(device["serial"] for device in found["devices"]) == sorted(holding)
    assert found["complete"] is True


@pytest.mark.parametrize("written", ["", "A", "NOSUCHDEVICE", "%00", "O" * 5000])
def test_nothing_is_found_where_there_is_nothing(ask, written):
    answer = ask(f"find?serial={written}")
    assert answer.status == 200
    assert answer.json["devices"] == []


def test_a_million_devices_are_not_walked_through():
    with running_simulator(devices=1_000_000) as million:
        caller = Caller(million)
        last = million.world.serial_at(999_999)
        [found] = caller.ask("GET", f"/_control/find?serial={last}").json["devices"]
        assert found["serial"] == last
        part = caller.ask("GET", "/_control/find?serial=ZZZZZZ").json
        assert (part["complete"], part["looked_at"]) == (False, 20_000)


@pytest.mark.parametrize(
    ("of", "words"),
    [
        ("covered", "AppleCare (until .+|without an end)"),
        ("warranty", "Limited warranty until .+"),
        ("uncovered", "No coverage"),
        ("ended", "Coverage ended|AppleCare cancelled"),
    ],
)
def test_there_are_examples_of_every_coverage(ask, of, words):
    devices = ask(f"examples?of={of}").json["devices"]
    assert devices
    for device in devices:
        assert re.fullmatch(words, device["coverage"])


def test_there_are_examples_of_devices_without_a_server(ask):
    assert {device["server"] for device in ask("examples?of=unassigned").json["devices"]} == {None}


def test_unknown_examples_are_refused(ask):
    assert ask("examples?of=everything").status == 400


def test_what_came_and_went_is_among_the_examples(fresh_apple, fresh_caller):
    old, gone = (fresh_apple.world.serial_at(index) for index in (3, 4))
    new = fresh_apple.control.replace(Replace(serial=old))
    added = fresh_apple.control.add()
    fresh_apple.control.release(gone)

    def examples(of):
        return fresh_caller.ask("GET", f"/_control/examples?of={of}").json["devices"]

    assert [device["serial"] for device in examples("added")] == [added, new]
    [replacement] = examples("replacements")
    assert (replacement["serial"], replacement["replaces"]) == (new, old)
    released = {device["serial"]: device["replaced_by"] for device in examples("released")}
    assert released == {old: new, gone: None}


# Watching


def test_requests_go_by_with_their_answers(ask, caller):
    before = ask("watch").json["requests"]
    last = before[0]["number"] if before else 0
    caller.get("orgDevices?limit=1")
    caller.get("orgDevices/NOPE")
    caller.request_token()
    seen = ask(f"watch?after={last}").json["requests"]
    assert [(request["method"], request["path"], request["status"]) for request in seen] == [
        ("POST", "/auth/oauth2/token", 200),
        ("GET", "/v1/orgDevices/NOPE", 404),
        ("GET", "/v1/orgDevices", 200),
    ]
    assert ask(f"watch?after={seen[0]['number']}").json["requests"] == []


def test_a_query_is_not_remembered_since_it_may_hold_an_assertion(ask, caller):
    caller.ask("POST", "/auth/oauth2/token?client_assertion=secret")
    assert "secret" not in ask("watch").body.decode()


def test_the_page_looking_on_is_no_request_of_a_client(ask):
    for _ in range(3):
        ask("watch")
        ask("")
    assert sum(ask("counts").json["requests"].values()) == 1  # the token that the caller has


def test_watching_tells_the_state(ask):
    ask("rate-limit", {"rate": 2, "burst": 3, "retry_after": "date"})
    ask("fault", {"fault": "slow", "setting": {"seconds": 0}})
    state = ask("watch").json["state"]
    assert state["rate_limit"] == {"rate": 2.0, "burst": 3, "retry_after": "date"}
    assert state["faults"]["slow"]["struck"] == 0


def test_what_is_still_to_come_is_told(fresh_apple):
    control = fresh_apple.control
    serial = fresh_apple.world.serial_at(1)
    control.replace(Replace(serial=serial, delay_seconds=3600))
    assert control.state()["due"] == 1
    assert control.state()["next_due"] > control.state()["now"]


def test_forms_are_offered_what_there_is(ask):
    choices = ask("choices").json
    assert {fault["name"] for fault in choices["faults"]} == set(Fault)
    assert all(fault["meaning"] for fault in choices["faults"])
    assert "iPhone 13" in choices["models"]
