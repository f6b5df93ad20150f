"""Keys of every kind that people paste, made on the spot."""

from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)


def p256(*, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return _pem(ec.generate_private_key(ec.SECP256R1()), form)


def encrypted() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")).decode()


def public() -> str:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@cache
def rsa_key() -> str:
    return _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def p384() -> str:
    return _pem(ec.generate_private_key(ec.SECP384R1()))


def truncated() -> str:
    return "\n".join(p256().splitlines()[:2])


def without_begin() -> str:
    return "\n".join(p256().splitlines()[1:])


def certificate() -> str:
    return "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUYDw=\n-----END CERTIFICATE-----\n"


def content_token() -> str:
    return "eyJleHBEYXRlIjoiMjAyNy0wMS0wMVQwMDowMDowMCswMDAwIn0.c2lnbmF0dXJl.cGF5bG9hZA"


def body(pem: str) -> str:
    """The secret part of a PEM, without its lines: what must never turn up anywhere."""
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))


def number(pem: str) -> int:
    """The secret itself."""
    key = load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.private_numbers().private_value


def _pem(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, form: PrivateFormat = PrivateFormat.PKCS8
) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
