"""MDM Reports as people see them."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.test import Client

from homeroom.accounts.policy import COMMAND_LINE_VIEWER, Permission, Role
from homeroom.applesync.models import Replacement, RunNote, SyncRun
from homeroom.audit.actors import COMMAND_LINE
from homeroom.incidents.models import Incident
from homeroom.incidents.verbs.statuses import ensure_system_statuses
from homeroom.insurance.models import CoverageCheck
from homeroom.insurance.queries import today
from homeroom.inventory.exports import reports as registry
from homeroom.inventory.exports.reports import (
    Selectable,
    columns_of_report,
    report_named,
    reports,
    reports_for,
)
from homeroom.inventory.models import Device, Site
from homeroom.inventory.verbs.assignments import check_out
from homeroom.reports.queries.keys import find
from homeroom.reports.selection import read
from homeroom.reports.views.reports import MOST_PRINTED
from homeroom.rows import write_rows
from homeroom.web import counts
from homeroom.web.counts import MOST_COUNTED
from tests.applesync.mirrors import make_connection, make_listed
from tests.builders import make_device, make_person, make_site, make_user
from tests.incidents.repairs import sent
from tests.insurance.records import make_synced_record
from tests.reports.districts import build

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
INDEX = "/reports/mdm/"
EXPIRING = "/reports/mdm/applecare-expiring/"
WITHOUT = "/reports/mdm/without-applecare/"
FORMULAS = ["=1+1", "+1-1", "-cmd|'/c calc'!A1", "@SUM(A1)", "\t=1+1"]


def text(answer: Any) -> str:
    return answer.content.decode()


def client_of(role: Role, *sites: Site) -> Client:
    client = Client()
    client.force_login(make_user(role, sites=sites))
    return client


def expiring(**values: Any) -> Device:
    device = make_device(**values)
    make_synced_record(device, ends=today() + 10 * DAY)
    return device


def ended(**values: Any) -> Device:
    device = make_device(**values)
    make_synced_record(device, starts=today() - 400 * DAY, ends=today() - DAY)
    return device


def csv_of(client: Client, address: str, **query: str) -> list[dict[str, str]]:
    answer = client.get(address, query | {"format": "csv"})
    assert answer.status_code == 200, answer.content
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode())))


@pytest.mark.parametrize("role", Role)
def test_everybody_is_offered_the_reports_that_they_may_see(role: Role):
    client = client_of(role)
    page = text(client.get(INDEX))
    for name in reports():
        may = report_named(name) in reports_for(make_user(role).viewer())
        assert (f'href="/reports/mdm/{name}/"' in page) == may
        assert client.get(f"/reports/mdm/{name}/").status_code == (200 if may else 403)
        assert client.get(f"/reports/mdm/{name}/", {"format": "csv"}).status_code == (200 if may else 403)
    assert client.get("/reports/mdm/no-such-report/").status_code == 404


@pytest.mark.parametrize("name", reports())
def test_a_report_of_nothing_says_what_that_means(as_administrator: Client, name: str):
    assert str(report_named(name).empty).replace("'", "&#x27;") in text(
        as_administrator.get(f"{INDEX}{name}/")
    )


def test_a_row_shows_the_device_its_person_and_how_long_it_is_covered(as_viewer: Client):
    device = expiring(asset_tag="T1", serial_number="SER1")
    check_out(device, make_person(name="Ann Smith", site=device.site), actor=COMMAND_LINE)
    make_listed("SER1", make_connection(), device=device, device_model="iPad (A16)")
    page = text(as_viewer.get(EXPIRING))
    for shown in (f'href="{device.get_absolute_url()}">T1<', "SER1", "Ann Smith", "iPad (A16)", ">10<"):
        assert shown in page


def test_columns_are_chosen_by_the_address_and_files_follow(as_viewer: Client):
    expiring(asset_tag="T1", purchase_order="PO-7")
    page = text(as_viewer.get(EXPIRING, {"columns": ["asset_tag", "purchase_order"]}))
    assert "PO-7" in page
    assert re.findall(r"<th scope=\"col\"[^>]*>\s*(?:<a[^>]*>)?([^<\n]+)", page) == [
        "Asset tag",
        "Purchase order",
    ]
    (row,) = csv_of(as_viewer, EXPIRING, columns="asset_tag,purchase_order")
    assert row == {"asset_tag": "T1", "purchase_order": "PO-7"}
    (row,) = csv_of(as_viewer, EXPIRING)
    assert {"asset_tag", "agreement_number", "apple_model"} <= row.keys(), "files have every column"


def test_it_sorts_as_the_address_says_page_and_files_alike(as_viewer: Client):
    for tag, days in (("T1", 30), ("T2", 10), ("T3", 20)):
        make_synced_record(make_device(asset_tag=tag), ends=today() + days * DAY)
    for sort, tags in (("", ["T2", "T3", "T1"]), ("-coverage_ends", ["T1", "T3", "T2"]), ("asset_tag", None)):
        expected = tags or ["T1", "T2", "T3"]
        page = text(as_viewer.get(EXPIRING, {"sort": sort}))
        assert re.findall(r">(T\d)</a>", page) == expected
        assert [row["asset_tag"] for row in csv_of(as_viewer, EXPIRING, sort=sort)] == expected
    assert 'aria-sort="ascending"' in page


def test_what_is_asked_wrongly_is_said_and_no_row_shown_instead(as_viewer: Client):
    expiring(asset_tag="T1")
    page = as_viewer.get(EXPIRING, {"days": "soon", "columns": "colour"})
    assert page.status_code == 200
    assert "Ends within days: Enter a number." in text(page)
    assert "“colour” is no column of this report." in text(page)
    assert ">T1<" not in text(page)
    answer = as_viewer.get(EXPIRING, {"days": "soon", "format": "csv"})
    assert (answer.status_code, text(answer)) == (422, "Ends within days: Enter a number.")
    assert as_viewer.get(EXPIRING, {"format": "pdf"}).status_code == 404


def more_without_applecare_than_are_counted() -> None:
    status = make_device(asset_tag="A0").status_id
    site = Site.objects.get()
    numbers = range(1, MOST_COUNTED + 2)
    row = {
        "site_id": site.pk,
        "status_id": status,
        "product_family": "iPad",
        "created_at": "2026-01-01T00:00Z",
    }
    write_rows(Device, [row | {"asset_tag": f"D{n:06}", "serial_number": f"S{n:06}"} for n in numbers])
    at = "2026-01-01T00:00Z"
    keys = Device.objects.order_by("pk").values_list("pk", flat=True)
    write_rows(
        CoverageCheck,
        [{"device_id": pk, "attempted_at": at, "succeeded_at": at, "failure": ""} for pk in keys],
    )


def test_pages_of_fifty_and_more_than_ten_thousand_are_not_counted(as_viewer: Client):
    more_without_applecare_than_are_counted()
    page = as_viewer.get(WITHOUT, {"page": "3"})
    assert "more than 10,000 rows" in text(page)
    assert page.context["table"].page.start_index() == 101
    assert "The first 10,000 can be looked through here." in text(page)
    assert len(csv_of(as_viewer, WITHOUT)) == MOST_COUNTED + 2
    paper = text(as_viewer.get(WITHOUT, {"print": "1"}))
    assert f"The first {MOST_PRINTED} of more than 10,000 rows" in paper
    assert paper.count('data-label="Asset tag"') == MOST_PRINTED


def test_nobody_waits_until_very_many_rows_are_sorted(as_viewer: Client):
    more_without_applecare_than_are_counted()
    for sort in ("asset_tag", "-serial_number", "purchase_date", "cost"):
        assert len(as_viewer.get(WITHOUT, {"sort": sort}).context["table"].page.object_list) == 50
    for address in ({"sort": "-model"}, {"sort": "site"}, {"sort": "coverage_ended", "print": "1"}):
        page = as_viewer.get(WITHOUT, address)
        assert "More than 10,000 rows are not sorted this way while you wait." in text(page)
        assert "table" not in page.context
    assert "Too many rows to sort" not in text(as_viewer.get(WITHOUT, {"sort": "-model", "q": "D00001"}))
    assert len(csv_of(as_viewer, WITHOUT, sort="-model")) == MOST_COUNTED + 2


def test_the_printed_report_has_all_rows_and_says_what_was_asked(as_viewer: Client):
    site = make_site(name="North School")
    for number in range(60):
        expiring(asset_tag=f"N{number:02}", site=site)
    expiring(asset_tag="ELSEWHERE")
    paper = text(as_viewer.get(EXPIRING, {"print": "1", "site": site.pk, "days": "30"}))
    assert len(set(re.findall(r">(N\d\d)</a>", paper))) == 60
    assert "ELSEWHERE" not in paper
    for asked in ("Site: <strong>North School", "Ends within days: <strong>30"):
        assert asked in paper


def test_what_is_not_known_or_of_another_make_is_told_beside_and_led_to(as_viewer: Client):
    ended(asset_tag="ENDED")
    make_device(asset_tag="UNKNOWN")
    make_device(asset_tag="BOOK", product_family="Chromebook", manufacturer="Google")
    assert [row["asset_tag"] for row in csv_of(as_viewer, WITHOUT)] == ["ENDED"]
    assert 'hx-get="/reports/mdm/without-applecare/left-out/?"' in text(as_viewer.get(WITHOUT))
    beside = text(as_viewer.get(f"{WITHOUT}left-out/"))
    assert "Of 1 more device the coverage is not known" in beside
    assert "1 device of another make" in beside
    for address, tag in zip(re.findall(r'href="([^"]+)"', beside), ("UNKNOWN", "BOOK"), strict=True):
        listed = as_viewer.get(address.replace("&amp;", "&"))
        assert [str(row.record) for row in listed.context["table"].rows] == [tag]


def test_beside_a_narrower_report_fewer_are_told_of(as_viewer: Client):
    here, there = make_site(), make_site()
    make_device(site=here)
    make_device(site=there)
    beside = text(as_viewer.get(f"{WITHOUT}left-out/", {"site": here.pk}))
    assert "Of 1 more device" in beside
    assert f"site={here.pk}" in beside
    assert text(as_viewer.get(f"{WITHOUT}left-out/", {"site": "x"})).strip() == ""


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_a_file_is_a_formula(as_administrator: Client, formula: str):
    device = expiring(asset_tag="T1", name=formula, purchase_order=formula)
    Device.objects.filter(pk=device.pk).update(name=formula)
    (row,) = csv_of(as_administrator, EXPIRING)
    for value in (row["name"], row["purchase_order"]):
        assert value == f"'{formula}"
    answer = as_administrator.get(EXPIRING, {"format": "xlsx", "columns": "asset_tag,name,plan"})
    sheet = openpyxl.load_workbook(io.BytesIO(answer.getvalue())).active
    assert [cell.value for cell in sheet[1]] == ["asset_tag", "name", "plan"]
    assert (sheet["B2"].value, sheet["B2"].data_type) == (formula, "s")


@pytest.mark.parametrize("role", [Role.TECHNICIAN, Role.VIEWER])
def test_rows_of_other_sites_are_in_no_report(role: Role):
    ensure_system_statuses(actor=COMMAND_LINE)
    hidden, mine = make_site(name="Hidden School"), make_site()
    connection = make_connection()
    expiring(serial_number="HIDDEN1", site=hidden)
    ended(serial_number="HIDDEN2", site=hidden)
    sent(make_device(serial_number="HIDDEN3", site=hidden))
    Incident.objects.update(shipped_on=today() - 60 * DAY)
    make_device(serial_number="HIDDEN 4", site=hidden)
    make_listed("HIDDEN4", connection)
    noted(make_device(serial_number="HIDDEN5", site=hidden), connection)
    expiring(serial_number="MINE", site=mine)
    client = client_of(role, mine)
    for report in reports_for(make_user(role, sites=(mine,)).viewer()):
        for query in ({}, {"print": "1"}, {"site": hidden.pk}):
            page = text(client.get(f"{INDEX}{report.name}/", query))
            assert "HIDDEN" not in page.replace("HIDDEN4", ""), report.name
        rows = client.get(f"{INDEX}{report.name}/", {"format": "json"}).getvalue().decode()
        assert "HIDDEN" not in rows.replace("HIDDEN4", ""), "what Apple lists is of no site yet"
    assert "MINE" in text(client.get(EXPIRING))


def noted(of: Device, connection: Any, **values: Any) -> RunNote:
    run = SyncRun.objects.create(connection=connection, state="succeeded", **values.pop("run", {}))
    given = {"kind": "odd-value", "serial_number": of.serial_number, "device": of, "text": "Odd"}
    return RunNote.objects.create(run=run, **given | values)


class TestSyncProblems:
    ADDRESS = "/reports/mdm/sync-problems/"

    def tells(self, client: Client, **query: str) -> list[str]:
        return [row["note"] for row in csv_of(client, self.ADDRESS, **query)]

    def test_a_problem_is_told_as_it_was_noted_last(self, as_technician: Client):
        device, connection = make_device(asset_tag="T1"), make_connection()
        noted(device, connection, text="First")
        noted(device, connection, text="Second")
        noted(device, connection, text="Previewed", run={"preview": True})
        noted(device, connection, text="Gone", kind="gone")
        noted(device, make_connection(), text="By the other connection")
        noted(device, connection, text="No serial", serial_number="", device=None, kind="unreadable")
        assert self.tells(as_technician) == ["No serial", "By the other connection", "Second"]
        assert self.tells(as_technician, q="T1 second") == ["Second"]
        assert self.tells(as_technician, kind="unreadable") == ["No serial"]

    def test_a_failed_check_is_one_until_a_check_succeeds(self, as_technician: Client):
        device, connection = make_device(), make_connection()
        check = CoverageCheck.objects.create(device=device, attempted_at="2026-01-01T00:00Z", failure="Down")
        noted(device, connection, text="Down", kind="coverage-failed")
        assert self.tells(as_technician) == ["Down"]
        check.failure = ""
        check.save()
        assert self.tells(as_technician) == []

    def test_what_was_noted_long_ago_is_asked_for(self, as_technician: Client):
        note = noted(make_device(), make_connection())
        SyncRun.objects.filter(pk=note.run_id).update(requested_at="2020-01-01T00:00Z")
        assert self.tells(as_technician) == []
        assert self.tells(as_technician, days="36500") == ["Odd"]


def test_overdue_is_what_the_board_marks_so(as_viewer: Client):
    ensure_system_statuses(actor=COMMAND_LINE)
    late, _fresh = sent(make_device(asset_tag="LATE")), sent(make_device(asset_tag="FRESH"))
    Incident.objects.filter(pk=late.pk).update(shipped_on=today() - 40 * DAY)
    (row,) = csv_of(as_viewer, "/reports/mdm/overdue-at-apple/")
    assert (row["asset_tag"], row["days_out"], row["overdue"]) == ("LATE", "40", "true")
    assert late.get_absolute_url() in text(as_viewer.get("/reports/mdm/overdue-at-apple/"))
    assert {row["asset_tag"] for row in csv_of(as_viewer, "/reports/mdm/at-apple/")} == {"LATE", "FRESH"}


class TestChoosing:
    """The hook by which an app lets people tick rows and do something with them."""

    @pytest.fixture(autouse=True)
    def something_can_be_done(self, monkeypatch: pytest.MonkeyPatch) -> None:
        can = Selectable(
            "web/choose_all.html", Permission.EDIT_INVENTORY, action="reports:view-new", name="device"
        )
        chosen = registry.Report(
            **{
                name: getattr(report_named("applecare-expiring"), name)
                for name in registry.Report.__dataclass_fields__
            }
            | {"selection": can}
        )
        monkeypatch.setitem(registry._reports, "applecare-expiring", chosen)

    def test_each_row_has_a_box_of_the_form(self, as_technician: Client):
        device = expiring(asset_tag="T1")
        page = text(as_technician.get(EXPIRING, {"days": "30"}))
        assert f'name="device" value="{device.pk}" form="chosen" aria-label="Choose T1"' in page, (
            "a box for each row"
        )
        assert '<form id="chosen" method="post" action="/reports/views/new/"' in page
        assert f'name="next" value="{EXPIRING}?days=30"' in page
        assert "data-choose-all" in page

    def test_who_may_not_do_it_has_no_boxes(self, as_viewer: Client):
        expiring(asset_tag="T1")
        assert 'form="chosen"' not in text(as_viewer.get(EXPIRING))

    def test_nothing_is_chosen_on_paper_or_of_nothing(self, as_technician: Client):
        assert 'id="chosen"' not in text(as_technician.get(EXPIRING))
        expiring(asset_tag="T1")
        assert 'form="chosen"' not in text(as_technician.get(EXPIRING, {"print": "1"}))


def rows_of_every_report() -> None:
    build(300, today=today())
    ensure_system_statuses(actor=COMMAND_LINE)
    account = make_connection()
    for number, device in enumerate(Device.objects.all()[:10]):
        incident = sent(device)
        noted(device, make_connection())
        make_listed(f"S{number} ", account)
        make_device(serial_number=f"S{number}")
        Replacement.objects.create(
            connection=account, incident=incident, replacement_serial=f"R{number}", state="dismissed"
        )
    Incident.objects.filter(sent_at__isnull=False).update(shipped_on=today() - 40 * DAY)


@pytest.mark.parametrize("of_sites", [False, True], ids=["everywhere", "of sites"])
@pytest.mark.parametrize("most", [5, 10_000], ids=["many", "few"])
def test_a_page_has_the_rows_of_the_file_in_their_order(
    most: int, of_sites: bool, monkeypatch: pytest.MonkeyPatch
):
    """However it looks for them: by what it is asked, or by the keys of the rows that it found."""
    rows_of_every_report()
    monkeypatch.setattr(counts, "MOST_OF_SITES" if of_sites else "MOST_COUNTED", most)
    viewer = COMMAND_LINE_VIEWER
    if of_sites:
        viewer = make_user(Role.TECHNICIAN, sites=tuple(Site.objects.all())).viewer()
    for name in reports():
        columns, orders = columns_of_report(name), 0
        for sort in [f"{sign}{column.name}" for column in columns if column.sort for sign in ("", "-")]:
            reading = read(report_named(name), f"sort={sort}", viewer)
            asked = reading.selection
            keys = list(asked.queryset.values_list("pk", flat=True))
            in_order = find(reading).keys
            if in_order is not None:
                assert list(in_order[:most]) == keys[:most], (name, sort)
                orders += len(keys) > 5
        assert orders > 1, name
        paths = ["pk", *{column.source for column in columns}]
        known = list(asked.known.filter(pk__in=keys).values(*paths))
        assert known == list(asked.queryset.values(*paths)), name


def test_for_somebody_of_some_sites_fewer_rows_are_looked_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counts, "MOST_OF_SITES", 2)
    site = make_site()
    for _each in range(3):
        expiring(site=site)
    for query in ({}, {"sort": "model"}):
        page = client_of(Role.TECHNICIAN, site).get(EXPIRING, query)
        assert page.context["number"].shown == "more than 2"
        assert ("table" in page.context) == (not query), "what no index sorts is not sorted"
        page = client_of(Role.TECHNICIAN).get(EXPIRING, query)
        assert page.context["number"].shown == "3", "who sees every site"


def test_no_page_costs_more_queries_for_more_rows(as_administrator: Client, django_assert_num_queries: Any):
    rows_of_every_report()
    # Two of the session, the menu's number, the views; then the filters' choices, the keys of what is found,
    # those of the page, unless they were found in order, and its rows.
    costs = {
        "applecare-expiring": 8,
        "without-applecare": 9,
        "replacement-history": 8,
        "in-apple-not-in-inventory": 8,
        "in-inventory-not-in-apple": 8,
        "near-matches": 8,
        "overdue-at-apple": 8,
        "at-apple": 8,
        "sync-problems": 9,
    }
    assert costs.keys() == set(reports())
    for name in costs:  # what a process asks once, such as whether its SQLite knows JSON
        as_administrator.get(f"{INDEX}{name}/")
    for name, number in costs.items():
        with django_assert_num_queries(number):
            page = as_administrator.get(f"{INDEX}{name}/")
        assert page.context["number"].counted > 5, name
    with django_assert_num_queries(4):
        as_administrator.get(INDEX)
