"""An import in the browser: upload, columns, what it would do, apply."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from homeroom.accounts.models import User
from homeroom.accounts.policy import Role
from homeroom.inventory.imports import verbs
from homeroom.inventory.imports.work import take_up_due_import
from homeroom.inventory.models import Device, ImportJob
from tests.builders import make_device, make_site, make_user

pytestmark = pytest.mark.django_db
State = ImportJob.State

CSV = b"Serial,Asset Tag,Colour,Name\nC02X,0012,silver,iPad 12\n"


def upload(client: Client, content: bytes = CSV, noun: str = "devices"):
    file = SimpleUploadedFile("fleet.csv", content)
    return client.post(reverse("inventory:imports"), {"noun": noun, "file": file})


def choose(client: Client, job: ImportJob, **changed: str):
    columns = {f"column_{at}": name for at, name in enumerate(job.mapping)}
    return client.post(reverse("inventory:import-columns", args=[job.pk]), columns | changed)


def step(client: Client, name: str, job: ImportJob):
    return client.post(reverse(f"inventory:{name}", args=[job.pk]))


def planned(client: Client, content: bytes = CSV) -> ImportJob:
    upload(client, content)
    job = ImportJob.objects.get()
    choose(client, job)
    assert take_up_due_import()
    job.refresh_from_db()
    return job


def stored_files() -> list[Path]:
    folder = Path(settings.MEDIA_ROOT) / "imports"
    return list(folder.iterdir()) if folder.exists() else []


@pytest.fixture(autouse=True)
def media(settings, tmp_path: Path):
    settings.MEDIA_ROOT = tmp_path / "files"


def test_a_file_goes_all_the_way(as_technician: Client):
    make_site(name="Lincoln")
    response = upload(as_technician)
    job = ImportJob.objects.get()
    assert response.url == reverse("inventory:import-columns", args=[job.pk])
    page = as_technician.get(response.url).content.decode()
    assert "Colour" in page
    assert "silver" in page
    assert job.mapping == ["serial_number", "asset_tag", "", "name"]

    choose(as_technician, job)
    assert "Being checked" in as_technician.get(job.get_absolute_url()).content.decode()
    assert take_up_due_import()
    page = as_technician.get(job.get_absolute_url()).content.decode()
    assert "C02X" in page
    assert "iPad 12" in page
    assert not Device.objects.exists()

    step(as_technician, "import-apply", job)
    assert take_up_due_import()
    job.refresh_from_db()
    assert (job.state, job.created) == (State.APPLIED, 1)
    assert Device.objects.get().asset_tag == "0012"
    assert stored_files() == []
    assert not take_up_due_import()


def test_changes_show_what_was_and_what_will_be(as_technician: Client):
    make_device(serial_number="C02X", asset_tag="0012", name="Old <b>name</b>")
    job = planned(as_technician)
    page = as_technician.get(job.get_absolute_url()).content.decode()
    assert "Old &lt;b&gt;name&lt;/b&gt; → iPad 12" in page


def test_problems_are_shown_by_row_and_column_and_keep_the_file_from_being_applied(as_technician: Client):
    make_site()
    job = planned(as_technician, b"serial_number,cost\nA,much\nB,5\n")
    assert job.state == State.REFUSED
    page = as_technician.get(job.get_absolute_url(), {"outcome": "refused"}).content.decode()
    assert "“much” is not a cost" in page
    assert as_technician.get(job.get_absolute_url(), {"q": "B", "outcome": "created"}).status_code == 200
    step(as_technician, "import-apply", job)
    assert not take_up_due_import()
    assert not Device.objects.exists()


def test_other_columns_can_be_chosen_after_a_look(as_technician: Client):
    make_site()
    job = planned(as_technician)
    choose(as_technician, job, column_2="notes")
    take_up_due_import()
    assert "silver" in as_technician.get(job.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"column_2": "name"}, "Two columns are chosen for Name."),
        ({"column_0": "", "column_1": ""}, "Choose a column for: Asset tag or Serial number."),
    ],
)
def test_columns_that_make_no_sense_are_refused(
    as_technician: Client, changed: dict[str, str], sentence: str
):
    upload(as_technician)
    response = choose(as_technician, ImportJob.objects.get(), **changed)
    assert sentence in response.content.decode()


def test_a_file_that_cannot_be_read_is_refused_at_once_and_not_kept(as_technician: Client):
    response = upload(as_technician, b"\x89PNG\x00\x00")
    assert "can&#x27;t be read" in response.content.decode()
    assert stored_files() == []
    assert not ImportJob.objects.exists()


def test_the_progress_asks_for_the_page_when_the_work_is_done(as_technician: Client):
    make_site()
    job = planned(as_technician)
    url = reverse("inventory:import-progress", args=[job.pk])
    assert as_technician.get(url)["HX-Redirect"] == job.get_absolute_url()
    step(as_technician, "import-apply", job)
    assert "Being applied" in as_technician.get(url).content.decode()


def test_a_plan_that_no_longer_holds_is_shown_anew_instead_of_applied(as_technician: Client):
    make_site()
    job = planned(as_technician)
    make_device(serial_number="C02X", asset_tag="0012", name="Somebody was faster")
    step(as_technician, "import-apply", job)
    take_up_due_import()
    job.refresh_from_db()
    assert (job.state, job.created, job.updated) == (State.PLANNED, 0, 1)
    assert "nothing was applied" in as_technician.get(job.get_absolute_url()).content.decode()
    assert Device.objects.get().name == "Somebody was faster"


def test_a_discarded_file_is_gone(as_technician: Client):
    make_site()
    job = planned(as_technician)
    step(as_technician, "import-discard", job)
    assert not ImportJob.objects.exists()
    assert stored_files() == []


def test_a_failed_import_says_why_and_can_be_discarded(as_technician: Client, technician: User):
    make_site()
    upload(as_technician)
    job = ImportJob.objects.get()
    choose(as_technician, job)
    verbs.forget_file(job)
    take_up_due_import()
    page = as_technician.get(job.get_absolute_url()).content.decode()
    assert "Something went wrong" in page
    assert "Discard" in page
    step(as_technician, "import-discard", job)
    assert not ImportJob.objects.exists()


def test_an_applied_import_stays_in_the_list(as_technician: Client):
    make_site()
    job = planned(as_technician)
    step(as_technician, "import-apply", job)
    take_up_due_import()
    step(as_technician, "import-discard", job)
    assert "fleet.csv" in as_technician.get(reverse("inventory:imports")).content.decode()


def test_a_viewer_imports_nothing(as_viewer: Client):
    assert as_viewer.get(reverse("inventory:imports")).status_code == 403
    assert upload(as_viewer).status_code == 403


def test_another_technicians_file_is_not_there_but_an_administrator_sees_it(
    as_technician: Client, as_administrator: Client
):
    upload(as_technician)
    url = reverse("inventory:import-columns", args=[ImportJob.objects.get().pk])
    other = Client()
    other.force_login(make_user(Role.TECHNICIAN))
    assert other.get(url).status_code == 404
    assert as_administrator.get(url).status_code == 200


def test_a_technician_of_one_school_adds_no_sites(client: Client):
    site = make_site(name="Lincoln")
    client.force_login(make_user(Role.TECHNICIAN, sites=(site,)))
    upload(client, b"serial_number,site\nA,Nowhere\n")
    job = ImportJob.objects.get()
    choose(client, job, create_sites="on")
    take_up_due_import()
    job.refresh_from_db()
    assert job.state == State.REFUSED
