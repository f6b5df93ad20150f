"""The private key, in every form in which people hold it, and the assertion that it signs."""

import base64
import binascii
import re
import uuid
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from joserfc import jwt
from joserfc.jwk import ECKey

from appleschool.errors import KeyProblem, PrivateKeyError

AUDIENCE = "https://account.apple.com/auth/oauth2/v2/token"
ASSERTION_SECONDS = 20 * 60

_BEGIN = re.compile(r"-----\s*BEGIN ([A-Z0-9 ]+?)\s*-----")
_BLOCK = re.compile(r"-----\s*BEGIN ([A-Z0-9 ]+?)\s*-----(.*?)-----\s*END \1\s*-----", re.DOTALL)
_TOKEN = re.compile(r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]+$")


class PrivateKey:
    """An EC P-256 private key. Its text form never shows the key; `pem` is for storing it encrypted."""

    __slots__ = ("_jwk", "_key")

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self._jwk = ECKey.import_key(self.pem)

    @classmethod
    def from_pem(cls, text: str | bytes) -> "PrivateKey":
        """Read a key: SEC1 or PKCS#8, also under the other's label, behind EC PARAMETERS, oddly spaced.

        Raises PrivateKeyError, whose `problem` and sentence say what the text is instead.
        """
        return cls(_p256(_der(_readable(text))))

    @property
    def pem(self) -> str:
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the public key, in hexadecimal: tells keys apart and gives nothing away."""
        public = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return sha256(public).hexdigest()

    def sign(self, header: dict[str, str], claims: dict[str, object]) -> str:
        return jwt.encode(header, claims, self._jwk, algorithms=["ES256"])

    def __repr__(self) -> str:
        return f"<PrivateKey {self.fingerprint[:12]}>"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an API account consists of. An empty Team ID means the Client ID, as Apple's own sample has it."""

    client_id: str
    key_id: str
    private_key: PrivateKey = field(repr=False)
    team_id: str = ""

    def assertion(self, now: float, *, audience: str = AUDIENCE) -> str:
        """A client assertion that is good for 20 minutes from `now` (UNIX seconds)."""
        claims: dict[str, object] = {
            "iss": self.team_id or self.client_id,
            "sub": self.client_id,
            "aud": audience,
            "iat": int(now),
            "exp": int(now) + ASSERTION_SECONDS,
            "jti": str(uuid.uuid4()),
        }
        return self.private_key.sign({"alg": "ES256", "kid": self.key_id, "typ": "JWT"}, claims)


def _readable(text: str | bytes) -> str:
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise PrivateKeyError(
                KeyProblem.NOT_TEXT, "This is not a text file, so it is not the key file from Apple."
            ) from None
    text = text.strip().lstrip("\ufeff")
    if not text:
        raise PrivateKeyError(KeyProblem.EMPTY, "The private key is empty.")
    return text


def _der(text: str) -> bytes:
    blocks = {label: body for label, body in _BLOCK.findall(text) if label != "EC PARAMETERS"}
    if not blocks:
        raise _no_block(text)
    for label in blocks:
        _refuse_other_than_private_key(label)
    label = next(iter(blocks))
    body = blocks[label]
    if "ENCRYPTED" in body or "Proc-Type" in body:
        raise _encrypted()
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        raise _truncated() from None


def _refuse_other_than_private_key(label: str) -> None:
    if label == "ENCRYPTED PRIVATE KEY":
        raise _encrypted()
    if "PUBLIC KEY" in label:
        raise PrivateKeyError(KeyProblem.PUBLIC_KEY, "This is a public key; the private key is needed.")
    if "CERTIFICATE" in label:
        raise PrivateKeyError(KeyProblem.CERTIFICATE, "This is a certificate; the private key is needed.")
    if label == "RSA PRIVATE KEY":
        raise _rsa()
    if label not in {"PRIVATE KEY", "EC PRIVATE KEY"}:
        raise PrivateKeyError(KeyProblem.OTHER_KIND, "This is not a private key as Apple gives them out.")


def _no_block(text: str) -> PrivateKeyError:
    begin = _BEGIN.search(text)
    if begin and begin[1] != "EC PARAMETERS":
        try:
            _refuse_other_than_private_key(begin[1])
        except PrivateKeyError as error:
            return error
        return _truncated()
    if "END" in text and "-----" in text:
        return PrivateKeyError(
            KeyProblem.NO_BEGIN_LINE,
            "The BEGIN line is missing.",
            fix="Copy the whole file, its BEGIN and END lines included.",
        )
    if _TOKEN.match("".join(text.split())):
        return PrivateKeyError(
            KeyProblem.TOKEN,
            "This is a token, not a private key.",
            fix="A content or server token belongs elsewhere. Choose the .pem file of the API account.",
        )
    return PrivateKeyError(
        KeyProblem.NO_BEGIN_LINE,
        "There is no BEGIN line, so this is not a whole private key.",
        fix="Copy the whole file, its BEGIN and END lines included.",
    )


def _p256(der: bytes) -> ec.EllipticCurvePrivateKey:
    # DER says itself whether it is SEC1 or PKCS#8, so a wrong label does not matter.
    try:
        key = load_der_private_key(der, password=None)
    except TypeError:
        raise _encrypted() from None
    except UnsupportedAlgorithm:
        raise _other_curve() from None
    except ValueError:
        raise PrivateKeyError(
            KeyProblem.DAMAGED,
            "The private key is damaged: its contents can't be read.",
            fix="Copy the whole file again, or choose the file itself.",
        ) from None
    if isinstance(key, rsa.RSAPrivateKey):
        raise _rsa()
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise PrivateKeyError(KeyProblem.OTHER_KIND, "This key is not an elliptic-curve key.")
    if not isinstance(key.curve, ec.SECP256R1):
        raise _other_curve()
    return key


def _truncated() -> PrivateKeyError:
    return PrivateKeyError(
        KeyProblem.TRUNCATED,
        "The private key is cut off or damaged.",
        fix="Copy the whole file, its BEGIN and END lines included, or choose the file itself.",
    )


def _encrypted() -> PrivateKeyError:
    return PrivateKeyError(
        KeyProblem.ENCRYPTED,
        "The private key is protected with a passphrase.",
        fix="Choose the file as Apple gave it out; that one has no passphrase.",
    )


def _rsa() -> PrivateKeyError:
    return PrivateKeyError(KeyProblem.RSA, "This is an RSA key; Apple's are elliptic-curve keys (P-256).")


def _other_curve() -> PrivateKeyError:
    return PrivateKeyError(KeyProblem.OTHER_CURVE, "This key is on another curve; Apple's are on P-256.")
