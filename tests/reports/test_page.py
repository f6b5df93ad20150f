"""MDM Statistics as people see it: each number leads to a list that holds exactly so many."""

import json
import re
from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from homeroom.accounts.policy import Role
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.incidents.models import IncidentStatus
from homeroom.incidents.verbs.incidents import open_incident
from homeroom.incidents.verbs.repairs import send_to_apple
from homeroom.incidents.verbs.statuses import ensure_system_statuses
from homeroom.insurance.queries import today
from homeroom.inventory.models import Device, Site
from homeroom.reports.models import RenewalCost, StatisticsSettings
from homeroom.reports.verbs.rollup import refresh_rollup
from tests.builders import make_device, make_site, make_user
from tests.insurance.records import make_synced_record
from tests.reports.districts import build

pytestmark = pytest.mark.django_db
PAGE = "/reports/statistics/"
LINK = re.compile(r'<a href="(/(?:devices|reports/incidents)/\?[^"]+)">([\d,]+)</a>')
NOON = "2026-03-17T17:00:00Z"


@pytest.fixture
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


def client_of(*sites: Site, role: Role = Role.TECHNICIAN) -> Client:
    client = Client()
    client.force_login(make_user(role, sites=sites))
    return client


def numbers_of(client: Client, address: str) -> list[tuple[str, int]]:
    text = client.get(address).content.decode()
    return [(url.replace("&amp;", "&"), int(number.replace(",", ""))) for url, number in LINK.findall(text)]


def rows_of(client: Client, url: str) -> int:
    table = client.get(url).context["table"]
    return table.paginator.count


@pytest.mark.usefixtures("at_noon")
def test_every_number_leads_to_a_list_of_so_many(as_administrator):
    build(400, today=today())
    ensure_system_statuses(actor=COMMAND_LINE)
    for device in Device.objects.filter(status__kind="in_service")[:3]:
        send_to_apple(
            open_incident(device, summary="Cracked", actor=COMMAND_LINE), reason="Now.", actor=COMMAND_LINE
        )
    site = Site.objects.all()[0]
    for query, least in (
        ("", 70),
        (f"?site={site.pk}", 40),
        ("?product_family=iPad", 40),
        ("?model=typed+by+hand&funding_source=Bond%2C+2024+%26+later", 5),
        ("?model=(none)&funding_source=(none)", 5),
    ):
        numbers = numbers_of(as_administrator, PAGE + query)
        assert len(numbers) >= least, query
        for url, number in numbers:
            assert rows_of(as_administrator, url) == number, (query, url)


@pytest.mark.usefixtures("at_noon")
def test_so_do_the_numbers_of_somebody_limited_to_a_site_and_of_a_rollup():
    build(300, today=today())
    site = Site.objects.all()[0]
    client = client_of(site)
    live = numbers_of(client, PAGE)
    for url, number in live:
        assert rows_of(client, url) == number, url
    refresh_rollup()
    assert numbers_of(client, PAGE) == live
    assert "As of" in client.get(PAGE).content.decode()


@pytest.mark.usefixtures("at_noon")
def test_a_depot_counts_what_is_at_apple_from_every_site_as_its_lists_show_it():
    build(60, today=today())
    ensure_system_statuses(actor=COMMAND_LINE)
    depot = make_site(kind=Site.Kind.DEPOT)
    make_device(site=depot)
    away = Device.objects.exclude(site=depot).filter(status__kind="in_service")[0]
    send_to_apple(
        open_incident(away, summary="Cracked", actor=COMMAND_LINE), reason="Now.", actor=COMMAND_LINE
    )
    client = client_of(depot)

    live = client.get(PAGE).context["figures"]
    refresh_rollup()
    kept = client.get(PAGE).context["figures"]

    assert (live.total, live.at_apple) == (kept.total, kept.at_apple) == (2, 1)
    for url, number in numbers_of(client, PAGE):
        assert rows_of(client, url) == number, url


@pytest.mark.usefixtures("at_noon")
def test_more_models_than_the_table_holds_are_one_line_with_a_list_of_its_own(as_viewer):
    site = make_site()
    for number in range(30):
        make_device(site=site, model=f"Model {number:02}")
    make_device(site=site, model="Model 00")

    page = as_viewer.get(PAGE)

    models = next(block for block in page.context["blocks"] if block.key == "models")
    other = models.rows[-1]
    assert (len(models.rows), other.label, other.numbers[0].text) == (26, "5 other models", "5")
    assert rows_of(as_viewer, other.numbers[0].url) == 5


def test_the_charts_draw_the_numbers_of_the_tables_and_lead_to_the_same_lists(as_viewer):
    make_synced_record(make_device())
    page = as_viewer.get(PAGE)
    coverage = json.loads(
        re.search(r'<script id="drawings" type="application/json">(.*?)</script>', page.content.decode())[1]
    )["coverage-1"]
    rows = next(block for block in page.context["blocks"] if block.key == "coverage").rows
    assert coverage["labels"] == ["Covered", "Ended", "Checked: none", "Not known"]
    assert coverage["series"][0]["values"] == [1, 0, 0, 0]
    assert coverage["series"][0]["urls"] == [row.numbers[0].url for row in rows]


