"""Photos and files: private, never without their row, never left behind."""

import os
import time
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from homeroom.accounts.policy import Role
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.incidents.models import Attachment, Incident
from homeroom.incidents.verbs.attachments import (
    MOST_OF_AN_INCIDENT,
    DailySweep,
    attach,
    clear_orphaned_files,
    open_incident_with,
    remove_attachment,
)
from homeroom.incidents.verbs.incidents import open_incident
from homeroom.web.errors import Refused
from tests.builders import make_device, make_site, make_user
from tests.incidents.pictures import PDF, PROGRAM, upload

pytestmark = pytest.mark.django_db
TWO_DAYS = 2 * 24 * 3600


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    """Where this test's files are stored."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def stored(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def make_incident() -> Incident:
    return open_incident(make_device(), summary="Cracked screen", actor=COMMAND_LINE)


def attached(*uploads, incident: Incident | None = None) -> list[Attachment]:
    return attach(incident or make_incident(), uploads or [upload()], actor=COMMAND_LINE)


def address(attachment: Attachment, name: str = "attachment") -> str:
    return reverse(f"incidents:{name}", args=[attachment.incident_id, attachment.pk])


def test_a_photo_is_shown_and_its_thumbnail_is_small(as_viewer):
    (photo,) = attached()
    answer = as_viewer.get(address(photo))
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["Content-Disposition"] == 'inline; filename="crack.jpg"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "private" in answer["Cache-Control"]
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    content = answer.getvalue()
    assert len(content) == photo.size
    assert 0 < len(as_viewer.get(address(photo, "thumbnail")).getvalue()) < len(content)


def test_any_other_file_is_only_ever_downloaded(as_viewer):
    pdf, page = attached(upload("Letter.pdf", PDF), upload("x.html", b"<script>alert(1)</script>"))
    for attachment, kind, content in (
        (pdf, "application/pdf", PDF),
        (page, "text/plain; charset=utf-8", b"<script>alert(1)</script>"),
    ):
        answer = as_viewer.get(address(attachment))
        assert answer.getvalue() == content
        assert answer["Content-Type"] == kind
        assert answer["Content-Disposition"].startswith("attachment;")
        assert answer["X-Content-Type-Options"] == "nosniff"
    assert as_viewer.get(address(pdf, "thumbnail")).status_code == 404


def test_a_photo_is_not_there_for_another_site_for_a_stranger_or_through_another_incident(as_viewer):
    (photo,) = attached()
    local = Client()
    local.force_login(make_user(Role.TECHNICIAN, sites=(make_site(),)))
    for name in ("attachment", "thumbnail"):
        assert local.get(address(photo, name)).status_code == 404
        assert Client().get(address(photo, name)).url.startswith("/account/login/")
    other = reverse("incidents:attachment", args=[make_incident().number, photo.pk])
    assert as_viewer.get(other).status_code == 404


def test_the_folder_of_files_has_no_address(as_administrator, folder):
    attached()
    for path in (path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        for before in ("/", "/media/", "/static/", "/files/"):
            assert as_administrator.get(f"{before}{name}").status_code == 404


def test_a_photo_is_removed_for_good_and_the_trail_keeps_that_it_was_there(
    as_technician, folder, django_capture_on_commit_callbacks
):
    (photo,) = attached()
    assert stored(folder) == 2
    with django_capture_on_commit_callbacks(execute=True):
        as_technician.post(address(photo, "attachment-remove"))
    assert stored(folder) == 0
    assert not Attachment.objects.exists()
    assert Entry.objects.get(action="incident.photo_removed").before["name"] == "crack.jpg"
    page = as_technician.get(photo.incident.get_absolute_url()).content.decode()
    assert "Photo removed" in page
    assert as_technician.get(address(photo)).status_code == 404
    with pytest.raises(Refused, match="removed already"):
        remove_attachment(photo, actor=COMMAND_LINE)


def test_a_removal_that_is_rolled_back_keeps_the_file(folder, django_capture_on_commit_callbacks):
    (photo,) = attached()

    def remove_and_fail() -> None:
        with transaction.atomic():
            remove_attachment(photo, actor=COMMAND_LINE)
            raise ZeroDivisionError

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(ZeroDivisionError):
        remove_and_fail()
    assert stored(folder) == 2
    assert Attachment.objects.count() == 1


def test_all_uploads_are_stored_or_none(folder):
    with pytest.raises(Refused, match="none of"):
        attached(upload(), upload("x.jpg", PROGRAM))
    assert (stored(folder), Attachment.objects.count()) == (0, 0)
    with pytest.raises(Refused, match="Choose"):
        attach(make_incident(), [], actor=COMMAND_LINE)


def test_what_is_refused_after_a_file_was_written_leaves_no_file(folder):
    with pytest.raises(Refused):
        open_incident_with(make_device(), [upload()], summary=" ", actor=COMMAND_LINE)
    incident = make_incident()
    Incident.objects.filter(pk=incident.pk).delete()
    with pytest.raises(Incident.DoesNotExist):
        attach(incident, [upload()], actor=COMMAND_LINE)
    assert (stored(folder), Attachment.objects.count()) == (0, 0)


def test_an_incident_holds_so_many_and_no_more():
    incident = make_incident()
    Attachment.objects.bulk_create(
        Attachment(incident=incident, kind="file", name="x", size=1) for _number in range(MOST_OF_AN_INCIDENT)
    )
    with pytest.raises(Refused, match="100 photos and files at most"):
        attached(incident=incident)


def test_files_that_no_row_speaks_of_are_cleared_after_a_day(folder):
    (photo,) = attached()
    month = (folder / photo.file.name).parent
    (month / "fresh.jpg").write_bytes(b"x")
    (month / "old.jpg").write_bytes(b"x")
    for path in month.iterdir():
        if path.name != "fresh.jpg":
            os.utime(path, (time.time() - TWO_DAYS,) * 2)

    assert clear_orphaned_files() == 1

    assert {path.name for path in month.iterdir()} == {
        Path(photo.file.name).name,
        Path(photo.thumbnail.name).name,
        "fresh.jpg",
    }


def test_the_sweep_is_made_once_a_day_by_one_worker(folder):
    (photo,) = attached()
    orphan = (folder / photo.file.name).parent / "old.jpg"
    orphan.write_bytes(b"x")
    os.utime(orphan, (time.time() - TWO_DAYS,) * 2)
    first, second = DailySweep(), DailySweep()
    assert (first(), second(), first()) == (True, False, False)
    assert not orphan.exists()


def test_without_any_file_there_is_nothing_to_clear():
    assert clear_orphaned_files() == 0
