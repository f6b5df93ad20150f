"""The API account that an administrator would have made in the portal."""

import os
import tempfile
from pathlib import Path
from uuid import uuid4

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from appleschool_sim.kinds import Kind

FILE_NAME = "credentials.json"


class Credentials(msgspec.Struct, frozen=True):
    """What Homeroom is given. The PEM never enters `repr`."""

    client_id: str
    key_id: str
    private_key: str

    def __repr__(self) -> str:
        return f"Credentials(client_id={self.client_id!r}, key_id={self.key_id!r})"


def new_credentials(kind: Kind) -> Credentials:
    return Credentials(f"{kind.client_prefix}{uuid4()}", str(uuid4()), _new_pem())


def with_new_key(credentials: Credentials) -> Credentials:
    return Credentials(credentials.client_id, str(uuid4()), _new_pem())


def read_credentials(folder: Path) -> Credentials:
    written = msgspec.json.decode((folder / FILE_NAME).read_bytes(), type=Credentials)
    pem = (folder / written.private_key).read_text(encoding="ascii")
    return Credentials(written.client_id, written.key_id, pem)


def write_credentials(folder: Path, credentials: Credentials) -> Path:
    """Write `credentials.json` and, readable by its owner alone, the PEM it names."""
    folder.mkdir(parents=True, exist_ok=True)
    pem = folder / f"key-{credentials.key_id[:8]}.pem"
    _write_privately(pem, credentials.private_key.encode("ascii"))
    listed = msgspec.structs.replace(credentials, private_key=pem.name)
    _write_privately(folder / FILE_NAME, msgspec.json.format(msgspec.json.encode(listed)) + b"\n")
    return pem


def credentials_in(folder: Path, kind: Kind) -> Credentials:
    """The folder's account, made now if there is none."""
    if (folder / FILE_NAME).exists():
        found = read_credentials(folder)
        if not found.client_id.startswith(kind.client_prefix):
            message = f"{folder} holds an account of another kind: {found.client_id}"
            raise ValueError(message)
        return found
    made = new_credentials(kind)
    write_credentials(folder, made)
    return made


def _new_pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode("ascii")


def _write_privately(path: Path, content: bytes) -> None:
    # mkstemp makes the file with mode 0600; moved into place, a reader never meets half of it.
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(temporary).replace(path)
