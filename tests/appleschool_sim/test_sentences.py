"""What the simulator says of an action: in the answer, for people who took it on the page."""

import json

import pytest

from appleschool_sim.actions import ACTIONS, ReplaceSeveral
from appleschool_sim.control import ControlError


@pytest.fixture
def say(fresh_caller):
    def say(action, **fields):
        answer = fresh_caller.ask("POST", f"/_control/{action}", json.dumps(fields).encode())
        assert answer.status == 200, answer.body
        return answer.json["sentence"], answer.json["outcome"]

    return say


@pytest.fixture
def serials(fresh_apple):
    return [fresh_apple.world.serial_at(index) for index in range(8)]


@pytest.mark.parametrize(
    ("how", "timing"),
    [
        ({}, "The new one is on the list now, and the old one is released."),
        ({"forgotten": True}, "The new one is on the list now, and the old one is released and forgotten."),
        ({"delay_seconds": 14_400}, "The old one goes now; the new one appears in 4 hours."),
        (
            {"released": "after", "delay_seconds": 5400},
            "The new one is on the list now, and the old one is released in 90 minutes.",
        ),
        ({"released": "never"}, "The new one appears now, and the old one stays on the list."),
    ],
)
def test_a_replacement(say, serials, how, timing):
    told, new = say("replace", serial=serials[3], covered_after_seconds=0, **how)
    assert told == (
        f"Apple ships a replacement: {new['serial']} (order {new['order_number']}) for {serials[3]}. {timing}"
    )


def test_several_replacements(say, serials):
    told, outcome = say("replace-several", serials=serials[:2], delay_seconds=86_400)
    assert told.startswith("Apple ships 2 replacements: ")
    assert all(new["serial"] in told for new in outcome["replacements"])
    assert told.endswith(
        "The old ones go now; the new ones appear in 1 day. Coverage goes on 7 days after that."
    )


def test_several_are_replaced_or_none(fresh_apple, fresh_caller, serials):
    control = fresh_apple.control
    with pytest.raises(ControlError, match="no device NOPE"):
        control.take(ReplaceSeveral(serials=[*serials[:3], "NOPE"]))
    with pytest.raises(ControlError, match="No serial number"):
        control.take(ReplaceSeveral(serials=[]))
    assert control.state()["devices"] == 60

    outcome = control.take(ReplaceSeveral(serials=[*serials[:3], serials[0]], forgotten=True))
    pairs = {pair["original"]: pair["serial"] for pair in outcome["replacements"]}
    assert list(pairs) == serials[:3]
    for old, new in pairs.items():
        assert fresh_caller.get(f"orgDevices/{old}").status == 404
        assert fresh_caller.get(f"orgDevices/{new}").json["data"]["attributes"]["orderNumber"][0] == "R"
        assert fresh_apple.world.device(new).replaces == old


def test_everything_else(say, serials):
    server = {"server_id": None}
    for action, fields, told in [
        ("release", {"serial": serials[4]}, f"{serials[4]} is released."),
        (
            "release",
            {"serial": serials[6], "forgotten": True},
            f"{serials[6]} is released, and Apple knows nothing of it any more.",
        ),
        ("add", {"serial": "C02TEST00001"}, "C02TEST00001 has joined the organization."),
        (
            "add",
            {"serial": "C02TEST00002", "like": serials[0]},
            f"C02TEST00002 has joined the organization, of the same kind as {serials[0]}.",
        ),
        ("change", {"serial": serials[0]} | server, f"The record of {serials[0]} has changed."),
        ("change-coverage", {"serial": serials[0]}, f"The AppleCare plan of {serials[0]} has changed."),
        (
            "cancel-coverage",
            {"serial": serials[0]},
            f"The AppleCare plan of {serials[0]} is cancelled as of today.",
        ),
        (
            "drop-coverage",
            {"serial": serials[0]},
            f"{serials[0]} has no coverage any more, not even an ended one.",
        ),
        (
            "rate-limit",
            {"rate": 2.5, "burst": 4},
            "4 requests at once and 2.5 a second from then on; more get 429 with Retry-After in seconds.",
        ),
        ("rate-limit", {}, "There is no limit of requests any more."),
        ("fault", {"fault": "slow"}, "The fault slow is on."),
        ("fault", {"fault": "slow", "on": False}, "The fault slow is off."),
        (
            "clock",
            {"to": "2030-01-01T12:00:00Z", "stopped": True},
            "The clock shows 2030-01-01 12:00 UTC and stands still.",
        ),
    ]:
        assert say(action, **fields)[0] == told


def test_every_action_says_something(say, serials):
    needed = {
        "replace": {"serial": serials[1]},
        "replace-several": {"serials": [serials[2]]},
        "change": {"serial": serials[0]},
        "change-coverage": {"serial": serials[0]},
        "cancel-coverage": {"serial": serials[0]},
        "drop-coverage": {"serial": serials[0]},
        "release": {"serial": serials[0]},
        "fault": {"fault": "slow"},
    }
    for action in sorted(ACTIONS, key=lambda action: action == "release"):
        told, _outcome = say(action, **needed.get(action, {}))
        assert told.endswith(".")
        assert "PRIVATE KEY" not in told
