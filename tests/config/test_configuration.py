"""Settings: a wrong one is a clear sentence at start, and the first start makes what is missing."""

import errno
import os
import secrets
import stat
import subprocess
import sys
from pathlib import Path
from secrets import token_urlsafe

import pytest
from django.core.exceptions import ImproperlyConfigured

from homeroom.config.configuration import read_configuration

ROOT = Path(__file__).resolve().parent.parent.parent


def homeroom(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """`homeroom` in an empty folder, with nothing set but what is given."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("HOMEROOM_", "DJANGO_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "homeroom", *arguments],
        cwd=folder,
        env=kept | variables,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_init_works_in_an_empty_folder_and_can_be_repeated(tmp_path: Path) -> None:
    for _time in range(2):
        done = homeroom("init", folder=tmp_path)
        assert done.returncode == 0, done.stderr
    data = tmp_path / "homeroom-data"
    assert (data / "homeroom.sqlite3").exists()
    assert stat.S_IMODE((data / "secret.key").stat().st_mode) == 0o600


def test_of_several_that_start_at_once_in_an_empty_folder_each_finds_it_made(tmp_path: Path) -> None:
    surroundings = {
        name: value for name, value in os.environ.items() if not name.startswith(("HOMEROOM_", "DJANGO_"))
    }
    starts = [
        subprocess.Popen(
            [sys.executable, "-m", "homeroom", "init"],
            cwd=tmp_path,
            env=surroundings,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _start in range(2)
    ]
    told = [start.communicate()[1] for start in starts]
    assert [start.returncode for start in starts] == [0, 0], told


def test_the_key_is_made_once_however_many_start_at_once(tmp_path: Path) -> None:
    script = (
        "from homeroom.config.configuration import read_configuration; print(read_configuration().keys[0])"
    )
    variables = {name: value for name, value in os.environ.items() if name != "HOMEROOM_SECRET_KEYS"}
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env=variables | {"HOMEROOM_DATA_DIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _start in range(4)
    ]
    keys = {start.communicate()[0] for start in starts}
    assert len(keys) == 1


def test_where_no_key_file_can_be_made_the_start_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setenv("HOMEROOM_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("HOMEROOM_SECRET_KEYS", raising=False)
    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(ImproperlyConfigured, match="can't be made: Operation not supported"):
        _ = read_configuration().keys
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_another_start_is_making_is_never_read_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEROOM_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("HOMEROOM_SECRET_KEYS", raising=False)
    others: list[str] = []

    def made_while_another_starts(size: int) -> str:
        if not others:
            others.append("")
            others[0] = read_configuration().keys[0]
        return token_urlsafe(size)

    monkeypatch.setattr(secrets, "token_urlsafe", made_while_another_starts)
    assert read_configuration().keys == (others[0],)
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOMEROOM_TIME_ZONE", "Moon/Base"),
        ("HOMEROOM_SECRET_KEYS", "short"),
        ("HOMEROOM_BASE_URL", "homeroom.example"),
        ("HOMEROOM_APPLE_MAX_RATE", "-1"),
        ("HOMEROOM_APPLE_CONCURRENCY", "many"),
        ("HOMEROOM_EMAIL_URL", "mail.district.test:587"),
        ("HOMEROOM_EMAIL_URL", "smtps://mail.district.test"),
        ("HOMEROOM_EMAIL_URL", "smtp+tls://"),
        ("HOMEROOM_EMAIL_URL", "smtp+tls://user:secret@mail.district.test:port"),
        ("HOMEROOM_EMAIL_URL", "smtp+tls://user@mail.district.test"),
        ("HOMEROOM_EMAIL_URL", "smtp+tls://user:sec/ret@mail.district.test"),
        ("HOMEROOM_EMAIL_URL", "smtp+tls://user:secret@mail.district.test?timeout=9"),
        ("HOMEROOM_EMAIL_URL", "memorymail://"),
        ("HOMEROOM_EMAIL_FROM", "Homeroom"),
        ("HOMEROOM_EMAIL_FROM", "a@x.test\nBcc: b@x.test"),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(tmp_path: Path, name: str, value: str) -> None:
    done = homeroom("init", folder=tmp_path, **{name: value})
    assert done.returncode == 1
    assert done.stderr.startswith(f"{name}: ")
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("url", "host", "port", "password"),
    [
        ("smtp://mail.district.test", "mail.district.test", 25, None),
        ("smtp+tls://me:p%2F%40%23@mail.district.test", "mail.district.test", 587, "p/@#"),
        ("smtp+ssl://me:x@[::1]", "::1", 465, "x"),
        ("smtp://mail.district.test:2525/", "mail.district.test", 2525, None),
    ],
)
def test_a_mail_server_has_the_port_of_its_kind_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, url: str, host: str, port: int, password: str | None
) -> None:
    monkeypatch.setenv("HOMEROOM_EMAIL_URL", url)
    values = read_configuration().email_settings
    assert (values["EMAIL_HOST"], values["EMAIL_PORT"], values["EMAIL_HOST_PASSWORD"]) == (
        host,
        port,
        password,
    )
    assert values["EMAIL_TIMEOUT"] > 0


def test_what_is_secret_is_not_shown_where_the_settings_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEROOM_EMAIL_URL", "smtp+tls://me:topsecret@mail.district.test")
    monkeypatch.setenv("HOMEROOM_DATABASE_URL", "postgres://me:topsecret@database.district.test/homeroom")
    monkeypatch.setenv("HOMEROOM_SECRET_KEYS", "topsecret" * 5)
    assert "topsecret" not in repr(read_configuration())


def test_a_damaged_key_file_is_told_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("")
    done = homeroom("init", folder=tmp_path, HOMEROOM_DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "damaged" in done.stderr
    assert (tmp_path / "secret.key").read_text() == ""


def test_help_needs_no_setting_to_be_right(tmp_path: Path) -> None:
    assert homeroom("--version", folder=tmp_path, HOMEROOM_TIME_ZONE="Moon/Base").returncode == 0