def test_a_chromebook_is_never_without_coverage(as_viewer):
    make_device(manufacturer="HP", model="Chromebook 11", product_family="Chromebook")
    figures = as_viewer.get(PAGE).context["figures"]
    assert (figures.current, figures.other_make, sum(figures.coverage.values())) == (1, 1, 0)


def test_an_empty_district_is_told_what_to_do_and_a_wrong_filter_says_so(as_viewer):
    assert "No devices to count" in as_viewer.get(PAGE).content.decode()
    make_device()
    assert "No device is as chosen" in as_viewer.get(f"{PAGE}?model=Nothing").content.decode()
    wrong = as_viewer.get(f"{PAGE}?site=0&product_family=Toaster")
    assert wrong.content.decode().count("invalid-feedback") == 2
    assert "figures" not in wrong.context


def test_a_site_that_somebody_does_not_see_is_no_choice():
    hidden = make_device().site
    client = client_of(make_site())
    page = client.get(f"{PAGE}?site={hidden.pk}")
    assert str(hidden) not in page.content.decode()
    assert "figures" not in page.context


def test_the_page_asks_the_same_few_questions_at_any_size(as_administrator, django_assert_num_queries):
    for number in range(3):
        make_synced_record(make_device(), apple_id=str(number))
    page = 6  # rollup, devices, incidents, settings, costs, sites
    shell = 2 + 1  # session and user; what waits in the menu
    queries = page + shell
    with django_assert_num_queries(queries):
        as_administrator.get(PAGE)
    refresh_rollup()
    with django_assert_num_queries(queries - 1):  # the rollup and its cells instead of devices and incidents
        as_administrator.get(PAGE)


class TestCosts:
    def test_an_administrator_enters_costs_which_are_multiplied_by_what_ends(self, as_administrator):
        year = today().year + 1
        for number, family in enumerate(("iPad", "iPad", "Mac", "")):
            device = make_device(product_family=family)
            make_synced_record(device, apple_id=str(number), ends=date(year, 6, 30))
        answer = as_administrator.post(
            f"{PAGE}settings/",
            {"school_year_starts": "8", "cost_ipad": "49.50", "cost_mac": "100"},
            follow=True,
        )
        figures = answer.context["figures"]
        ending = [one for one in figures.school_years if one.devices]
        assert [(one.first.month, one.devices, one.cost, one.without_price) for one in ending] == [
            (8, 4, Decimal("199.00"), 1)
        ]
        assert "USD 199.00, and 1 without a price" in answer.content.decode()
        entry = Entry.objects.get(action="statistics_settings.updated")
        assert entry.before["school_year_starts"] == 7
        assert entry.after == {
            "school_year_starts": 8,
            "renewal_cost iPad": "49.50",
            "renewal_cost Mac": "100.00",
        } or entry.after["renewal_cost Mac"] in ("100", "100.00")

    def test_the_price_of_any_other_device_holds_where_a_family_has_none(self, as_administrator):
        make_synced_record(make_device(product_family="Watch"))
        as_administrator.post(f"{PAGE}settings/", {"school_year_starts": "7", "cost_other": "10"})
        figures = as_administrator.get(PAGE).context["figures"]
        assert sum(one.cost for one in figures.school_years) == 10

    def test_an_emptied_cost_is_none_and_saving_the_same_leaves_no_entry(self, as_administrator):
        said = {"school_year_starts": "7", "cost_ipad": "10"}
        for given in (said, said, {"school_year_starts": "7"}):
            as_administrator.post(f"{PAGE}settings/", given)
        assert not RenewalCost.objects.exists()
        assert Entry.objects.filter(action="statistics_settings.updated").count() == 2

    def test_a_wrong_cost_is_told_at_its_field(self, as_administrator):
        page = as_administrator.post(f"{PAGE}settings/", {"school_year_starts": "13", "cost_ipad": "-1"})
        assert page.content.decode().count("invalid-feedback") == 2
        assert not StatisticsSettings.objects.exists()

    def test_only_administrators_enter_costs(self, as_technician):
        assert "Costs and school year" not in as_technician.get(PAGE).content.decode()
        assert as_technician.get(f"{PAGE}settings/").status_code == 403


class TestIncidents:
    def test_the_list_is_searched_and_filtered(self, as_viewer):
        cracked = open_incident(make_device(), summary="Cracked glass", actor=COMMAND_LINE)
        open_incident(make_device(), summary="Stolen", kind="stolen", actor=COMMAND_LINE)
        page = as_viewer.get("/reports/incidents/")
        assert page.context["table"].paginator.count == 2
        for query in ("q=glass", f"q={cracked.device.serial_number}", "of=incidents"):
            found = as_viewer.get(f"/reports/incidents/?{query}").context["table"]
            assert [row.record for row in found.rows] == [cracked], query
        assert "No incident fits" in as_viewer.get("/reports/incidents/?q=nothing").content.decode()
        assert as_viewer.get("/reports/incidents/?month=2026-13").status_code == 200

    def test_an_empty_list_says_so(self, as_viewer):
        assert "No incidents yet" in as_viewer.get("/reports/incidents/").content.decode()
        assert not IncidentStatus.objects.filter(system_key__isnull=False).exists()
