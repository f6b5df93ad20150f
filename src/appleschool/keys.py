"""The private key, in every form in which people hold it, and the assertion that it signs."""

import base64
import codecs
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
PRIVATE_KEY_LABELS = {"PRIVATE KEY", "EC PRIVATE KEY"}
LONGEST_TEXT = 20_000
DER_SEQUENCE = 0x30
DER_LONG_FORM = 0x80

_BEGIN = re.compile(r"-----\s*BEGIN ([A-Z0-9 ]+?)\s*-----")
_BLOCK = re.compile(r"-----\s*BEGIN ([A-Z0-9 ]+?)\s*-----(.*?)-----\s*END \1\s*-----", re.DOTALL)
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_.-]+")


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
        text = _decoded(text)
    # A key that went through an environment variable or JSON has its line ends written out.
    text = text.replace("\\r", "").replace("\\n", "\n").strip().lstrip("\ufeff")
    if not text:
        raise PrivateKeyError(KeyProblem.EMPTY, "The private key is empty.")
    if len(text) > LONGEST_TEXT:
        raise PrivateKeyError(KeyProblem.OTHER_KIND, "This is far too long for a private key.")
    return text


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise PrivateKeyError(
            KeyProblem.NOT_TEXT, "This is not a text file, so it is not the key file from Apple."
        ) from None


def _der(text: str) -> bytes:
    blocks = [(label, body) for label, body in _BLOCK.findall(text) if label != "EC PARAMETERS"]
    if not blocks:
        raise _no_block(text)
    label, body = next((block for block in blocks if block[0] in PRIVATE_KEY_LABELS), blocks[0])
    if label not in PRIVATE_KEY_LABELS:
        raise _other_label(label)
    if "ENCRYPTED" in body:
        raise _encrypted()
    try:
        der = base64.b64decode("".join(body.split()), validate=True)
    except ValueError:
        raise _truncated() from None
    if not der or len(der) < _announced_length(der):
        raise _truncated()
    return der


def _announced_length(der: bytes) -> int:
    """How long the DER sequence says that it is, header included; 0 if it does not say."""
    if len(der) < 2 or der[0] != DER_SEQUENCE:  # noqa: PLR2004
        return 0
    if der[1] < DER_LONG_FORM:
        return 2 + der[1]
    octets = der[1] - DER_LONG_FORM
    return 2 + octets + int.from_bytes(der[2 : 2 + octets], "big")


def _no_block(text: str) -> PrivateKeyError:
    labels = [label for label in _BEGIN.findall(text) if label != "EC PARAMETERS"]
    if labels:
        return _truncated() if labels[0] in PRIVATE_KEY_LABELS else _other_label(labels[0])
    if _is_token(text):
        return PrivateKeyError(
            KeyProblem.TOKEN,
            "This is a token, not a private key.",
            fix="A content or server token belongs elsewhere. Choose the .pem file of the API account.",
        )
    return PrivateKeyError(
        KeyProblem.NO_BEGIN_LINE,
        "The BEGIN line is missing, so this is not a whole private key.",
        fix="Copy the whole file, its BEGIN and END lines included.",
    )


def _is_token(text: str) -> bool:
    """A JWT, a content token (JSON in Base64) or a server token (a signed message)."""
    if _JWT.fullmatch("".join(text.split())) or "application/pkcs7-mime" in text:
        return True
    try:
        return base64.b64decode("".join(text.split()), validate=True).lstrip().startswith(b"{")
    except ValueError:
        return text.startswith("{")


def _other_label(label: str) -> PrivateKeyError:
    if label == "ENCRYPTED PRIVATE KEY":
        return _encrypted()
    if "PUBLIC KEY" in label:
        return PrivateKeyError(KeyProblem.PUBLIC_KEY, "This is a public key; the private key is needed.")
    if "CERTIFICATE" in label:
        return PrivateKeyError(KeyProblem.CERTIFICATE, "This is a certificate; the private key is needed.")
    if label == "RSA PRIVATE KEY":
        return _rsa()
    if label in {"PKCS7", "CMS"}:
        return PrivateKeyError(KeyProblem.TOKEN, "This is a signed message, not a private key.")
    return PrivateKeyError(KeyProblem.OTHER_KIND, "This is not a private key as Apple gives them out.")


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
        "The private key is cut off.",
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
