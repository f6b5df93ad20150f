"""Files that mail brings: read when it is sent, byte for byte, if they are not too large."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from pytest_django import Settings

from homeroom.accounts.models import User
from homeroom.accounts.policy import Permission
from homeroom.notifications import kinds
from homeroom.notifications.attachments import Attachment
from homeroom.notifications.kinds import Kind
from homeroom.notifications.models import Mail
from homeroom.notifications.verbs import notify, send_due_mail
from tests.mail import MailServer, files_of, html_of, text_of, use_mail_server

pytestmark = pytest.mark.django_db
CSV = '\ufeffserial,notes\r\nC02,"two\nlines, ä"\r\n'.encode()
XLSX = bytes(range(256)) * 40


def _files(context: Mapping[str, Any]) -> Iterator[Attachment]:
    for name, content_type in context["files"]:
        yield Attachment(name, Path(context["folder"]) / name, content_type)


FILES = Kind(
    key="test-files",
    label="Files",
    help_text="Told with files.",
    permission=Permission.EXPORT,
    template="test_mail/files",
    attachments=_files,
    may_know=lambda user, context: user.email not in context.get("not_for", []),
)


@pytest.fixture(autouse=True)
def own_kind() -> Iterator[None]:
    kinds.register_kind(FILES)
    yield
    del kinds._kinds[FILES.key]


@pytest.fixture
def server(mail_server: MailServer, settings: Settings) -> MailServer:
    use_mail_server(settings, mail_server.url)
    return mail_server


def tell(folder: Path, **values: Any) -> None:
    files = [
        ("devices.csv", "text/csv; charset=utf-8"),
        ("Geräte.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ]
    notify(FILES, fact="files:1", context={"folder": str(folder), "files": files} | values, path="/files/1/")


def send() -> None:
    send_due_mail(Event())


def write(folder: Path) -> None:
    (folder / "devices.csv").write_bytes(CSV)
    (folder / "Geräte.xlsx").write_bytes(XLSX)


def test_files_arrive_byte_for_byte_beside_text_and_html(
    server: MailServer, administrator: User, tmp_path: Path
) -> None:
    write(tmp_path)
    tell(tmp_path)
    send()
    (message,) = server.messages
    xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert files_of(message) == {"devices.csv": ("text/csv", CSV), "Geräte.xlsx": (xlsx, XLSX)}
    assert "attached: devices.csv Geräte.xlsx" in text_of(message)
    assert "Files" in html_of(message)
    charsets = [part.get_param("charset") for part in message.iter_attachments()]
    assert charsets == ["utf-8", None]


def test_a_file_is_read_when_the_mail_is_sent(
    server: MailServer, administrator: User, tmp_path: Path, settings: Settings
) -> None:
    write(tmp_path)
    tell(tmp_path)
    (tmp_path / "devices.csv").write_bytes(b"newer")
    (tmp_path / "Geräte.xlsx").unlink()
    send()
    (message,) = server.messages
    assert files_of(message) == {"devices.csv": ("text/csv", b"newer")}
    assert "too large: \n" in text_of(message)


@pytest.mark.parametrize(("most", "fits"), [(0, set()), (1, {"small.csv"}), (2, {"small.csv", "large.csv"})])
def test_what_is_larger_than_allowed_is_not_attached_and_the_mail_is_told(
    server: MailServer, administrator: User, tmp_path: Path, settings: Settings, most: int, fits: set[str]
) -> None:
    use_mail_server(settings, server.url, report_attachment_mb=most)
    sizes = {"small.csv": 1_000_000, "large.csv": 1_000_000}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(b"x" * size)
    tell(tmp_path, files=[(name, "text/csv") for name in sizes])
    send()
    (message,) = server.messages
    assert set(files_of(message)) == fits
    told = text_of(message)
    assert f"attached: {' '.join(name for name in sizes if name in fits)}\n" in told
    assert f"too large: {' '.join(name for name in sizes if name not in fits)}\n" in told


def test_whom_a_fact_no_longer_concerns_gets_nothing(
    server: MailServer, administrator: User, tmp_path: Path
) -> None:
    write(tmp_path)
    tell(tmp_path, not_for=[administrator.email])
    send()
    assert server.messages == []
    assert Mail.objects.get().state == Mail.State.DROPPED
