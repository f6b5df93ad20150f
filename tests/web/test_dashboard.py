"""The first page: what waits for each role, whose every number is that of the list it leads to; first steps; the district."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from homeroom.accounts.models import ApiToken, User
from homeroom.accounts.policy import Role
from homeroom.accounts.verbs.tokens import create_token, revoke_token
from homeroom.applesync.models import Connection, Replacement, RunNote, SyncRun
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.verbs.incidents import close_incident, update_incident
from homeroom.incidents.verbs.repairs import receive_replacement
from homeroom.incidents.verbs.statuses import ensure_system_statuses
from homeroom.insurance.queries import today
from homeroom.inventory.imports.models import ImportJob, Noun
from homeroom.inventory.models import Device, Site
from homeroom.notifications.models import Mail
from homeroom.reports.models import ReportDelivery, ReportTurn
from homeroom.reports.verbs.rollup import refresh_rollup
from homeroom.web.counts import counted
from tests.api.test_api import Caller
from tests.applesync.mirrors import make_connection
from tests.builders import make_device, make_site, make_status, make_user
from tests.incidents.repairs import box_of, cracked, sent
from tests.insurance.records import make_synced_record
from tests.reports.schedules import make_schedule

pytestmark = pytest.mark.django_db
HOME = "/"
NUMBER = re.compile(r'<a href="(/(?:devices|reports/incidents)/\?[^"]+)">([\d,]+)</a>')
OF_TECHNICIANS = {
    "Overdue at Apple": 1,
    "Replacements to review": 1,
    "Replacements to hand out": 1,
    "Your open incidents": 1,
    "Incidents without a technician": 5,
    "Shipments being packed": 1,
    "AppleCare expiring soon": 1,
    "Sync problems": 1,
    "Reports not sent": 1,
    "Imports to finish": 1,
}
MORE_THAN_COUNTED = 10_001
ADMINISTRATOR, TECHNICIAN, VIEWER = 29, 23, 11
"""Queries for each one's page: one for most cards and parts, those of the shell, and three for first steps."""


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def waits(client: Client) -> dict[str, tuple[int | None, str]]:
    """By title, how much waits and where."""
    found = client.get(HOME).context["waiting"]
    return {each.title: (each.number.counted if each.number else None, each.url) for _card, each in found}


def numbers(client: Client) -> dict[str, int | None]:
    return {title: number for title, (number, _url) in waits(client).items()}


def rows_at(client: Client, url: str) -> int:
    """How many rows the list there holds, by its own pages."""
    context = client.get(url).context
    pages = (
        context["table"].paginator if "table" in context else getattr(context.get("page"), "paginator", None)
    )
    return int(pages.count if pages else context["count"])


def text(client: Client) -> str:
    return client.get(HOME).content.decode()


def steps(client: Client) -> dict[str, bool]:
    return {str(step.title): done for step, done in client.get(HOME).context["steps"]}


def synced(connection: Connection, **values: object) -> SyncRun:
    given = {"state": SyncRun.State.SUCCEEDED, "started_at": timezone.now(), "finished_at": timezone.now()}
    return SyncRun.objects.create(connection=connection, **given | values)


def add_work(site: Site, *people: User) -> None:
    """One of everything that can wait."""
    connection = Connection.objects.first() or make_connection(name="District")
    ensure_system_statuses(actor=COMMAND_LINE)
    away = sent(make_device(site=site), shipped_on=today() - timedelta(days=20))
    received = receive_replacement(sent(make_device(site=site)), actor=COMMAND_LINE)
    asked = cracked(make_device(site=site))
    for incident, state in ((received, "applied"), (asked, "suggested")):
        Replacement.objects.create(
            connection=connection,
            incident=incident,
            original_serial=incident.device.serial_number,
            replacement_serial=f"NEW{incident.number}",
            state=state,
        )
    for person in people:
        update_incident(cracked(make_device(site=site)), technician=person, actor=COMMAND_LINE)
        for state in (ImportJob.State.PLANNED, ImportJob.State.APPLIED):
            ImportJob.objects.create(noun=Noun.DEVICES, file_name="x.csv", requested_by=person, state=state)
    box_of(cracked(make_device(site=site)), cracked(make_device(site=site)))
    for days in (30, 31, 400):
        make_synced_record(
            make_device(site=site),
            apple_id=f"{site.pk}-{connection.runs.count()}-{days}",
            ends=today() + timedelta(days=days),
        )
    note = RunNote(kind=RunNote.Kind.ODD_VALUE, device=away.device, text="Odd.")
    note.run, note.serial_number = synced(connection), f"S{away.number}"
    note.save()


@pytest.fixture
def site(administrator: User, technician: User) -> Site:
    busy = make_site()
    add_work(busy, administrator, technician)
    turn = ReportTurn.objects.create(schedule=make_schedule(technician))
    ReportDelivery.objects.create(turn=turn, recipient=technician, state=ReportDelivery.State.FAILED)
    return busy


