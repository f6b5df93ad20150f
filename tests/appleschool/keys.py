"""Private keys, and what people paste instead of them."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

# `openssl ecparam -name prime256v1 -genkey` writes this block before the key.
EC_PARAMETERS = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
PASSPHRASE = BestAvailableEncryption(b"apple")


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def sec1(key, encryption: KeySerializationEncryption | None = None) -> str:
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, encryption or NoEncryption()
    ).decode()


def pkcs8(key, encryption: KeySerializationEncryption | None = None) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


def mislabelled(key) -> str:
    """PKCS#8 bytes under the label of SEC1."""
    return pkcs8(key).replace("PRIVATE KEY", "EC PRIVATE KEY")


def public(key) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
