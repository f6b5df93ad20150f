"""What a devices file does to the inventory."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection

from homeroom.accounts.policy import Role
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.inventory.models import Assignment, Device, DeviceStatus, ImportJob, Site
from homeroom.inventory.verbs.devices import mark_replaced_by_applecare
from tests.builders import make_device, make_person, make_site, make_status, make_user
from tests.inventory.files import bring_in, sentences, write_csv, write_xlsx

pytestmark = pytest.mark.django_db

HEADER = ("serial_number", "asset_tag", "name")


@pytest.fixture
def lincoln() -> Site:
    return make_site(name="Lincoln")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "devices.csv"


def the_system_status() -> DeviceStatus:
    return DeviceStatus.objects.create(
        name="Replaced by AppleCare",
        kind=DeviceStatus.Kind.RETIRED,
        system_key=DeviceStatus.SystemKey.REPLACED_BY_APPLECARE,
    )


def test_it_creates_a_device_from_each_row(file: Path, lincoln: Site):
    tally = bring_in(write_csv(file, HEADER, ("C02X", "0012", "iPad 12")))
    assert tally.counts() == {"created": 1, "updated": 0, "unchanged": 0, "refused": 0}
    device = Device.objects.get()
    assert (device.serial_number, device.asset_tag, device.name) == ("C02X", "0012", "iPad 12")
    assert (device.site, device.status.name) == (lincoln, "In service")


def test_it_reads_every_writable_column_in_any_order(file: Path, lincoln: Site):
    person = make_person(external_id="P7", site=lincoln)
    make_status("In storage", kind=DeviceStatus.Kind.IN_STORAGE)
    columns = {
        "notes": "Cracked corner",
        "replaces_serial": "OLD1",
        "funding_source": "Title I",
        "purchase_order": "PO-9",
        "cost": "$1,299.00",
        "purchase_date": "2025-08-01",
        "person": "P7",
        "status": "in storage",
        "site": "lincoln",
        "product_family": "ipad",
        "model": "iPad (10th generation)",
        "manufacturer": "Apple",
        "name": "iPad 12",
        "serial_number": "C02X",
        "asset_tag": "0012",
    }
    bring_in(write_csv(file, list(columns), list(columns.values())))
    device = Device.objects.get()
    assert (device.cost, device.purchase_date) == (Decimal("1299.00"), date(2025, 8, 1))
    assert (device.site, device.status.name, device.product_family) == (lincoln, "In storage", "iPad")
    assert (device.notes, device.replaces_serial) == ("Cracked corner", "OLD1")
    assert (device.funding_source, device.purchase_order) == ("Title I", "PO-9")
    assert Assignment.objects.get().person == person


def test_it_finds_a_device_by_serial_number_and_changes_only_what_the_file_brings(file: Path):
    device = make_device(serial_number="C02X", asset_tag="0012", name="Old", notes="Keep me")
    tally = bring_in(write_csv(file, ("serial_number", "name"), ("C02X", "New")))
    assert tally.counts() == {"created": 0, "updated": 1, "unchanged": 0, "refused": 0}
    changed = Device.objects.get()
    assert (changed.pk, changed.name, changed.notes, changed.asset_tag) == (
        device.pk,
        "New",
        "Keep me",
        "0012",
    )
    assert changed.created_at == device.created_at


def test_it_finds_a_device_by_asset_tag_and_learns_its_serial_number(file: Path):
    make_device(serial_number=None, asset_tag="0012")
    bring_in(write_csv(file, HEADER, ("C02X", "0012", "iPad")))
    assert Device.objects.get().serial_number == "C02X"


def test_it_gives_a_device_found_by_serial_number_a_new_asset_tag(file: Path):
    make_device(serial_number="C02X", asset_tag="0012")
    bring_in(write_csv(file, ("serial_number", "asset_tag"), ("C02X", "0099")))
    assert Device.objects.get().asset_tag == "0099"


def test_it_changes_nothing_when_the_file_says_what_is_known(file: Path):
    make_device(serial_number="C02X", asset_tag="0012", name="iPad")
    tally = bring_in(write_csv(file, HEADER, ("C02X", "0012", "iPad")))
    assert tally.unchanged == 1


def test_an_empty_cell_clears_a_value_but_never_identity_site_or_status(file: Path):
    device = make_device(serial_number="C02X", asset_tag="0012", name="iPad", cost=Decimal(5))
    header = ("serial_number", "asset_tag", "name", "cost", "site", "status")
    bring_in(write_csv(file, header, ("C02X", "", "", "", "", "")))
    changed = Device.objects.get()
    assert (changed.name, changed.cost) == ("", None)
    assert (changed.asset_tag, changed.site, changed.status) == ("0012", device.site, device.status)


def test_serial_numbers_and_tags_stay_as_typed_but_for_white_space_around_them(file: Path, lincoln: Site):
    bring_in(write_csv(file, HEADER, ("  c02 x  ", "00012", "")))
    device = Device.objects.get()
    assert (device.serial_number, device.asset_tag) == ("c02 x", "00012")


def test_numbers_in_a_workbook_become_plain_text(tmp_path: Path, lincoln: Site):
    path = write_xlsx(
        tmp_path / "devices.xlsx",
        ("serial_number", "asset_tag", "purchase_date"),
        (12345.0, 77, date(2025, 8, 1)),
    )
    bring_in(path)
    device = Device.objects.get()
    assert (device.serial_number, device.asset_tag) == ("12345", "77")
    assert device.purchase_date == date(2025, 8, 1)


def test_a_serial_number_and_a_tag_of_two_devices_refuse_the_row(file: Path):
    make_device(serial_number="A", asset_tag="1")
    make_device(serial_number="B", asset_tag="2")
    tally = bring_in(write_csv(file, HEADER, ("A", "2", "")))
    assert sentences(tally) == [(2, "asset_tag", "Asset tag 2 belongs to the device with serial number B.")]


def test_a_tag_of_a_device_with_another_serial_number_refuses_the_row(file: Path):
    make_device(serial_number="B", asset_tag="2")
    tally = bring_in(write_csv(file, HEADER, ("NEW", "2", "")))
    assert tally.refused == 1
    assert Device.objects.count() == 1


def test_one_refused_row_keeps_all_of_the_file_out(file: Path, lincoln: Site):
    rows = [(f"C{number}", "", "") for number in range(2500)]
    header = (*HEADER, "purchase_date")
    tally = bring_in(write_csv(file, header, *((*row, "") for row in rows), ("LAST", "", "", "soon")))
    assert tally.counts() == {"created": 2500, "updated": 0, "unchanged": 0, "refused": 1}
    assert sentences(tally) == [(2502, "purchase_date", "“soon” is not a date. Write it like 2026-03-14.")]
    assert not Device.objects.exists()
    assert not ImportJob.objects.exists()


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("purchase_date", "2026-02-30", "“2026-02-30” is not a date. Write it like 2026-03-14."),
        (
            "purchase_date",
            "3/4/2026",
            "“3/4/2026” can mean two days. Say what comes first, or write it like 2026-03-14.",
        ),
        ("cost", "a lot", "“a lot” is not a cost. Write it like 329.00."),
        ("cost", "-5", "“-5” is not a cost. Write it like 329.00."),
        ("cost", "NaN", "“NaN” is not a cost. Write it like 329.00."),
        ("cost", "99999999999.00", "“99999999999.00” is more than a cost can be."),
        ("name", "x" * 201, "The value has 201 characters; at most 200 fit."),
        ("site", "Nowhere", "There is no site “Nowhere”. Add it, or choose to add sites that are new."),
        ("status", "Napping", "There is no device status “Napping”."),
        ("person", "Nobody", "There is no person “Nobody” at your sites."),
        ("name", "#REF!", "The cell holds a spreadsheet error (#REF!)."),
    ],
)
def test_a_bad_value_refuses_the_row_and_says_why(
    file: Path, lincoln: Site, column: str, value: str, sentence: str
):
    tally = bring_in(write_csv(file, ("serial_number", column), ("C02X", value)))
    assert sentences(tally) == [(2, column, sentence)]


def test_a_number_that_a_spreadsheet_has_shortened_refuses_the_row(file: Path, lincoln: Site):
    tally = bring_in(write_csv(file, ("serial_number",), ("1.23457E+11",)))
    assert tally.refused == 1


def test_an_unknown_product_family_names_the_known_ones(file: Path, lincoln: Site):
    tally = bring_in(write_csv(file, ("serial_number", "product_family"), ("C02X", "Toaster")))
    assert "iPad, iPhone, Mac" in tally.problems[0].problem


def test_a_row_without_identity_is_refused(file: Path, lincoln: Site):
    tally = bring_in(write_csv(file, HEADER, ("", "", "A nameless iPad")))
    assert sentences(tally) == [(2, "", "The row has neither a serial number nor an asset tag.")]


def test_a_serial_number_or_tag_that_comes_twice_is_refused(file: Path, lincoln: Site):
    tally = bring_in(write_csv(file, HEADER, ("A", "1", ""), ("A", "2", ""), ("B", "1", "")))
    assert sentences(tally) == [
        (3, "serial_number", "“A” is in row 2 already."),
        (4, "asset_tag", "“1” is in row 2 already."),
    ]


def test_two_rows_about_one_device_are_refused_however_they_name_it(file: Path):
    make_device(serial_number="A", asset_tag="1")
    tally = bring_in(write_csv(file, HEADER, ("A", "", "x"), ("", "1", "y")))
    assert sentences(tally) == [(3, "", "Row 2 is about the same one already.")]


def test_cells_beyond_the_header_refuse_the_row(file: Path, lincoln: Site):
    file.write_text("serial_number,notes\nA,one,two\n")
    assert bring_in(file).refused == 1


def test_blank_rows_are_passed_over_and_rows_are_counted_as_a_spreadsheet_does(file: Path, lincoln: Site):
    file.write_text('serial_number,notes\n"A","two\nlines"\n\n,\nB,"x"\n"A",""\n')
    assert sentences(bring_in(file)) == [(6, "serial_number", "“A” is in row 2 already.")]


def test_the_system_status_is_never_entered(file: Path):
    the_system_status()
    make_device(serial_number="A")
    tally = bring_in(write_csv(file, ("serial_number", "status"), ("A", "Replaced by AppleCare")))
    assert sentences(tally) == [(2, "status", "This status is set by the AppleCare integration alone.")]


def test_a_device_in_the_system_status_can_be_changed_otherwise(file: Path):
    status = the_system_status()
    mark_replaced_by_applecare(make_device(serial_number="A"), actor=COMMAND_LINE)
    header = ("serial_number", "status", "notes")
    assert bring_in(write_csv(file, header, ("A", "Replaced by AppleCare", "Kept for parts"))).updated == 1
    assert Device.objects.get().status == status


def test_a_person_is_found_by_external_id_email_or_name(file: Path, lincoln: Site):
    ada = make_person(external_id="P1", name="Ada Byron", email="Ada@district.test", site=lincoln)
    header = ("serial_number", "person")
    bring_in(write_csv(file, header, ("A", "P1"), ("B", "ADA@District.test"), ("C", "Ada Byron")))
    assert [one.person for one in Assignment.objects.all()] == [ada] * 3


def test_a_name_that_two_people_have_is_refused(file: Path, lincoln: Site):
    make_person(name="Sam Lee", site=lincoln)
    make_person(name="Sam Lee", site=lincoln)
    tally = bring_in(write_csv(file, ("serial_number", "person"), ("A", "Sam Lee")))
    assert "Several people are called “Sam Lee”" in tally.problems[0].problem


def test_an_inactive_person_gets_nothing(file: Path, lincoln: Site):
    make_person(external_id="P1", name="Gone", active=False, site=lincoln)
    tally = bring_in(write_csv(file, ("serial_number", "person"), ("A", "P1")))
    assert sentences(tally) == [(2, "person", "Gone is not active.")]


def test_a_retired_device_is_handed_to_nobody(file: Path, lincoln: Site):
    make_status("Retired", kind=DeviceStatus.Kind.RETIRED)
    make_person(external_id="P1", site=lincoln)
    tally = bring_in(write_csv(file, ("serial_number", "status", "person"), ("A", "Retired", "P1")))
    assert sentences(tally) == [(2, "person", "A device that is retired (Retired) goes to nobody.")]


def test_a_new_person_ends_the_assignment_before_and_keeps_it_as_history(file: Path, lincoln: Site):
    device = make_device(serial_number="A", site=lincoln)
    before, after = make_person(external_id="P1", site=lincoln), make_person(external_id="P2", site=lincoln)
    bring_in(write_csv(file, ("serial_number", "person"), ("A", "P1")))
    bring_in(write_csv(file, ("serial_number", "person"), ("A", "P2")))
    history = device.assignments.order_by("pk")
    assert [one.person for one in history] == [before, after]
    assert [one.ended_at is None for one in history] == [False, True]


def test_an_empty_person_checks_the_device_in_and_a_missing_column_does_not(file: Path, lincoln: Site):
    make_device(serial_number="A", site=lincoln)
    make_person(external_id="P1", site=lincoln)
    bring_in(write_csv(file, ("serial_number", "person"), ("A", "P1")))
    bring_in(write_csv(file, ("serial_number", "notes"), ("A", "x")))
    assert Assignment.objects.filter(ended_at=None).exists()
    bring_in(write_csv(file, ("serial_number", "person"), ("A", "")))
    assert not Assignment.objects.filter(ended_at=None).exists()


def test_new_sites_are_added_when_asked_for(file: Path, lincoln: Site):
    rows = (("A", "Adams"), ("B", "adams"), ("C", "Lincoln"))
    tally = bring_in(write_csv(file, ("serial_number", "site"), *rows), create_sites=True)
    assert tally.new_sites == ["Adams"]
    assert Device.objects.filter(site__name="Adams").count() == 2


def test_the_first_import_of_an_empty_installation_brings_its_sites(file: Path):
    bring_in(write_csv(file, ("serial_number", "site"), ("A", "Adams"), ("B", "Brown")))
    assert set(Site.objects.values_list("name", flat=True)) == {"Adams", "Brown"}


def test_a_new_device_needs_a_site_where_there_are_several(file: Path, lincoln: Site):
    make_site(name="Adams")
    tally = bring_in(write_csv(file, HEADER, ("A", "", "")))
    assert sentences(tally) == [(2, "", "A new row needs a site.")]


def test_a_technician_of_one_school_imports_into_that_school_only(file: Path, lincoln: Site):
    adams = make_site(name="Adams")
    make_device(serial_number="THEIRS", site=adams)
    viewer = make_user(Role.TECHNICIAN, sites=(lincoln,)).viewer()
    rows = (("THEIRS", ""), ("NEW", "Adams"), ("OURS", ""))
    tally = bring_in(write_csv(file, ("serial_number", "site"), *rows), viewer=viewer, create_sites=True)
    assert tally.created == 1
    assert sentences(tally) == [
        (2, "", "This device belongs to Adams, which is not one of your sites."),
        (3, "site", "This is not one of your sites."),
    ]


def test_a_file_tells_nothing_of_another_schools_device_but_where_it_belongs(file: Path, lincoln: Site):
    adams, lost = make_site(name="Adams"), make_status("Lost", kind=DeviceStatus.Kind.RETIRED)
    make_device(serial_number="THEIRSERIAL", asset_tag="THEIRS", site=adams, status=lost)
    pupil = make_person(site=lincoln)
    viewer = make_user(Role.TECHNICIAN, sites=(lincoln,)).viewer()
    rows = (("NEW", "THEIRS", pupil.external_id), ("", "THEIRS", pupil.external_id))
    write_csv(file, ("serial_number", "asset_tag", "person"), *rows)
    told = sentences(bring_in(file, viewer=viewer))
    assert [(row, column) for row, column, _sentence in told] == [
        (2, "asset_tag"),
        (2, ""),
        (3, ""),
        (3, "asset_tag"),
    ]
    told_of_it = " ".join(sentence for _row, _column, sentence in told)
    assert "Adams" in told_of_it
    assert "THEIRSERIAL" not in told_of_it
    assert "Lost" not in told_of_it


def test_one_audit_entry_tells_of_the_whole_batch(file: Path, lincoln: Site):
    bring_in(write_csv(file, HEADER, ("A", "", ""), ("B", "", "")))
    entry = Entry.objects.get(action="devices.imported")
    assert (entry.after["created"], entry.after["file"]) == (2, "devices.csv")


def test_a_date_order_that_is_named_settles_what_a_date_means(file: Path, lincoln: Site):
    write_csv(file, ("serial_number", "purchase_date"), ("A", "3/4/2026"))
    bring_in(file, date_order="month-first")
    assert Device.objects.get().purchase_date == date(2026, 3, 4)
    bring_in(file, date_order="day-first")
    assert Device.objects.get().purchase_date == date(2026, 4, 3)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite plans without statistics")
def test_while_a_large_file_is_written_the_database_learns_that_its_table_grows(tmp_path: Path):
    make_site(name="North")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE inventory_device")
        file = write_csv(
            tmp_path / "many.csv",
            ("serial_number", "site"),
            *((f"GROWING{number}", "North") for number in range(1_000)),
        )
        assert bring_in(file).created == 1_000
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'inventory_device'")
        assert cursor.fetchone()[0] >= 1_000