@pytest.mark.usefixtures("site")
class TestWhoIsToldOfWhat:
    def test_a_technician_is_told_of_what_they_work_on(self, as_technician: Client) -> None:
        assert numbers(as_technician) == OF_TECHNICIANS

    def test_an_administrator_is_also_told_of_what_does_not_work_and_of_that_first(
        self, as_administrator: Client
    ) -> None:
        Connection.objects.update(problem="Apple refuses the key.")
        Mail.objects.create(recipient=make_user(), state=Mail.State.FAILED)
        found = numbers(as_administrator)
        assert found == {"“District” needs attention": None, "Mail failed": 1} | OF_TECHNICIANS
        assert list(found)[:3] == ["“District” needs attention", "Mail failed", "Overdue at Apple"]

    def test_a_viewer_has_nothing_to_do_and_is_told_so(self, as_viewer: Client) -> None:
        assert numbers(as_viewer) == {}
        page = text(as_viewer)
        assert "Nothing waits for you" in page
        assert "Last good sync" not in page

    @pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.TECHNICIAN])
    def test_every_number_is_that_of_the_list_it_leads_to(
        self, role: Role, administrator: User, technician: User
    ) -> None:
        Mail.objects.create(recipient=administrator, state=Mail.State.FAILED)
        Mail.objects.create(recipient=administrator)
        client = client_of(administrator if role == Role.ADMINISTRATOR else technician)
        found = waits(client)
        assert len(found) >= len(OF_TECHNICIANS)
        for title, (number, url) in found.items():
            assert number == rows_at(client, url), title

    def test_a_technician_is_told_of_their_own_sites_only(self) -> None:
        assert numbers(client_of(make_user(Role.TECHNICIAN, sites=(make_site(),)))) == {}

    def test_a_depots_technician_is_told_of_what_is_at_apple_from_every_site(self) -> None:
        depot = client_of(make_user(Role.TECHNICIAN, sites=(make_site(kind=Site.Kind.DEPOT),)))
        found = waits(depot)
        assert found["Overdue at Apple"][0] == 1
        assert "Your open incidents" not in found
        for title, (number, url) in found.items():
            assert number == rows_at(depot, url), title

    def test_the_api_tells_the_same(self) -> None:
        caller = Caller(Role.ADMINISTRATOR)
        told = caller.get("/dashboard")
        page = client_of(caller.user)
        assert [(each["title"], each["number"], each["page"]) for each in told] == [
            (title, number, url) for title, (number, url) in waits(page).items()
        ]
        assert {"name": "overdue-at-apple", "severity": "late", "more": False}.items() <= told[0].items()
        assert Caller(Role.VIEWER).get("/dashboard") == []

    def test_it_costs_the_same_few_queries_however_much_waits(
        self,
        site: Site,
        administrator: User,
        as_administrator: Client,
        as_technician: Client,
        as_viewer: Client,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        clients = {as_administrator: ADMINISTRATOR, as_technician: TECHNICIAN, as_viewer: VIEWER}
        for client, queries in clients.items():
            with django_assert_num_queries(queries):
                client.get(HOME)
        for _more in range(3):
            add_work(site, administrator)
        for client, queries in clients.items():
            with django_assert_num_queries(queries):
                client.get(HOME)


class TestWhatIsToldAndWhen:
    def test_a_sync_that_waits_for_a_decision_is_one_press_away(self, as_administrator: Client) -> None:
        connection = make_connection(name="District")
        run = synced(connection, state=SyncRun.State.HELD)
        number, url = waits(as_administrator)["“District” needs attention"]
        assert (number, url) == (None, f"/syncs/{run.pk}/")
        assert f"Sync {run.pk} waits for a decision." in text(as_administrator)

    def test_what_is_done_is_gone(self, as_technician: Client, technician: User) -> None:
        incident = update_incident(cracked(), technician=technician, actor=COMMAND_LINE)
        assert numbers(as_technician) == {"Your open incidents": 1}
        close_incident(incident, outcome="other", actor=COMMAND_LINE)
        assert numbers(as_technician) == {}
        assert "Nothing waits for you" in text(as_technician)

    def test_the_last_good_sync_and_the_next_one_stand_beside_it(self, as_technician: Client) -> None:
        make_device()  # past its first steps
        connection = make_connection(name="District")
        assert "None yet" in text(as_technician)
        synced(connection, finished_at=timezone.now() - timedelta(hours=3))
        page = text(as_technician)
        assert "Nothing waits for you" in page
        assert re.search(r"Last good sync</dt><dd><span[^>]*>3\xa0hours ago", page)
        assert "Next sync" in page

    @pytest.mark.parametrize(
        ("days", "says"),
        [(15, None), (14, "is about to expire"), (0, "is about to expire"), (-1, "has expired")],
    )
    def test_own_tokens_are_told_of_before_they_expire(
        self, as_viewer: Client, viewer: User, days: int, says: str | None
    ) -> None:
        day = timezone.localdate() + timedelta(days=days)
        create_token(
            make_user(), name="Theirs", scope=ApiToken.Scope.READ, expires_on=day, actor=COMMAND_LINE
        )
        token, _secret = create_token(
            viewer, name="MDM export", scope=ApiToken.Scope.READ, expires_on=day, actor=COMMAND_LINE
        )
        told = [f"Your API token “MDM export” {says}"] if says else []
        assert list(waits(as_viewer)) == told
        revoke_token(token, actor=COMMAND_LINE)
        assert waits(as_viewer) == {}

    def test_imports_of_others_are_theirs_to_finish(self, as_administrator: Client, technician: User) -> None:
        ImportJob.objects.create(noun=Noun.DEVICES, file_name="x.csv", requested_by=technician)
        assert "Imports to finish" not in waits(as_administrator)
        assert waits(client_of(technician))["Imports to finish"] == (1, "/imports/?show=waiting")

    def test_what_is_many_is_counted_so_far(self) -> None:
        many_devices(MORE_THAN_COUNTED - 1)
        assert counted(Device.objects.all()).shown == "10,000"
        make_device()
        assert counted(Device.objects.all()).shown == "more than 10,000"


class TestFirstSteps:
    def test_an_administrator_of_a_new_installation_is_led_through_them(
        self, as_administrator: Client
    ) -> None:
        apple, sync = "Connect Apple School Manager", "Run the first sync"
        expected = {
            "Import your devices": False,
            apple: False,
            sync: False,
            "Invite people": False,
            "Set up email": False,
        }
        assert steps(as_administrator) == expected
        make_device()
        make_user()
        connection = make_connection()
        done = {"Import your devices": True, apple: True, "Invite people": True}
        assert steps(as_administrator) == expected | done
        synced(connection, state=SyncRun.State.PREVIEWED, preview=True)
        assert steps(as_administrator)[sync] is False
        synced(connection)
        assert steps(as_administrator) == {}
        assert "First steps" not in text(as_administrator)

    def test_others_are_shown_those_that_are_theirs(self, as_technician: Client, as_viewer: Client) -> None:
        assert steps(as_technician) == {"Import your devices": False}
        assert steps(as_viewer) == {}
        assert "No devices yet" in text(as_viewer)
        make_device()
        assert steps(as_technician) == {}
        assert "No devices yet" not in text(as_viewer)

    def test_each_leads_to_a_page(self, as_administrator: Client) -> None:
        links = re.findall(r'class="stretched-link[^"]*" href="([^"]+)"', text(as_administrator))
        assert len(links) == 5
        assert {as_administrator.get(link).status_code for link in links} == {200}


class TestTheDistrict:
    @pytest.mark.parametrize("role", list(Role))
    def test_every_number_leads_to_a_list_of_so_many(self, role: Role, site: Site) -> None:
        make_device()
        make_device(site=site, product_family="Chromebook", manufacturer="Google")
        make_device(site=site, status=make_status("Lost", kind="lost"))
        for person in (make_user(role), make_user(role, sites=(site,))):
            client = client_of(person)
            found = NUMBER.findall(text(client))
            assert len(found) > 8
            for url, number in found:
                assert rows_at(client, url.replace("&amp;", "&")) == int(number.replace(",", "")), url

    def test_who_is_limited_to_sites_is_told_that_the_numbers_are_theirs(self, site: Site) -> None:
        assert "Your sites" in text(client_of(make_user(Role.VIEWER, sites=(site,))))
        assert "The district" in text(client_of(make_user(Role.VIEWER)))

    def test_a_large_district_is_not_counted_while_the_page_is_made(
        self, as_viewer: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        many_devices(5_001)
        assert "The devices are being counted by the worker" in text(as_viewer)
        refresh_rollup()
        with django_assert_num_queries(
            VIEWER - 2
        ):  # the rollup and its cells instead of devices and incidents
            page = text(as_viewer)
        assert "As of " in page
        assert "5,001" in page


def many_devices(number: int) -> None:
    site, status = make_site(), make_status()
    Device.objects.bulk_create(
        Device(asset_tag=f"M{each}", serial_number=f"MANY{each}", site=site, status=status)
        for each in range(number)
    )


class TestFinding:
    def test_a_scanned_label_leads_to_its_device(self, as_viewer: Client) -> None:
        device = make_device(asset_tag="A-1", serial_number="DMQ7T41KXW")
        page = text(as_viewer)
        assert re.search(r'<form[^>]*method="get" action="/devices/"[^>]*role="search"', page)
        assert 'name="q"' in page
        for typed in ("A-1", "dmq7t41kxw"):
            assert as_viewer.get("/devices/", {"q": typed})["Location"] == f"/devices/{device.pk}/"

    def test_the_page_is_the_first_of_the_menu_and_where_signing_in_leads(self, viewer: User) -> None:
        client = Client()
        login = {"login": viewer.email, "password": "correct horse battery"}
        assert client.post("/account/login/", login)["Location"] == HOME
        assert client.get(HOME).context["menu"][0].url_name == "home"
