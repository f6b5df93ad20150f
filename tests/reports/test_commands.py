"""`homeroom stats` and the API say the numbers of the page."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from django.test import Client

from homeroom.accounts.models import ApiToken, User
from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.accounts.verbs.tokens import create_token
from homeroom.audit.actors import COMMAND_LINE
from homeroom.insurance.queries import today
from homeroom.inventory.models import Site
from homeroom.reports.commands import stats
from homeroom.reports.queries.statistics import statistics_for
from homeroom.reports.rows import row
from homeroom.reports.verbs.rollup import refresh_rollup
from tests.builders import make_device, make_user
from tests.insurance.records import make_synced_record
from tests.reports.districts import build

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> dict:
    done = CliRunner().invoke(stats, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def bearer(user: User) -> dict[str, str]:
    _token, secret = create_token(user, name="t", scope=ApiToken.Scope.READ, actor=COMMAND_LINE)
    return {"Authorization": f"Bearer {secret}"}


def plain(numbers: dict) -> dict:
    return json.loads(json.dumps(numbers, default=str))


def test_the_command_the_api_and_the_page_say_the_same():
    build(250, today=today())
    site = Site.objects.all()[0]
    client = Client()
    user = make_user()
    client.force_login(user)
    headers = bearer(user)
    for chosen, query in (([], {}), (["--site", site.name, "--model", ""], {"site": site.name, "model": ""})):
        told = run(*chosen)
        page = client.get("/reports/statistics/", {"site": site.pk, "model": "(none)"} if chosen else {})
        api = Client().get("/api/v1/statistics", query, headers=headers).json()
        assert told == plain(row(page.context["figures"])) == api
        assert told["devices"]["counted"] > 0


def test_the_shape():
    device = make_device()
    make_synced_record(device, ends=today() + timedelta(days=40))
    told = run()
    assert told["coverage"] == {"covered": 1, "ended": 0, "none": 0, "unknown": 0}
    assert told["expiring"] == {"30": 0, "60": 1, "90": 1}
    assert told["models"] == [{"model": "iPad (10th generation)", "devices": 1}]
    assert told["storage"] == [{"bytes": None, "devices": 1}]
    assert told["ending_by_school_year"][0]["renewal_cost"] is None
    assert len(told["ending_by_month"]) == 24
    assert len(told["repairs"]) == 12


def test_the_command_counts_now_though_a_rollup_stands():
    device = make_device()
    refresh_rollup()
    make_device(site=device.site)
    assert statistics_for(COMMAND_LINE_VIEWER).current == 1
    assert run()["devices"]["counted"] == 2


def test_people_read_the_same_as_tables():
    make_synced_record(make_device())
    done = CliRunner().invoke(stats, [])
    assert "1 devices counted" in done.stdout
    assert "AppleCare Coverage Status" in done.stdout
    assert "Covered" in done.stdout


def test_a_site_that_there_is_not_is_wrong_use():
    done = CliRunner().invoke(stats, ["--site", "Nowhere"])
    assert done.exit_code == 2
    assert "Nowhere" in done.stderr


def test_the_api_refuses_a_site_that_the_asker_does_not_see():
    headers = bearer(make_user())
    assert Client().get("/api/v1/statistics?site=Nowhere", headers=headers).status_code == 422
    assert Client().get("/api/v1/statistics", headers={}).status_code == 401
