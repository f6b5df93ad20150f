import base64
import contextlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from appleschool import AUDIENCE, Credentials, KeyProblem, PrivateKey, PrivateKeyError

from .keys import EC_PARAMETERS, PASSPHRASE, mislabelled, new_key, pkcs8, public, sec1

KEY = new_key()
FINGERPRINT = PrivateKey(KEY).fingerprint
FORMS = {
    "sec1": sec1(KEY),
    "pkcs8": pkcs8(KEY),
    "mislabelled": mislabelled(KEY),
    "sec1 labelled as pkcs8": sec1(KEY).replace("EC PRIVATE", "PRIVATE"),
    "parameters first": EC_PARAMETERS + sec1(KEY),
}
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def problem_of(text) -> KeyProblem:
    with pytest.raises(PrivateKeyError) as caught:
        PrivateKey.from_pem(text)
    assert str(caught.value).endswith(".")
    assert caught.value.fix.endswith(".")
    return caught.value.problem


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_it_reads_every_form_in_which_apple_or_openssl_writes_a_key(form):
    assert PrivateKey.from_pem(form).fingerprint == FINGERPRINT
    assert PrivateKey.from_pem(form.encode()).fingerprint == FINGERPRINT


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(
    ending=st.sampled_from(["\n", "\r\n", "\r", "\n\n", " \n", "\n\t", "\\n", "\\r\\n"]),
    before=st.text(" \t\r\n", max_size=5),
    after=st.text(" \t\r\n", max_size=5),
    last_newline=st.booleans(),
    encoding=st.sampled_from(["", "utf-8", "utf-8-sig", "utf-16"]),
)
def test_white_space_line_ends_and_encodings_do_not_matter(
    form, ending, before, after, last_newline, encoding
):
    text = before + (form if last_newline else form.rstrip("\n")).replace("\n", ending) + after
    assert PrivateKey.from_pem(text.encode(encoding) if encoding else text).fingerprint == FINGERPRINT


def test_it_takes_the_private_key_out_of_a_file_that_holds_more():
    assert PrivateKey.from_pem(CERTIFICATE + public(KEY) + pkcs8(KEY)).fingerprint == FINGERPRINT


@pytest.mark.parametrize("text", ["", b"", " \r\n\t ", "\ufeff\n", b"\xef\xbb\xbf"])
def test_it_names_an_empty_text(text):
    assert problem_of(text) is KeyProblem.EMPTY


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_it_names_a_truncated_key(form):
    assert problem_of(form[:-40]) is KeyProblem.TRUNCATED
    lines = form.splitlines()
    without_a_line = "\n".join([*lines[:-2], lines[-1]])
    assert problem_of(without_a_line) is KeyProblem.TRUNCATED


@pytest.mark.parametrize("form", [sec1(KEY), pkcs8(KEY), EC_PARAMETERS + sec1(KEY)])
def test_it_names_a_lost_begin_line(form):
    lines = [line for line in form.splitlines() if "BEGIN" not in line or "PARAMETERS" in line]
    assert problem_of("\n".join(lines)) is KeyProblem.NO_BEGIN_LINE
    assert problem_of("\n".join(lines[:-1])) is KeyProblem.NO_BEGIN_LINE


def test_it_names_a_public_key():
    assert problem_of(public(KEY)) is KeyProblem.PUBLIC_KEY


def test_it_names_a_certificate():
    assert problem_of(CERTIFICATE) is KeyProblem.CERTIFICATE
    assert problem_of(CERTIFICATE[:40]) is KeyProblem.CERTIFICATE


def test_it_names_a_key_with_a_passphrase():
    assert problem_of(pkcs8(KEY, PASSPHRASE)) is KeyProblem.ENCRYPTED
    assert problem_of(sec1(KEY, PASSPHRASE)) is KeyProblem.ENCRYPTED
    relabelled = pkcs8(KEY, PASSPHRASE).replace("ENCRYPTED PRIVATE", "PRIVATE")
    assert problem_of(relabelled) is KeyProblem.ENCRYPTED


def test_it_refuses_an_rsa_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    assert problem_of(pkcs8(key)) is KeyProblem.RSA
    assert problem_of(sec1(key)) is KeyProblem.RSA


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()])
def test_it_refuses_another_curve(curve):
    key = ec.generate_private_key(curve)
    assert problem_of(pkcs8(key)) is KeyProblem.OTHER_CURVE
    assert problem_of(sec1(key)) is KeyProblem.OTHER_CURVE


def test_it_refuses_another_kind_of_key():
    assert problem_of(pkcs8(ed25519.Ed25519PrivateKey.generate())) is KeyProblem.OTHER_KIND
    opened = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"
    assert problem_of(opened) is KeyProblem.OTHER_KIND
    assert problem_of("a" * 50_000) is KeyProblem.OTHER_KIND


CONTENT_TOKEN = base64.b64encode(json.dumps({"token": "x", "orgName": "A District"}).encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "eyJhbGciOiJkaXIifQ..Zm9v.YmFy.cXV4",
        CONTENT_TOKEN,
        '{"token": "x"}',
        "Content-Type: application/pkcs7-mime; name=smime.p7m\n\nMIIB",
        "-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----",
    ],
)
def test_it_names_a_token_pasted_instead(text):
    assert problem_of(text) is KeyProblem.TOKEN


def test_it_names_bytes_that_are_no_text():
    assert problem_of(b"\x30\x82\x01\xff\xfe\x00") is KeyProblem.NOT_TEXT


def test_it_names_damage():
    text = pkcs8(KEY)
    body = base64.b64decode("".join(text.splitlines()[1:-1]))
    damaged = body[:10] + bytes(20) + body[30:]
    text = f"-----BEGIN PRIVATE KEY-----\n{base64.b64encode(damaged).decode()}\n-----END PRIVATE KEY-----"
    assert problem_of(text) is KeyProblem.DAMAGED


@given(st.one_of(st.text(), st.binary(), st.sampled_from(list(FORMS.values()))), st.data())
def test_whatever_is_done_to_a_text_it_is_a_key_or_a_named_problem(text, data):
    cuts = data.draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=2).map(sorted))
    noise = data.draw(st.binary(max_size=4) if isinstance(text, bytes) else st.text(max_size=4))
    with contextlib.suppress(PrivateKeyError):
        assert isinstance(PrivateKey.from_pem(text[: cuts[0]] + noise + text[cuts[1] :]), PrivateKey)


def test_the_stored_form_is_read_again():
    assert PrivateKey.from_pem(PrivateKey(KEY).pem).fingerprint == FINGERPRINT


def test_the_assertion_holds_what_apple_asks_for(key):
    credentials = Credentials(client_id="SCHOOLAPI.one", key_id="key-one", private_key=key)
    token = jwt.decode(
        credentials.assertion(1_800_000_000.9), ECKey.import_key(key.pem), algorithms=["ES256"]
    )
    assert token.header == {"alg": "ES256", "kid": "key-one", "typ": "JWT"}
    assert token.claims.pop("jti")
    assert token.claims == {
        "iss": "SCHOOLAPI.one",
        "sub": "SCHOOLAPI.one",
        "aud": AUDIENCE,
        "iat": 1_800_000_000,
        "exp": 1_800_001_200,
    }


def test_a_team_id_is_the_issuer(key):
    credentials = Credentials(client_id="one", key_id="k", private_key=key, team_id="team")
    token = jwt.decode(credentials.assertion(0), ECKey.import_key(key.pem), algorithms=["ES256"])
    assert (token.claims["iss"], token.claims["sub"]) == ("team", "one")
