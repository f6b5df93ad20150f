"""Lists as files, and files that come back."""

import csv
import io
import json
import re
from datetime import date, datetime
from decimal import Decimal
from html import unescape
from pathlib import Path

import openpyxl
import pytest
from django.db.models import Value
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeroom.accounts.policy import COMMAND_LINE_VIEWER, Role
from homeroom.applesync.models import SyncRun
from homeroom.insurance.models import InsuranceRecord
from homeroom.inventory.exports import columns
from homeroom.inventory.exports.formats import csv_chunks, header, json_chunks, rows, write_xlsx
from homeroom.inventory.exports.spreadsheets import guarded, unguarded
from homeroom.inventory.exports.views import export_response
from homeroom.inventory.imports.planning import Source
from homeroom.inventory.imports.verbs import plan_file
from homeroom.inventory.models import Assignment, Device, Person
from tests.applesync.mirrors import make_connection
from tests.builders import make_device, make_person, make_site, make_user

COLUMNS = [
    "asset_tag",
    "serial_number",
    "name",
    "manufacturer",
    "model",
    "product_family",
    "site",
    "status",
    "person",
    "purchase_date",
    "cost",
    "purchase_order",
    "funding_source",
    "notes",
    "replaces_serial",
]


def exported(noun: str = "devices") -> str:
    found = rows(noun, columns.noun_named(noun).rows(COMMAND_LINE_VIEWER), COMMAND_LINE_VIEWER)
    return "".join(csv_chunks(header(noun), found))


def test_devices_have_the_columns_that_files_have_in_both_directions(db: None):
    assert header("devices")[: len(COLUMNS)] == COLUMNS
    assert header("people") == ["external_id", "name", "email", "kind", "grade", "site", "active"]


def test_csv_json_and_xlsx_say_the_same(db: None, tmp_path: Path):
    site = make_site(name="Lincoln")
    device = make_device(
        site=site,
        asset_tag="0012",
        serial_number=None,
        cost=Decimal("329.00"),
        purchase_date=date(2025, 8, 1),
    )
    person = make_person(external_id="P7", site=site)
    Assignment.objects.create(device=device, person=person, started_at=timezone.now())
    names = header("devices")

    def found() -> list[list[object]]:
        return list(rows("devices", Device.objects.all(), COMMAND_LINE_VIEWER))

    from_csv = next(csv.DictReader(io.StringIO("".join(csv_chunks(names, found())), newline="")))
    from_json = json.loads("".join(json_chunks(names, found())))[0]
    with (tmp_path / "x.xlsx").open("wb") as file:
        write_xlsx(names, found(), file)
    sheet = openpyxl.load_workbook(tmp_path / "x.xlsx").active
    from_xlsx = dict(zip(names, [cell.value for cell in sheet[2]], strict=True))

    assert (from_csv["asset_tag"], from_csv["serial_number"], from_csv["cost"]) == ("0012", "", "329.00")
    assert (from_csv["site"], from_csv["person"], from_csv["purchase_date"]) == (
        "Lincoln",
        "P7",
        "2025-08-01",
    )
    assert (from_json["asset_tag"], from_json["serial_number"], from_json["cost"]) == ("0012", None, "329.00")
    assert (from_xlsx["asset_tag"], from_xlsx["serial_number"], from_xlsx["cost"]) == ("0012", None, 329)


@pytest.mark.parametrize(
    ("bought", "cell"),
    [
        (date(202, 8, 1), "0202-08-01"),
        (date(1899, 12, 31), "1899-12-31"),
        (date(1900, 1, 1), datetime(1900, 1, 1)),
    ],
)
def test_a_day_that_excel_does_not_know_is_told_as_text(
    as_viewer: Client, bought: date, cell: str | datetime
):
    make_device(purchase_date=bought)
    answer = as_viewer.get("/devices/", {"format": "xlsx"})
    sheet = openpyxl.load_workbook(io.BytesIO(answer.getvalue())).active
    names = [each.value for each in sheet[1]]
    assert sheet[2][names.index("purchase_date")].value == cell


def test_nothing_to_export_is_a_header_or_an_empty_list(db: None):
    assert "".join(csv_chunks(["a"], [])) == "a\r\n"
    assert json.loads("".join(json_chunks(["a"], []))) == []


@pytest.mark.parametrize(
    "text", ["=1+1", "+A1", "-A1", "@SUM", "\t=1", "\r=1", " =1", "=cmd|' /C calc'!A0", "\uff1d1"]
)
def test_text_that_a_spreadsheet_would_calculate_is_guarded(text: str):
    assert guarded(text) == "'" + text


@pytest.mark.parametrize("text", ["-5", "+5.50", "C02X", "o'clock", "a=b", ""])
def test_other_text_is_left_alone(text: str):
    assert guarded(text) == text


@given(text=st.text(alphabet=st.sampled_from("'=+-@\t\r\n \uff1d5a."), max_size=6))
def test_the_guard_is_taken_back_exactly(text: str):
    assert unguarded(guarded(text)) == text


