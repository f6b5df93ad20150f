import pytest

from appleschool_sim.kinds import Kind
from appleschool_sim.testing import running_simulator

from .asking import Caller


def coverage(caller, world, index, query=""):
    return caller.get(f"orgDevices/{world.serial_at(index)}/appleCareCoverage{query}")


def test_a_device_has_its_warranty_and_its_plan(apple, caller):
    serial = apple.world.serial_at(0)
    limited, plan = apple.world.coverage(serial)
    answer = coverage(caller, apple.world, 0).json
    assert answer["links"] == {"self": f"{apple.api_url}/orgDevices/{serial}/appleCareCoverage"}
    assert answer["meta"] == {"paging": {"limit": 100}}
    assert answer["data"] == [
        {
            "type": "appleCareCoverage",
            "id": serial,
            "attributes": {
                "description": "Limited Warranty",
                "status": "ACTIVE",
                "paymentType": "NONE",
                "startDateTime": f"{limited.starts:%Y-%m-%d}T00:00:00Z",
                "endDateTime": f"{limited.ends:%Y-%m-%d}T00:00:00Z",
                "agreementNumber": None,
                "isRenewable": False,
                "isCanceled": False,
                "contractCancelDateTime": None,
            },
        },
        {
            "type": "appleCareCoverage",
            "id": plan.agreement,
            "attributes": {
                "description": "AppleCare+",
                "status": "ACTIVE",
                "paymentType": "PAID_UP_FRONT",
                "startDateTime": f"{plan.starts:%Y-%m-%d}T00:00:00Z",
                "endDateTime": f"{plan.ends:%Y-%m-%d}T00:00:00Z",
                "agreementNumber": plan.agreement,
                "isRenewable": False,
                "isCanceled": False,
                "contractCancelDateTime": None,
            },
        },
    ]


def test_a_field_without_value_may_be_null_or_absent(apple, caller):
    [with_null] = (record for record in coverage(caller, apple.world, 3).json["data"][:1])
    [without] = coverage(caller, apple.world, 1).json["data"]
    assert with_null["attributes"]["agreementNumber"] is None
    assert "agreementNumber" not in without["attributes"]


def test_a_device_without_cover_has_an_empty_list(apple, caller):
    answer = coverage(caller, apple.world, 2)
    assert (answer.status, answer.json["data"]) == (200, [])


def test_expired_cover_stays_inactive(apple, caller):
    records = coverage(caller, apple.world, 3).json["data"]
    assert [record["attributes"]["status"] for record in records] == ["INACTIVE", "INACTIVE"]


def test_a_cancelled_plan_says_when(apple, caller):
    plan = coverage(caller, apple.world, 4).json["data"][1]["attributes"]
    assert (plan["status"], plan["isCanceled"]) == ("INACTIVE", True)
    assert plan["contractCancelDateTime"]


def test_a_subscription_has_no_end(apple, caller):
    plan = coverage(caller, apple.world, 5).json["data"][1]["attributes"]
    assert (plan["paymentType"], plan["endDateTime"], plan["isRenewable"]) == ("SUBSCRIPTION", None, True)


def test_a_business_has_cover_named_after_the_device():
    with running_simulator(Kind.BUSINESS, devices=6) as business:
        plan = coverage(Caller(business).sign_in(), business.world, 5).json["data"][1]
        assert plan["id"] == f"abe-{business.world.serial_at(5)}"
        assert plan["attributes"]["paymentType"] == "ABE_SUBSCRIPTION"


def test_some_fields_may_be_asked_for(apple, caller):
    answer = coverage(caller, apple.world, 0, "?fields[appleCareCoverage]=status,endDateTime")
    assert all(record["attributes"].keys() == {"status", "endDateTime"} for record in answer.json["data"])


@pytest.mark.parametrize("query", ["?fields[appleCareCoverage]=price", "?limit=0", "?cursor=x"])
def test_bad_parameters_are_refused(apple, caller, query):
    assert coverage(caller, apple.world, 0, query).status == 400


def test_a_limit_cuts_the_list(apple, caller):
    answer = coverage(caller, apple.world, 0, "?limit=1").json
    assert (len(answer["data"]), answer["meta"]["paging"]["limit"]) == (1, 1)


def test_an_unknown_device_is_not_found(caller):
    assert caller.get("orgDevices/NOSUCH0001/appleCareCoverage").error["code"] == "NOT_FOUND"


def test_the_status_follows_the_clock(apple, caller):
    plan = apple.world.coverage_at(0)[1]
    apple.control.turn_clock_to(plan.ends.replace(year=plan.ends.year + 1))
    records = coverage(caller.sign_in(), apple.world, 0).json["data"]
    assert {record["attributes"]["status"] for record in records} == {"INACTIVE"}
