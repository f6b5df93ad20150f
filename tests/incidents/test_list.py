"""The list of incidents: saved filters, search, sorting, download, and at a district's size."""

import csv
import io
import time
from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from homeroom.accounts.policy import COMMAND_LINE_VIEWER, Role
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents import queries
from homeroom.incidents.models import Incident
from homeroom.incidents.verbs.incidents import close_incident, open_incident, update_incident
from homeroom.incidents.verbs.repairs import send_to_apple
from homeroom.incidents.verbs.statuses import default_status, ensure_system_statuses
from homeroom.insurance.queries import today
from homeroom.inventory.models import Site
from homeroom.inventory.verbs.assignments import check_out
from homeroom.rows import refresh_statistics, write_rows
from tests.builders import make_device, make_person, make_site, make_user

pytestmark = pytest.mark.django_db
LIST = reverse("incidents:incidents")


def text(response) -> str:
    return response.getvalue().decode() if response.streaming else response.content.decode()


def make_incident(summary: str = "Cracked screen", **values) -> Incident:
    device = values.pop("device", None) or make_device()
    return open_incident(device, summary=summary, actor=COMMAND_LINE, **values)


def send(incident: Incident, *, days_ago: int = 0) -> Incident:
    ensure_system_statuses(actor=COMMAND_LINE)
    shipped_on: date = today() - timedelta(days=days_ago)
    return send_to_apple(incident, reason="Tested.", shipped_on=shipped_on, actor=COMMAND_LINE)


@pytest.fixture
def incidents(technician) -> dict[str, Incident]:
    """One for each saved filter; the technician's is the one called mine."""
    made = {
        "new": make_incident("New one"),
        "mine": make_incident("Mine alone", technician=technician),
        "away": send(make_incident("Away now"), days_ago=14),
        "overdue": send(make_incident("Overdue one"), days_ago=15),
        "closed": make_incident("Closed one", technician=technician),
    }
    close_incident(made["closed"], outcome="repaired", actor=COMMAND_LINE)
    return made


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("", {"new", "mine", "away", "overdue"}),
        ("?state=open", {"new", "mine", "away", "overdue"}),
        ("?state=open&technician=me", {"mine"}),
        ("?state=&technician=me", {"mine", "closed"}),
        ("?state=&technician=nobody", {"new", "away", "overdue"}),
        ("?state=at-apple", {"away", "overdue"}),
        ("?state=overdue", {"overdue"}),
        ("?state=closed", {"closed"}),
        ("?state=", {"new", "mine", "away", "overdue", "closed"}),
        ("?state=&kind=liquid", set()),
        ("?q=alone", {"mine"}),
    ],
)
def test_the_saved_filters_show(as_technician, incidents, address, shown):
    page = text(as_technician.get(LIST + address))
    assert {name for name, incident in incidents.items() if incident.summary in page} == shown


def test_a_filter_by_status_and_by_site(as_technician, incidents):
    site = incidents["new"].device.site
    page = text(as_technician.get(LIST, {"site": site.pk}))
    assert "New one" in page
    assert "Mine alone" not in page
    closed = default_status(is_open=False)
    assert "Closed one" in text(as_technician.get(LIST, {"state": "", "status": closed.pk}))


def test_the_chosen_filter_is_told_to_a_screen_reader(as_technician, incidents):
    page = text(as_technician.get(LIST, {"state": "overdue"}))
    assert 'href="/incidents/?state=overdue" aria-current="page">Overdue</a>' in page
    assert "15 days out" in page


def found(words: str) -> set[str]:
    rows = queries.search_incidents(queries.incidents(COMMAND_LINE_VIEWER), words)
    return set(rows.values_list("summary", flat=True))


def test_it_is_found_by_number_tag_serial_person_summary_and_repair_number():
    device = make_device(asset_tag="TAG7", serial_number="SER7")
    check_out(device, make_person(name="Ann Smith", external_id="S-100"), actor=COMMAND_LINE)
    wanted = make_incident("Cracked glass", device=device)
    update_incident(wanted, repair_number="R123", actor=COMMAND_LINE)
    make_incident("Another")
    for words in (
        f"#{wanted.number}",
        str(wanted.number),
        "tag7",
        "ser7",
        "smith",
        "s-10",
        "glass",
        "r123",
        "ann glass",
    ):
        assert "Cracked glass" in found(words), words
    assert found("glass nobody") == set()
    assert found("%") == set()


