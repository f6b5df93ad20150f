"""What people see of coverage, and who may enter insurance of their own."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from django.test import Client
from django.urls import reverse

from homeroom.accounts.policy import Role
from homeroom.audit.actors import COMMAND_LINE
from homeroom.config.commands.exports import export
from homeroom.insurance import verbs
from homeroom.insurance.models import InsuranceRecord, Kind
from homeroom.insurance.queries import today
from homeroom.insurance.rules import FailedCheck
from homeroom.inventory.models import Device
from tests.builders import make_device, make_site, make_user
from tests.insurance.records import answered, apple_coverage, make_synced_record

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
RECORDS = reverse("insurance:records")


def manual(device: Device, **values: object) -> InsuranceRecord:
    return verbs.create_insurance(device, actor=COMMAND_LINE, **{"provider": "District"} | values)


def profile(client: Client, device: Device) -> str:
    return client.get(device.get_absolute_url()).content.decode()


def listed(client: Client, **chosen: str) -> set[str]:
    page = client.get(RECORDS, chosen)
    assert page.status_code == 200
    return {str(row.record.device.asset_tag) for row in page.context["table"].rows}


def exported(noun: str) -> list[dict[str, str | None]]:
    done = CliRunner().invoke(export, [noun, "--format", "json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    rows: list[dict[str, str | None]] = json.loads(done.stdout)
    return rows


def test_a_profile_says_covered_ended_none_and_not_known_in_different_words(as_viewer: Client) -> None:
    shapes = {
        "Covered until": [apple_coverage(), apple_coverage("w", kind=Kind.LIMITED_WARRANTY)],
        "Covered, no end date": [apple_coverage(ends=None)],
        "Ended on": [apple_coverage(ends=today() - DAY)],
        "Checked: none": [],
    }
    for words, coverages in shapes.items():
        device = make_device()
        answered(device, *coverages)
        assert words in profile(as_viewer, device)
        assert "Not known" not in profile(as_viewer, device)
    unasked = profile(as_viewer, make_device())
    assert "Not known" in unasked
    assert "Checked: none" not in unasked


def test_a_failed_check_shows_why_and_never_reads_as_none(as_viewer: Client) -> None:
    device = make_device()
    answered(device)
    verbs.record_failed_checks([FailedCheck(device.pk, datetime.now(UTC), "Apple is out of order.")])
    page = profile(as_viewer, device)
    assert "The last check failed" in page
    assert "Apple is out of order." in page
    assert "Not known" in page
    assert "Checked: none" not in page


def test_a_synced_record_bears_its_mark_and_says_where_it_is_changed(as_technician: Client) -> None:
    device = make_device()
    record = make_synced_record(device)
    own = manual(device)
    page = profile(as_technician, device)
    assert "AppleCare sync" in page
    assert "are changed in Apple School Manager" in page
    assert reverse("insurance:edit", args=[record.pk]) not in page
    assert reverse("insurance:edit", args=[own.pk]) in page


def test_a_viewer_is_offered_no_form(as_viewer: Client) -> None:
    device = make_device()
    own = manual(device)
    page = profile(as_viewer, device)
    assert reverse("insurance:new", args=[device.pk]) not in page
    assert reverse("insurance:edit", args=[own.pk]) not in page


def test_a_technician_adds_edits_and_deletes_insurance(as_technician: Client) -> None:
    device = make_device()
    values = {"provider": "District", "kind": "other", "starts": "2026-08-01", "ends": "2027-07-31"}
    added = as_technician.post(reverse("insurance:new", args=[device.pk]), values)
    assert added.headers["Location"] == device.get_absolute_url()
    record = InsuranceRecord.objects.get()

    as_technician.post(reverse("insurance:edit", args=[record.pk]), values | {"plan": "Gold"})
    assert InsuranceRecord.objects.get().plan == "Gold"

    assert as_technician.get(reverse("insurance:delete", args=[record.pk])).status_code == 405
    as_technician.post(reverse("insurance:delete", args=[record.pk]))
    assert not InsuranceRecord.objects.exists()


def test_a_form_that_is_refused_keeps_what_was_typed_and_says_why(as_technician: Client) -> None:
    device = make_device()
    page = as_technician.post(
        reverse("insurance:new", args=[device.pk]),
        {"provider": "Acme Cover", "kind": "other", "starts": "2026-08-02", "ends": "2026-08-01"},
    )
    assert "Cover can&#x27;t end before it starts." in page.content.decode()
    assert "Acme Cover" in page.content.decode()
    assert not InsuranceRecord.objects.exists()


def test_a_technician_of_another_site_neither_sees_nor_touches_it(client: Client) -> None:
    record = manual(make_device())
    client.force_login(make_user(Role.TECHNICIAN, sites=(make_site(),)))
    assert listed(client) == set()
    for name, pk in (("new", record.device_id), ("edit", record.pk), ("delete", record.pk)):
        assert client.post(reverse(f"insurance:{name}", args=[pk]), {"provider": "x"}).status_code == 404
    assert InsuranceRecord.objects.get().provider == "District"


def test_the_list_is_filtered_by_kind_source_status_and_words(as_viewer: Client) -> None:
    site = make_site()

    def device(tag: str) -> Device:
        return make_device(asset_tag=tag, serial_number=f"SN-{tag}", site=site)

    make_synced_record(device("synced"), agreement_number="AG-77")
    manual(device("ended"), ends=today() - DAY)
    manual(device("cancelled"), cancelled_on=today())
    manual(device("upcoming"), starts=today() + DAY, kind=Kind.LIMITED_WARRANTY)

    assert listed(as_viewer) == {"synced", "ended", "cancelled", "upcoming"}
    assert listed(as_viewer, kind="limited_warranty") == {"upcoming"}
    assert listed(as_viewer, source="applecare_sync") == {"synced"}
    for status, tag in (("active", "synced"), *((name, name) for name in ("ended", "cancelled", "upcoming"))):
        assert listed(as_viewer, status=status) == {tag}
    for words in ("ag-77", "SN-syn", " synced "):
        assert listed(as_viewer, q=words) == {"synced"}


def test_an_empty_list_says_so(as_viewer: Client) -> None:
    assert "No insurance record fits." in as_viewer.get(RECORDS).content.decode()


def test_insurance_is_exported_with_its_status() -> None:
    device = make_device(asset_tag="T1", serial_number="S1")
    make_synced_record(device, ends=None, agreement_number="AG-77")
    [row] = exported("insurance")
    assert row == {
        "serial_number": "S1",
        "asset_tag": "T1",
        "provider": "Apple",
        "plan": "AppleCare+",
        "kind": "applecare",
        "agreement_number": "AG-77",
        "starts": (today() - 100 * DAY).isoformat(),
        "ends": None,
        "cancelled_on": None,
        "source": "applecare_sync",
        "status": "active",
    }


def test_devices_are_exported_with_their_coverage() -> None:
    ends = today() - DAY
    answered(
        make_device(), apple_coverage(ends=ends), apple_coverage("w", kind=Kind.LIMITED_WARRANTY, ends=None)
    )
    [row] = exported("devices")
    shown = {name: row[name] for name in ("coverage", "coverage_ends", "warranty", "warranty_ends")}
    assert shown == {
        "coverage": "ended",
        "coverage_ends": ends.isoformat(),
        "warranty": "covered",
        "warranty_ends": None,
    }
