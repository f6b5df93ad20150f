"""Files of reports that a worker makes: their states, whose they are, and what a kill, a stop or a change of rights does."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from homeroom.accounts.models import User
from homeroom.accounts.policy import Role
from homeroom.audit.models import Entry
from homeroom.insurance.models import CoverageCheck
from homeroom.insurance.queries import today
from homeroom.inventory.exports.reports import report_named
from homeroom.inventory.models import Device, Site
from homeroom.reports.models import ReportFile
from homeroom.reports.verbs.files import MOST_UNDER_WAY, delete_file, open_file, order_again, order_file
from homeroom.reports.verbs.making import MOST_ATTEMPTS, forget_old_files, make_due_file
from homeroom.rows import refresh_statistics, write_rows
from homeroom.web.counts import MOST_COUNTED
from homeroom.web.errors import Refused
from tests.builders import make_device, make_site, make_status
from tests.insurance.records import make_synced_record
from tests.processes import environment, eventually, homeroom
from tests.reports.gated import NAME, Gate, gate, register_devices_report

__all__ = ["gate"]
pytestmark = pytest.mark.django_db(transaction=True)
State = ReportFile.State
FILES = "/reports/files/"
EXPIRING = "applecare-expiring"
WITHOUT = "without-applecare"
FORMATS = ["csv", "json", "xlsx"]


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    """Where this test's files are kept; a process with `environment(tmp_path)` keeps them there, too."""
    settings.MEDIA_ROOT = tmp_path / "files"
    return tmp_path / "files" / "reports"


def order(user: User, report: str = EXPIRING, query: str = "", format_name: str = "csv") -> ReportFile:
    return order_file(report_named(report), query, format_name, owner=user, viewer=user.viewer())


def made(file: ReportFile) -> ReportFile:
    assert make_due_file(Event())
    file.refresh_from_db()
    return file


def expiring(**values: Any) -> Device:
    device = make_device(**values)
    make_synced_record(device, ends=today() + timedelta(days=10))
    return device


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(answer: Any) -> str:
    return str(answer.content.decode())


def table(content: bytes, format_name: str) -> list[dict[str, str]]:
    """The rows of a file as text, however it holds them."""
    if format_name == "csv":
        return list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    if format_name == "json":
        return [{name: plain(value) for name, value in row.items()} for row in json.loads(content)]
    header, *rows = openpyxl.load_workbook(io.BytesIO(content), read_only=True).active.values
    return [{str(name): plain(value) for name, value in zip(header, row, strict=True)} for row in rows]


def plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value.date()) if isinstance(value, date) else str(value)


def many_without(count: int) -> None:
    """Devices that are surely without AppleCare."""
    site, status = make_site(), make_status()
    row = {"site_id": site.pk, "status_id": status.pk, "product_family": "iPad", "manufacturer": "Apple"}
    at = "2026-01-01T00:00Z"
    write_rows(
        Device,
        [
            row | {"asset_tag": f"D{number:06}", "serial_number": f"S{number:06}", "created_at": at}
            for number in range(count)
        ],
    )
    write_rows(
        CoverageCheck,
        [
            {"device_id": pk, "attempted_at": at, "succeeded_at": at, "failure": ""}
            for pk in Device.objects.values_list("pk", flat=True)
        ],
    )
    refresh_statistics(Device, CoverageCheck)