def test_a_number_with_its_sign_goes_straight_to_the_incident(as_viewer, incidents):
    wanted = incidents["closed"]
    assert as_viewer.get(LIST, {"q": f"#{wanted.number}"}).url == wanted.get_absolute_url()
    assert as_viewer.get(LIST, {"q": "#987654321"}).status_code == 200
    assert as_viewer.get(LIST, {"q": "#" + "9" * 400}).status_code == 200


@pytest.mark.parametrize("column", ["number", "device", "person", "status", "technician", "opened_at"])
def test_it_is_sorted_by(as_viewer, incidents, column):
    for sort in (column, f"-{column}"):
        assert as_viewer.get(LIST, {"sort": sort}).status_code == 200


@pytest.mark.parametrize(
    "crafted", [{"page": "x"}, {"sort": "password"}, {"site": "x"}, {"state": "?"}, {"technician": "9' or"}]
)
def test_a_crafted_address_still_shows_the_list(as_viewer, incidents, crafted):
    assert "Incidents" in text(as_viewer.get(LIST, crafted))


def test_nothing_there_says_what_to_do(as_technician, as_viewer):
    assert "No incident is open" in text(as_technician.get(LIST))
    assert reverse("incidents:new") in text(as_technician.get(LIST))
    assert reverse("incidents:new") not in text(as_viewer.get(LIST))
    assert "No open incident is yours" in text(as_technician.get(LIST, {"state": "open", "technician": "me"}))
    assert "No incident fits" in text(as_technician.get(LIST, {"q": "zzz"}))


def test_the_download_is_the_list_as_shown(as_viewer, incidents):
    answer = as_viewer.get(LIST, {"state": "at-apple", "sort": "-number", "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(text(answer))))
    assert [row["summary"] for row in rows] == ["Overdue one", "Away now"]
    assert rows[0]["status"] == "Sent for AppleCare Repair"


def test_another_sites_incidents_are_not_there_and_a_depot_sees_what_is_at_apple(incidents):
    local, depot = Client(), Client()
    local.force_login(make_user(Role.TECHNICIAN, sites=(make_site(),)))
    depot.force_login(make_user(Role.TECHNICIAN, sites=(make_site(kind=Site.Kind.DEPOT),)))
    assert "No incident is open" in text(local.get(LIST))
    page = text(depot.get(LIST))
    assert "Away now" in page
    assert "New one" not in page
    assert local.get(incidents["away"].get_absolute_url()).status_code == 404
    assert depot.get(incidents["new"].get_absolute_url()).status_code == 404


def test_a_page_of_fifty_costs_as_many_queries_as_a_page_of_one(
    as_technician, django_assert_num_queries: DjangoAssertNumQueries
):
    make_incident()
    with django_assert_num_queries(9):
        as_technician.get(LIST)
    site, status = make_site(), default_status(is_open=True)
    people = [make_person(site=site) for _number in range(60)]
    Incident.objects.bulk_create(
        Incident(device=make_device(site=site), person=person, summary="x", status=status)
        for person in people
    )
    with django_assert_num_queries(9):
        as_technician.get(LIST)


def test_a_hundred_thousand_incidents_are_listed_searched_and_sorted_without_waiting(as_technician):
    site, status, closed = make_site(), default_status(is_open=True), default_status(is_open=False)
    devices = [make_device(site=site).pk for _number in range(200)]
    people = [make_person(site=site).pk for _number in range(200)]
    now = timezone.now()
    write_rows(
        Incident,
        [
            {
                "device_id": devices[number % 200],
                "person_id": people[number // 200 % 200],
                "summary": f"Cracked {number}",
                "status_id": closed.pk if number % 50 else status.pk,
                "opened_by": "Command line",
                "opened_by_id": "command-line",
                "opened_at": now,
                "closed_at": now if number % 50 else None,
            }
            for number in range(100_000)
        ],
    )
    refresh_statistics(Incident)
    for query in ({}, {"state": ""}, {"state": "", "q": "cracked 7777"}, {"state": "", "sort": "person"}):
        started = time.perf_counter()
        assert as_technician.get(LIST, query).status_code == 200
        assert time.perf_counter() - started < 5, query