typed = st.text(
    alphabet=st.one_of(
        st.sampled_from("'=+-@\t\r\n ;,\"0"), st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    serial=typed.filter(lambda text: text.strip()),
    name=typed,
    notes=typed,
    cost=st.none() | st.decimals(0, 10**9, places=2),
)
def test_an_export_comes_back_to_no_change(
    db: None, tmp_path: Path, serial: str, name: str, notes: str, cost: Decimal | None
):
    Device.objects.all().delete()
    make_device(serial_number=serial.strip(), name=name, notes=notes, cost=cost)
    names = header("devices")
    with (tmp_path / "x.csv").open("w", encoding="utf-8", newline="") as file:
        file.write(exported())
    with (tmp_path / "x.xlsx").open("wb") as workbook:
        write_xlsx(names, rows("devices", Device.objects.all(), COMMAND_LINE_VIEWER), workbook)
    for path in (tmp_path / "x.csv", tmp_path / "x.xlsx"):
        tally = plan_file(Source(path, "devices"), COMMAND_LINE_VIEWER)
        assert (tally.unchanged, tally.problems) == (1, []), path.suffix


def test_people_come_back_to_no_change(db: None, tmp_path: Path):
    make_person(name="=Ada", email="ada@district.test", active=False, kind=Person.Kind.STAFF)
    (tmp_path / "people.csv").write_text(exported("people"), newline="")
    tally = plan_file(Source(tmp_path / "people.csv", "people"), COMMAND_LINE_VIEWER)
    assert tally.counts() == {"created": 0, "updated": 0, "unchanged": 1, "refused": 0}


def test_a_list_is_exported_as_shown(db: None):
    make_device(serial_number="SHOWN", name="b")
    make_device(serial_number="HIDDEN", name="a")
    response = export_response("devices", Device.objects.filter(name="b"), COMMAND_LINE_VIEWER, "csv")
    text = b"".join(response.streaming_content).decode()
    assert "SHOWN" in text
    assert "HIDDEN" not in text
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="devices-' in response["Content-Disposition"]


def test_a_long_list_is_not_made_into_a_workbook_while_somebody_waits(db: None):
    site, status = make_site(), make_device().status
    Device.objects.bulk_create(Device(serial_number=f"C{n}", site=site, status=status) for n in range(20_000))
    response = export_response("devices", Device.objects.all(), COMMAND_LINE_VIEWER, "xlsx")
    assert response.status_code == 422
    assert "Choose CSV" in response.content.decode()


def test_a_short_list_is_a_workbook(db: None):
    make_device(serial_number="C02X")
    response = export_response("devices", Device.objects.all(), COMMAND_LINE_VIEWER, "xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content))).active
    assert sheet["B2"].value == "C02X"
    response.close()


def test_an_unknown_format_is_not_found(db: None):
    assert export_response("devices", Device.objects.all(), COMMAND_LINE_VIEWER, "pdf").status_code == 404


def test_a_higher_app_adds_columns_behind_those_of_lower_order(db: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        columns, "_additions", {name: list(all_) for name, all_ in columns._additions.items()}
    )
    later = columns.ExportColumn("later", "export_later")
    sooner = columns.ExportColumn("sooner", "name", convert=lambda name: name.upper())
    columns.register_columns(
        "devices",
        [later],
        annotate=lambda devices, _viewer: devices.annotate(export_later=Value("x")),
        order=900,
    )
    columns.register_columns("devices", [sooner], order=800)
    make_device(name="iPad")
    assert header("devices")[-2:] == ["sooner", "later"]
    assert next(iter(rows("devices", Device.objects.all(), COMMAND_LINE_VIEWER)))[-2:] == ["IPAD", "x"]


def test_an_export_holds_only_what_the_viewer_sees(db: None):
    ours, theirs = make_site(), make_site()
    make_device(serial_number="OURS", site=ours)
    make_device(serial_number="THEIRS", site=theirs)
    make_person(site=theirs)
    viewer = make_user(Role.VIEWER, sites=(ours,)).viewer()
    assert [one.serial_number for one in columns.noun_named("devices").rows(viewer)] == ["OURS"]
    assert not columns.noun_named("people").rows(viewer).exists()


@pytest.mark.parametrize("address", ["/devices/", "/people/", "/sites/", "/insurance/", "/syncs/"])
def test_every_list_is_downloaded_by_the_links_that_it_shows(as_administrator: Client, address: str):
    site = make_site()
    run = SyncRun(connection=make_connection(), state=SyncRun.State.SUCCEEDED)
    run.save()
    make_person(site=site)
    InsuranceRecord.objects.create(device=make_device(site=site), provider="District")
    page = as_administrator.get(address, {"sort": "-id"}).content.decode()
    links = [unescape(link) for link in re.findall(r'href="([^"]*format=[^"]*)"', page)]
    assert [link.partition("format=")[2] for link in links] == ["csv", "xlsx", "json"]
    for link in links:
        answer = as_administrator.get(address + link)
        assert answer.status_code == 200
        assert b"".join(answer.streaming_content)


def test_a_download_has_the_order_of_the_list(as_viewer: Client):
    device = make_device()
    for ends, plan in (("2027-01-01", "b"), ("2028-01-01", "c"), ("2026-01-01", "a")):
        InsuranceRecord.objects.create(device=device, provider="District", plan=plan, ends=ends)

    def plans(order: str) -> list[str]:
        answer = as_viewer.get("/insurance/", {"format": "json", "sort": order})
        return [row["plan"] for row in json.loads(b"".join(answer.streaming_content))]

    assert plans("ends") == ["a", "b", "c"]
    assert plans("-plan") == ["c", "b", "a"]
    assert plans("") == ["c", "b", "a"]


def test_a_column_is_added_to_a_noun_once():
    with pytest.raises(LookupError, match="incidents have replacement_serial already"):
        columns.register_columns("incidents", [columns.ExportColumn("replacement_serial")])