class TestOrdering:
    def test_a_file_is_what_the_page_gives_at_once(self, viewer: User) -> None:
        expiring(asset_tag="T1", purchase_date=date(2025, 1, 2), cost="12.50")
        expiring(asset_tag="T2")
        page = client_of(viewer).get(f"/reports/mdm/{EXPIRING}/", {"format": "csv"}).getvalue()
        for format_name in FORMATS:
            file = made(order(viewer, format_name=format_name))
            assert (file.state, file.rows, file.rows_done) == (State.READY, 2, 2)
            fetched = client_of(viewer).get(f"{FILES}{file.pk}/content/")
            content = fetched.getvalue()
            assert file.size == len(content)
            assert [row["asset_tag"] for row in table(content, format_name)] == ["T1", "T2"]
            name = f"{EXPIRING}-{timezone.localdate()}.{format_name}"
            assert fetched["Content-Disposition"] == f'attachment; filename="{name}"'
            assert fetched["Cache-Control"] == "private, no-store"
            if format_name == "csv":
                assert content == page

    def test_filters_order_and_columns_are_kept_and_told_in_words(self, viewer: User) -> None:
        site = make_site(name="North School")
        expiring(asset_tag="T1", site=site)
        expiring(asset_tag="T2", site=site)
        expiring(asset_tag="ELSEWHERE")
        query = f"columns=asset_tag&sort=-asset_tag&site={site.pk}&page=3"
        file = made(order(viewer, query=query))
        with open_file(file, viewer=viewer.viewer()) as content:
            assert content.read() == b"asset_tag\r\nT2\r\nT1\r\n"
        assert file.words == "Site: North School; Ends within days: 90"
        assert "page" not in file.query
        assert "Site: North School" in text(client_of(viewer).get(FILES))

    @pytest.mark.parametrize(
        ("query", "format_name", "field", "sentence"),
        [
            ("days=soon", "csv", "days", "Ends within days: Enter a number."),
            ("colour=red", "csv", "colour", "“colour” is no filter of this report."),
            ("columns=colour", "csv", "columns", "“colour” is no column of this report."),
            ("", "pdf", "format", "Choose one of the formats CSV, XLSX and JSON."),
        ],
    )
    def test_what_is_asked_wrongly_is_refused_with_its_name(
        self, viewer: User, query: str, format_name: str, field: str, sentence: str
    ) -> None:
        with pytest.raises(Refused, match=sentence) as refused:
            order(viewer, query=query, format_name=format_name)
        assert refused.value.field == field
        assert not ReportFile.objects.exists()
        answer = client_of(viewer).post(
            f"{FILES}new/", {"report": EXPIRING, "query": query, "format": format_name}, follow=True
        )
        assert sentence in text(answer)
        assert not Entry.objects.filter(action="report_file.ordered").exists()

    def test_more_rows_than_excel_can_hold_are_refused_before_anything_is_made(
        self, viewer: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site, status = make_site(), make_status()
        row = {"site_id": site.pk, "status_id": status.pk, "created_at": "2026-01-01T00:00Z"}
        write_rows(
            Device,
            [row | {"asset_tag": f"D{at}", "serial_number": f"S{at}"} for at in range(1025)],
        )
        Site.objects.bulk_create(Site(name=f"Site {at}") for at in range(1024))
        # Each device with each site: 1,050,625 rows.
        register_devices_report(
            monkeypatch, rows=lambda _viewer: Device.objects.extra(tables=["inventory_site"])
        )
        file = made(order(viewer, NAME, format_name="xlsx"))
        assert (file.state, file.rows_done) == (State.FAILED, 0)
        assert "An Excel sheet can't hold that many rows" in file.failure

    def test_who_may_not_see_the_report_orders_no_file_of_it(self, viewer: User) -> None:
        with pytest.raises(PermissionDenied):
            order(viewer, "sync-problems")
        answer = client_of(viewer).post(f"{FILES}new/", {"report": "sync-problems", "format": "csv"})
        assert answer.status_code == 403

    def test_pressed_twice_it_is_made_once(self, viewer: User, technician: User) -> None:
        first = order(viewer)
        assert order(viewer) == first
        assert order(viewer, format_name="json") != first
        assert order(technician) != first
        made(first)
        assert order(viewer) != first, "what is ready is of another time"

    def test_one_person_does_not_have_the_worker_for_long(self, viewer: User, technician: User) -> None:
        for days in range(MOST_UNDER_WAY):
            order(viewer, query=f"days={days}")
        with pytest.raises(Refused, match="20 files of yours are being made already"):
            order(viewer, query="days=99")
        assert order(technician, query="days=99")

    def test_the_audit_trail_tells_of_ordering_and_deleting(self, viewer: User) -> None:
        file = order(viewer, query="q=Ann")
        delete_file(file, actor=viewer.actor)
        ordered, deleted = Entry.objects.filter(object_type="reports.reportfile").order_by("pk")
        assert (ordered.action, ordered.actor_id) == ("report_file.ordered", f"user:{viewer.pk}")
        assert ordered.after == {"report": EXPIRING, "format": "csv"}
        assert ordered.personal.after == {"query": "q=Ann"}, "it may be a person's name"
        assert (deleted.action, deleted.before) == ("report_file.deleted", ordered.after)


class TestPage:
    def test_it_says_what_there_is_when_there_is_nothing(self, as_viewer: Client) -> None:
        page = text(as_viewer.get(FILES))
        assert "No files" in page
        assert 'href="/reports/mdm/"' in page
        assert f'href="{FILES}"' in text(as_viewer.get("/reports/mdm/"))

    def test_it_asks_again_only_while_the_file_is_under_way(self, viewer: User) -> None:
        expiring()
        client = client_of(viewer)
        answer = client.post(f"{FILES}new/", {"report": EXPIRING, "format": "xlsx"}, follow=True)
        assert answer.redirect_chain == [(FILES, 302)]
        file = ReportFile.objects.get()
        again = f'hx-get="{FILES}{file.pk}/"'
        assert "Waiting" in text(answer)
        assert again in text(answer)
        assert again in text(client.get(f"{FILES}{file.pk}/"))
        made(file)
        for page in (text(client.get(FILES)), text(client.get(f"{FILES}{file.pk}/"))):
            assert "hx-get" not in page
            assert f'href="{FILES}{file.pk}/content/"' in page
            assert "· 1 row ·" in page
        assert 'hx-swap-oob="innerHTML">AppleCare Expiring Soon: Ready<' in text(
            client.get(f"{FILES}{file.pk}/")
        )

    def test_it_offers_to_make_again_what_failed(self, viewer: User) -> None:
        file = order(viewer)
        ReportFile.objects.update(state=State.FAILED, failure="The disk is full.", attempts=6)
        client = client_of(viewer)
        page = text(client.get(FILES))
        assert "The disk is full." in page
        assert f'action="{FILES}{file.pk}/again/"' in page
        assert f"{FILES}{file.pk}/content/" not in page
        client.post(f"{FILES}{file.pk}/again/")
        assert made(file).state == State.READY
        assert file.failure == ""

    def test_nobody_else_gets_at_it(self, viewer: User, as_administrator: Client) -> None:
        file = made(order(viewer))
        assert EXPIRING not in text(as_administrator.get(FILES))
        for address in ("content", "again", "delete"):
            send = as_administrator.get if address == "content" else as_administrator.post
            assert send(f"{FILES}{file.pk}/{address}/").status_code == 404
        polled = as_administrator.get(f"{FILES}{file.pk}/")
        assert (polled.status_code, polled.content) == (286, b""), "as one that never was"
        assert client_of(viewer).get(f"{FILES}{file.pk}/content/").getvalue() == file.path.read_bytes()

    def test_deleted_it_is_gone_from_the_disk_too(self, viewer: User, folder: Path) -> None:
        file = made(order(viewer))
        assert file.path.exists()
        answer = client_of(viewer).post(f"{FILES}{file.pk}/delete/", follow=True)
        assert "The file of “AppleCare Expiring Soon” is deleted." in text(answer)
        assert not ReportFile.objects.exists()
        assert list(folder.iterdir()) == []

    def test_what_is_not_ready_or_no_longer_kept_is_not_fetched(self, viewer: User) -> None:
        file = order(viewer)
        client = client_of(viewer)
        answer = client.get(f"{FILES}{file.pk}/content/", follow=True)
        assert "This file is not ready yet." in text(answer)
        made(file).path.unlink()
        answer = client.get(f"{FILES}{file.pk}/content/", follow=True)
        assert text(answer).count("This file is no longer kept. Have it made again.") == 2
        assert f'action="{FILES}{file.pk}/again/"' in text(answer)

    def test_many_files_cost_no_more_queries_than_one_and_come_in_pages(
        self, viewer: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        client = client_of(viewer)
        made(order(viewer))
        client.get(FILES)
        with django_assert_num_queries(5):
            client.get(FILES)
        ReportFile.objects.bulk_create(
            ReportFile(owner=viewer, report=EXPIRING, format="csv", state=State.FAILED) for _each in range(59)
        )
        with django_assert_num_queries(5):
            page = text(client.get(FILES))
        assert page.count('<li class="list-group-item" id="file-') == 50
        assert "?page=2" in page
        assert text(client.get(FILES, {"page": 2})).count('<li class="list-group-item" id="file-') == 10

    def test_the_report_orders_a_workbook_only_where_it_can_not_be_had_at_once(
        self, as_viewer: Client
    ) -> None:
        many_without(MOST_COUNTED)
        address = f"/reports/mdm/{WITHOUT}/"
        assert 'href="?format=xlsx"' in text(as_viewer.get(address))
        make_device(site=Site.objects.get())
        CoverageCheck.objects.create(
            device=Device.objects.latest("pk"), attempted_at=timezone.now(), succeeded_at=timezone.now()
        )
        page = text(as_viewer.get(address))
        assert f'action="{FILES}new/"' in page
        assert 'href="?format=xlsx"' not in page


class TestRights:
    def test_they_are_those_of_the_making_not_of_the_order(self, viewer: User) -> None:
        here, there = make_site(), make_site()
        expiring(asset_tag="HERE", site=here)
        expiring(asset_tag="THERE", site=there)
        file = order(viewer, query="columns=asset_tag")
        viewer.sites.set([here])
        made(file)
        fetched = client_of(viewer).get(f"{FILES}{file.pk}/content/")
        assert fetched.getvalue() == b"asset_tag\r\nHERE\r\n"

    def test_who_sees_less_by_now_has_it_made_again(self, viewer: User) -> None:
        here = make_site()
        expiring(asset_tag="HERE", site=here)
        expiring(asset_tag="THERE")
        file = made(order(viewer, query="columns=asset_tag"))
        viewer.sites.set([here])
        client = client_of(viewer)
        sentence = "What you may see has changed since this file was made. Have it made again."
        answer = client.get(f"{FILES}{file.pk}/content/", follow=True)
        assert answer.redirect_chain == [(FILES, 302)]
        assert sentence in text(answer)
        assert "Out of date" in text(answer)
        client.post(f"{FILES}{file.pk}/again/")
        made(file)
        assert client.get(f"{FILES}{file.pk}/content/").getvalue() == b"asset_tag\r\nHERE\r\n"

    def test_who_may_no_longer_see_the_report_gets_none(self, technician: User) -> None:
        ready, waiting = order(technician, "sync-problems"), order(technician, "near-matches")
        made(ready)
        User.objects.filter(pk=technician.pk).update(role=Role.VIEWER)
        assert made(waiting).state == State.FAILED
        assert waiting.failure == "Whoever ordered this file may no longer see this report."
        client = client_of(User.objects.get(pk=technician.pk))
        page = text(client.get(f"{FILES}{ready.pk}/content/", follow=True))
        assert "You may no longer see this report." in page
        assert "Make again" not in page
        assert client.post(f"{FILES}{ready.pk}/again/").status_code == 403

    def test_nothing_is_made_for_who_may_no_longer_sign_in(self, viewer: User, folder: Path) -> None:
        file = order(viewer)
        User.objects.filter(pk=viewer.pk).update(is_active=False)
        assert made(file).state == State.FAILED
        assert not folder.exists() or not list(folder.iterdir())


@pytest.mark.parametrize("formula", ["=1+1", "+1-1", "-cmd|'/c calc'!A1", "@SUM(A1)", "\t=1+1"])
def test_no_cell_of_a_file_is_a_formula(viewer: User, formula: str) -> None:
    Device.objects.filter(pk=expiring().pk).update(name=formula)
    for format_name in ("csv", "xlsx"):
        file = made(order(viewer, query="columns=name", format_name=format_name))
        content = file.path.read_bytes()
        if format_name == "csv":
            assert next(csv.DictReader(io.StringIO(content.decode())))["name"] == f"'{formula}"
        else:
            cell = openpyxl.load_workbook(io.BytesIO(content)).active["A2"]
            assert (cell.data_type, cell.value.strip()) == ("s", formula.strip())


class TestMaking:
    @pytest.fixture(autouse=True)
    def devices(self) -> None:
        site = make_site()
        for number in range(3):
            make_device(asset_tag=f"T{number}", site=site)

    @pytest.fixture(params=FORMATS)
    def file(self, request: pytest.FixtureRequest, gate: Gate, administrator: User) -> Iterator[ReportFile]:
        return order(administrator, NAME, format_name=request.param)

    def test_progress_is_told_while_others_write(
        self, gate: Gate, file: ReportFile, administrator: User
    ) -> None:
        thread = gate.make()
        assert eventually(lambda: ReportFile.objects.filter(rows=3, rows_done=1).exists())
        make_device(asset_tag="T3")  # the read does not hold up who writes
        assert eventually(lambda: ReportFile.objects.get().lease_until > file.asked_at + timedelta(minutes=5))
        page = text(client_of(administrator).get(f"{FILES}{file.pk}/"))
        assert '<progress class="progress-line" value="1" max="3" aria-label="Rows written">' in page
        assert "1 of 3 rows" in page
        gate.let_go_on(thread)
        file.refresh_from_db()
        assert (file.state, file.rows, file.process) == (State.READY, 3, None)
        rows = table(file.path.read_bytes(), file.format)
        assert [row["asset_tag"] for row in rows] == ["T0", "T1", "T2"]

    def test_two_workers_never_make_the_same(self, gate: Gate, file: ReportFile) -> None:
        thread = gate.make()
        assert not make_due_file(Event())
        gate.let_go_on(thread)
        assert not make_due_file(Event())
        file.refresh_from_db()
        assert file.attempts == 1

    def test_a_worker_that_is_asked_to_end_gives_it_back(
        self, gate: Gate, file: ReportFile, folder: Path
    ) -> None:
        thread = gate.make()
        make_device(asset_tag="T3")  # on SQLite, what was read is old by now
        gate.stop.set()
        gate.let_go_on(thread)
        file.refresh_from_db()
        assert (file.state, file.attempts, file.folder) == (State.QUEUED, 0, "")
        assert list(folder.iterdir()) == []
        assert made(file).rows == 4

    def test_deleted_meanwhile_it_leaves_nothing(
        self, gate: Gate, file: ReportFile, folder: Path, administrator: User
    ) -> None:
        thread = gate.make()
        delete_file(file, actor=administrator.actor)
        gate.let_go_on(thread)
        assert not ReportFile.objects.exists()
        assert list(folder.iterdir()) == []

    def test_what_was_taken_over_is_the_other_ones(self, gate: Gate, file: ReportFile, folder: Path) -> None:
        """As if the first had been silent for long, on another host."""
        thread = gate.make()
        first = ReportFile.objects.get().folder
        ReportFile.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        while not make_due_file(Event()):  # its beat may just have come
            ReportFile.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        gate.let_go_on(thread)
        file.refresh_from_db()
        assert (file.state, file.attempts) == (State.READY, 2)
        assert [each.name for each in folder.iterdir()] == [file.folder]
        assert file.folder != first
        assert len(table(file.path.read_bytes(), file.format)) == 3

    def test_one_that_another_host_makes_is_left_to_it_while_it_is_heard_of(
        self, gate: Gate, file: ReportFile
    ) -> None:
        gate.opened.set()
        elsewhere = {"host": "elsewhere", "boot_id": "b", "process_id": 1, "started": "1"}
        soon = timezone.now() + timedelta(minutes=1)
        ReportFile.objects.update(state=State.MAKING, process=elsewhere, lease_until=soon)
        assert not make_due_file(Event())
        ReportFile.objects.update(lease_until=timezone.now())
        assert made(file).state == State.READY

    def test_what_ends_every_worker_is_not_begun_for_ever(self, file: ReportFile) -> None:
        ReportFile.objects.update(state=State.MAKING, attempts=MOST_ATTEMPTS, process=None)
        assert made(file).state == State.FAILED
        assert file.failure.startswith("Homeroom was ended each time that it made this file.")
        assert not make_due_file(Event())


def test_a_file_that_can_not_be_written_fails_in_words(viewer: User, folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_bytes(b"in the way")
    file = made(order(viewer))
    assert (file.state, file.failure) == (
        State.FAILED,
        "The file could not be written: perhaps the server's disk is full.",
    )


class TestSweep:
    def test_after_seven_days_a_file_is_gone(self, viewer: User, folder: Path) -> None:
        file, failed, waiting = (
            made(order(viewer)),
            order(viewer, query="days=1"),
            order(viewer, query="days=2"),
        )
        ReportFile.objects.filter(pk=failed.pk).update(state=State.FAILED)
        in_time = timezone.now() + timedelta(days=6, hours=23)
        assert forget_old_files(in_time) == 0
        assert file.path.exists()
        assert forget_old_files(in_time + timedelta(hours=2)) == 2 + 1
        assert list(ReportFile.objects.all()) == [waiting], "what waits is never forgotten"
        assert list(folder.iterdir()) == []

    def test_folders_that_no_row_speaks_of_are_removed(self, viewer: User, folder: Path) -> None:
        file = made(order(viewer))
        left = folder / ("0" * 32)
        left.mkdir()
        (left / "xlsx-half").write_bytes(b"half")
        assert forget_old_files(timezone.now()) == 1
        assert [each.name for each in folder.iterdir()] == [file.folder]


def test_a_worker_killed_in_the_middle_is_followed_by_one_that_makes_it_whole(
    viewer: User, tmp_path: Path, folder: Path
) -> None:
    many_without(12_000)
    surroundings = environment(tmp_path)
    file = order(viewer, WITHOUT, format_name="xlsx")
    order(viewer, WITHOUT, format_name="csv")
    with homeroom("worker", "--once", environment=surroundings) as process:
        assert eventually(lambda: any(folder.glob("*/xlsx-*/*")))
        process.kill()
        process.wait()
    file.refresh_from_db()
    assert file.state == State.MAKING, "killed before it was done"
    first = folder / file.folder
    assert first.exists()
    assert client_of(viewer).get(f"{FILES}{file.pk}/content/").status_code == 302, "no half file is offered"
    with homeroom("worker", "--once", environment=surroundings) as process:
        _out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    workbook, plain_text = ReportFile.objects.order_by("pk")
    assert (workbook.state, workbook.attempts, workbook.rows) == (State.READY, 2, 12_000)
    assert not first.exists()
    assert {each.name for each in folder.iterdir()} == {workbook.folder, plain_text.folder}
    page = client_of(viewer).get(f"/reports/mdm/{WITHOUT}/", {"format": "csv"}).getvalue()
    assert plain_text.path.read_bytes() == page
    assert table(workbook.path.read_bytes(), "xlsx") == table(page, "csv")
    order_again(workbook, viewer=viewer.viewer())
    assert not workbook.path.exists()
