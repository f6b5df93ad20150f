"""Mail servers that speak TLS, and those that say nothing at all."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pytest_django import Settings

from homeroom.audit.actors import COMMAND_LINE
from homeroom.notifications import diagnosis
from homeroom.notifications.server import mail_server as configured_server
from homeroom.notifications.verbs import send_test_mail
from homeroom.notifications.writing import written_test
from tests.builders import make_user
from tests.mail import MailServer, use_mail_server

pytestmark = pytest.mark.django_db
ADDRESS = "a@x.test"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of 127.0.0.1, signed by itself; its key stands in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, SHA256())
    )
    file = tmp_path / "mail.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    return file


@pytest.fixture(params=["smtp+ssl", "smtp+tls"])
def encrypted(
    request: pytest.FixtureRequest, mail_server: MailServer, certificate: Path, settings: Settings
) -> MailServer:
    mail_server.stop()
    mail_server.encryption = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    mail_server.encryption.load_cert_chain(certificate)
    mail_server.offers_starttls = request.param == "smtp+tls"
    mail_server.users = {"homeroom": "right"}
    mail_server.start()
    use_mail_server(settings, f"{request.param}://homeroom:right@127.0.0.1:{mail_server.port}")
    return mail_server


def test_an_encrypted_server_that_is_trusted_takes_mail(
    encrypted: MailServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert send_test_mail(ADDRESS, actor=COMMAND_LINE) is None
    assert len(encrypted.messages) == 1


def test_a_certificate_that_is_not_trusted_is_named_and_the_password_stays_here(
    encrypted: MailServer,
) -> None:
    finding = send_test_mail(ADDRESS, actor=COMMAND_LINE)
    assert finding is not None
    assert "certificate is not trusted" in finding.detail
    assert finding.of_server
    assert encrypted.attempts == 0


@pytest.fixture
def silent_server(settings: Settings) -> Any:
    """It lets callers in and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        use_mail_server(settings, f"smtp://127.0.0.1:{listening.getsockname()[1]}")
        yield listening


def test_a_silent_server_keeps_nobody_waiting(silent_server: socket.socket) -> None:
    finding = send_test_mail(ADDRESS, actor=COMMAND_LINE, deadline=0.3)
    assert finding == diagnosis.of_silence()


def test_every_call_has_an_end(silent_server: socket.socket) -> None:
    server = configured_server()
    assert server is not None
    with pytest.raises(OSError) as silence:
        server.call(timeout=0.3).send(written_test(make_user(), "<1@x.test>"))
    assert diagnosis.of_error(silence.value) == diagnosis.of_silence()
