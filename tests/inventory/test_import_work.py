"""The worker's side: claimed once, taken over when left behind, and never half done."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from homeroom.accounts.models import User
from homeroom.accounts.policy import COMMAND_LINE_VIEWER, Role
from homeroom.audit.models import Entry
from homeroom.inventory.imports import verbs, work
from homeroom.inventory.imports.planning import Source
from homeroom.inventory.imports.work import take_up_due_import
from homeroom.inventory.models import Device, ImportJob, ImportRow
from homeroom.processes import Owner, this_process
from tests.builders import make_device, make_site
from tests.inventory.files import bring_in, csv_text, write_csv, write_xlsx

State = ImportJob.State


@pytest.fixture(autouse=True)
def media(settings, tmp_path: Path):
    settings.MEDIA_ROOT = tmp_path / "files"


def make_job(user: User, tmp_path: Path, *rows: tuple[str, ...]) -> ImportJob:
    path = write_csv(tmp_path / "x.csv", ("serial_number", "name"), *(rows or (("A", "x"),)))
    with path.open("rb") as file:
        job = verbs.upload(file, noun="devices", file_name="x.csv", size=10, user=user)
    verbs.choose_columns(job, mapping=job.mapping, create_sites=False, date_order="")
    job.refresh_from_db()
    return job


ELSEWHERE = replace(this_process(), host="elsewhere", boot_id="x")


def held(job: ImportJob, *, by: Owner, until: timedelta) -> None:
    ImportJob.objects.filter(pk=job.pk).update(process=asdict(by), lease_until=timezone.now() + until)


def test_a_job_that_another_host_works_on_is_left_alone(technician: User, tmp_path: Path):
    make_site()
    held(make_job(technician, tmp_path), by=ELSEWHERE, until=timedelta(minutes=1))
    assert not take_up_due_import()


def test_a_job_whose_lease_has_run_out_is_taken_over(technician: User, tmp_path: Path):
    make_site()
    job = make_job(technician, tmp_path)
    held(job, by=ELSEWHERE, until=-timedelta(seconds=1))
    assert take_up_due_import()
    job.refresh_from_db()
    assert job.state == State.PLANNED


def test_a_job_whose_process_died_on_this_host_is_taken_over_at_once(technician: User, tmp_path: Path):
    make_site()
    job = make_job(technician, tmp_path)
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    held(job, by=replace(this_process(), process_id=process.pid), until=timedelta(minutes=10))
    assert take_up_due_import()


def test_a_process_of_the_same_number_is_not_the_one_that_died(technician: User, tmp_path: Path):
    """In a container that is started again, the worker has the same number each time."""
    make_site()
    job = make_job(technician, tmp_path)
    held(job, by=replace(this_process(), started="1"), until=timedelta(minutes=10))
    assert take_up_due_import()


def test_a_job_that_a_living_process_works_on_is_left_alone(technician: User, tmp_path: Path):
    make_site()
    held(make_job(technician, tmp_path), by=this_process(), until=timedelta(minutes=1))
    assert not take_up_due_import()


def test_what_its_owner_may_not_do_any_more_is_not_done(technician: User, tmp_path: Path):
    make_site()
    job = make_job(technician, tmp_path)
    technician.role = Role.VIEWER
    technician.save()
    take_up_due_import()
    job.refresh_from_db()
    assert job.state == State.FAILED
    assert "may not import" in job.note


def test_a_file_that_has_gone_fails_and_does_not_come_back(technician: User, tmp_path: Path):
    job = make_job(technician, tmp_path)
    verbs.forget_file(job)
    assert take_up_due_import()
    job.refresh_from_db()
    assert job.state == State.FAILED
    assert not take_up_due_import()


def test_a_large_workbook_is_read_by_the_worker(technician: User, tmp_path: Path):
    path = write_xlsx(tmp_path / "x.xlsx", ("Serial", "Colour"), ("A", "red"))
    with path.open("rb") as file:
        job = verbs.upload(file, noun="devices", file_name="x.xlsx", size=3 << 20, user=technician)
    assert job.state == State.READING
    assert take_up_due_import()
    job.refresh_from_db()
    assert (job.state, job.headers, job.mapping) == (
        State.UPLOADED,
        ["Serial", "Colour"],
        ["serial_number", ""],
    )


def test_a_large_workbook_that_cannot_be_read_says_so(technician: User, tmp_path: Path):
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"PK\x03\x04 torn")
    with path.open("rb") as file:
        job = verbs.upload(file, noun="devices", file_name="x.xlsx", size=3 << 20, user=technician)
    take_up_due_import()
    job.refresh_from_db()
    assert (job.state, job.note) == (State.FAILED, "This is not an Excel workbook. Use CSV or XLSX.")


def test_asked_twice_it_is_applied_once(technician: User, tmp_path: Path):
    make_site()
    job = make_job(technician, tmp_path)
    take_up_due_import()
    verbs.request_apply(job)
    with pytest.raises(verbs.Refused):
        verbs.request_apply(job)
    take_up_due_import()
    assert not take_up_due_import()
    assert Entry.objects.filter(action="devices.imported").count() == 1


def test_a_former_owners_apply_is_dropped(technician: User, tmp_path: Path):
    make_site()
    job = make_job(technician, tmp_path)
    take_up_due_import()
    verbs.request_apply(job)
    job.refresh_from_db()
    ImportJob.objects.filter(pk=job.pk).update(fence=job.fence + 1)
    with pytest.raises(verbs.PlanHasChanged):
        verbs.apply_file(verbs.source_of(job), technician.viewer(), expected=job.fingerprint, job=job)
    assert not Device.objects.exists()


def test_whose_import_is_taken_over_while_it_is_applied_does_no_more_to_it(
    technician: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    make_site()
    job = make_job(technician, tmp_path)
    take_up_due_import()
    verbs.request_apply(job)

    def applied_by_another(*_arguments: object, job: ImportJob, **_named: object) -> None:
        ImportJob.objects.filter(pk=job.pk).update(fence=job.fence + 1)
        raise verbs.PlanHasChanged

    monkeypatch.setattr(work, "apply_file", applied_by_another)
    assert take_up_due_import()
    job.refresh_from_db()
    assert (job.state, job.note) == (State.APPLYING, "")


def test_a_dead_process_is_known_by_its_number_where_nothing_tells_when_it_began(
    technician: User, tmp_path: Path
):
    make_site()
    job = make_job(technician, tmp_path)
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    unknown = replace(this_process(), started="")
    held(job, by=unknown, until=timedelta(minutes=10))
    assert not take_up_due_import()
    held(job, by=replace(unknown, process_id=process.pid), until=timedelta(minutes=10))
    assert take_up_due_import()


def test_uploads_that_nobody_applied_are_forgotten_after_a_week(technician: User, tmp_path: Path):
    make_site()
    job = make_job(technician, tmp_path)
    take_up_due_import()
    ImportJob.objects.update(requested_at=timezone.now() - timedelta(days=8))
    take_up_due_import()
    assert not ImportJob.objects.exists()
    assert not (Path(django_settings.MEDIA_ROOT) / job.stored_as).exists()


def test_rows_of_an_applied_import_are_forgotten_after_a_week(technician: User, tmp_path: Path):
    make_site()
    job = make_job(technician, tmp_path)
    take_up_due_import()
    verbs.request_apply(job)
    take_up_due_import()
    assert ImportRow.objects.exists()
    ImportJob.objects.update(finished_at=timezone.now() - timedelta(days=8))
    take_up_due_import()
    assert not ImportRow.objects.exists()
    assert ImportJob.objects.exists()


def test_the_number_of_queries_grows_with_batches_not_rows(
    db: None, tmp_path: Path, django_assert_max_num_queries
):
    make_site()
    rows = [(f"C{number}", "iPad") for number in range(3000)]
    path = write_csv(tmp_path / "x.csv", ("serial_number", "name"), *rows)
    with django_assert_max_num_queries(40):
        verbs.plan_file(Source(path, "devices"), COMMAND_LINE_VIEWER)


def fleet(count: int, name: str) -> str:
    rows = (
        (
            f"C{number:07}",
            f"T{number:06}",
            f"{name} {number}",
            "Apple",
            "iPad",
            f"School {number % 50}",
            "329.00",
        )
        for number in range(count)
    )
    header = ("serial_number", "asset_tag", "name", "manufacturer", "product_family", "site", "cost")
    return csv_text([header, *rows])


@pytest.mark.parametrize("size", [20_000, pytest.param(200_000, marks=pytest.mark.soak)])
def test_a_whole_district_is_applied_and_changed(db: None, tmp_path: Path, size: int):
    path = tmp_path / "fleet.csv"
    path.write_text(fleet(size, "iPad"))
    assert bring_in(path).counts() == {"created": size, "updated": 0, "unchanged": 0, "refused": 0}
    path.write_text(fleet(size, "Loaner"))
    assert bring_in(path).updated == size
    assert Device.objects.filter(name__startswith="Loaner").count() == size


def meanwhile(change: Callable[[], object]) -> AbstractContextManager[None]:
    """Somebody makes this change while the file is planned for being applied, which is its second planning."""
    times = count()

    def read_on(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT") and "C0001500" in (params or ()) and next(times) == 1:
            change()
        return execute(sql, params, many, context)

    return connection.execute_wrapper(read_on)


def test_what_changes_meanwhile_and_does_not_matter_to_the_file_stays_changed(db: None, tmp_path: Path):
    path = tmp_path / "fleet.csv"
    path.write_text(fleet(2000, "iPad"))
    bring_in(path)
    path.write_text(fleet(2000, "Loaner"))
    first = Device.objects.filter(serial_number="C0000000")
    with meanwhile(lambda: first.update(notes="The screen is scratched.")):
        assert bring_in(path).updated == 2000
    assert (first.get().name, first.get().notes) == ("Loaner 0", "The screen is scratched.")


def test_what_changes_meanwhile_and_matters_stops_it(db: None, tmp_path: Path):
    path = tmp_path / "fleet.csv"
    path.write_text(fleet(2000, "iPad"))
    bring_in(path)
    path.write_text(fleet(2000, "Loaner"))
    first = Device.objects.filter(serial_number="C0000000")
    with (
        meanwhile(lambda: first.update(name="Loaner 0")),
        pytest.raises(verbs.Refused, match="while the file was being checked"),
    ):
        bring_in(path)
    assert Device.objects.filter(name__startswith="Loaner").count() == 1


def test_a_device_that_appears_meanwhile_stops_it(db: None, tmp_path: Path):
    path = tmp_path / "fleet.csv"
    path.write_text(fleet(2000, "iPad"))
    make_site(name="School 0")
    with (
        meanwhile(lambda: make_device(serial_number="C0000000")),
        pytest.raises(verbs.Refused, match="while the file was being checked"),
    ):
        bring_in(path, create_sites=True)
    assert Device.objects.count() == 1


def test_killed_in_the_middle_nothing_of_it_is_there(tmp_path: Path):
    (tmp_path / "fleet.csv").write_text(fleet(4000, "iPad"))
    script = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        import django
        django.setup()
        from django.core.management import call_command
        from homeroom.accounts.policy import COMMAND_LINE_VIEWER
        from homeroom.inventory.imports import applying
        from homeroom.inventory.imports.planning import Source
        from homeroom.inventory.imports.verbs import import_from_command_line
        from homeroom.inventory.models import Device, ImportJob

        if sys.argv[1] == "count":
            print(Device.objects.count(), ImportJob.objects.count())
        else:
            call_command("migrate", verbosity=0)
            from django.db import connection
            def die_with_the_third_batch(execute, sql, params, many, context):
                if many and any("C0002500" in row for row in params):
                    os.kill(os.getpid(), signal.SIGKILL)
                return execute(sql, params, many, context)
            with connection.execute_wrapper(die_with_the_third_batch):
                import_from_command_line(Source(Path(sys.argv[2]), "devices"), COMMAND_LINE_VIEWER)
        """
    )
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "HOMEROOM_DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-c", script]
    killed = subprocess.run([*command, "import", tmp_path / "fleet.csv"], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    left = subprocess.run([*command, "count"], env=environment, check=True, capture_output=True, text=True)
    assert left.stdout.split() == ["0", "0"]
