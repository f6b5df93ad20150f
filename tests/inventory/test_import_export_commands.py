"""`homeroom import` and `homeroom export`."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from homeroom.config.commands.exports import export
from homeroom.inventory.commands import import_
from homeroom.inventory.models import Device, Person
from tests.builders import make_device, make_site
from tests.inventory.files import write_csv

pytestmark = pytest.mark.django_db


def run(command, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    make_site()
    return write_csv(
        tmp_path / "x.csv", ("serial_number", "cost", "Colour"), ("A", "5", "red"), ("B", "6", "blue")
    )


def test_a_dry_run_says_what_would_happen_and_writes_nothing(file: Path):
    result = run(import_, "devices", file, "--dry-run", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "refused": 0,
        "problems": [],
        "applied": False,
    }
    assert "Columns that are not known and were ignored: Colour." in result.stderr
    assert not Device.objects.exists()


def test_it_applies(file: Path):
    result = run(import_, "devices", file, "--json")
    assert (result.exit_code, json.loads(result.stdout)["applied"]) == (0, True)
    assert Device.objects.count() == 2


def test_without_json_stdout_stays_empty(file: Path):
    result = run(import_, "devices", file)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Applied: 2 created" in result.stderr


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_a_refused_row_exits_1_and_tells_where_and_why(file: Path, dry_run: list[str]):
    write_csv(file, ("serial_number", "cost"), ("A", "5"), ("B", "much"))
    result = run(import_, "devices", file, "--json", *dry_run)
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["problems"] == [
        {"row": 3, "column": "cost", "problem": "“much” is not a cost. Write it like 329.00."}
    ]
    assert (document["refused"], document["applied"]) == (1, False)
    assert "Row 3, cost: “much” is not a cost." in result.stderr
    assert not Device.objects.exists()


def test_a_file_that_cannot_be_used_exits_1_with_a_sentence(tmp_path: Path):
    path = write_csv(tmp_path / "x.csv", ("Colour", "Size"), ("red", "5"))
    result = run(import_, "devices", path)
    assert result.exit_code == 1
    assert "no column for: Asset tag or Serial number" in result.stderr


def test_a_missing_file_is_wrong_use(tmp_path: Path):
    assert run(import_, "devices", tmp_path / "none.csv").exit_code == 2


def test_people_come_the_same_way(tmp_path: Path):
    make_site()
    path = write_csv(tmp_path / "x.csv", ("external_id", "name"), ("1", "Ada"))
    assert run(import_, "people", path).exit_code == 0
    assert Person.objects.get().name == "Ada"


def test_sites_are_added_when_asked_for(tmp_path: Path):
    make_site()
    path = write_csv(tmp_path / "x.csv", ("serial_number", "site"), ("A", "New"))
    assert run(import_, "devices", path).exit_code == 1
    result = run(import_, "devices", path, "--create-sites")
    assert result.exit_code == 0
    assert "New sites: New." in result.stderr


def test_an_export_goes_to_stdout():
    make_device(serial_number="C02X")
    result = run(export, "devices")
    assert [row["serial_number"] for row in csv.DictReader(io.StringIO(result.stdout))] == ["C02X"]


@pytest.mark.parametrize("format_name", ["csv", "json", "xlsx"])
def test_an_export_goes_to_a_file(tmp_path: Path, format_name: str):
    make_device(serial_number="C02X")
    path = tmp_path / f"devices.{format_name}"
    result = run(export, "devices", "--format", format_name, "--output", path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert path.stat().st_size > 0
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_what_is_exported_can_be_imported_to_no_change(tmp_path: Path):
    make_device(serial_number="C02X", name="=1+1")
    run(export, "devices", "--output", tmp_path / "x.csv")
    result = run(import_, "devices", tmp_path / "x.csv", "--json")
    assert json.loads(result.stdout)["unchanged"] == 1


def test_an_unknown_noun_is_wrong_use_and_names_the_known_ones():
    result = run(export, "pencils")
    assert result.exit_code == 2
    assert "devices" in result.stderr


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path):
    result = run(export, "devices", "--output", tmp_path / "none" / "x.csv")
    assert result.exit_code == 1
    assert "can't be written" in result.stderr
