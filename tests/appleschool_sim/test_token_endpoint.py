import base64
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from appleschool_sim.credentials import new_credentials
from appleschool_sim.kinds import Kind
from appleschool_sim.testing import running_simulator, sign_assertion, token_parameters

from .asking import Caller

NOW = int(datetime.now(UTC).timestamp())
REFUSAL = {"error": "invalid_client"}


@pytest.fixture
def stranger(apple):
    return Caller(apple)


def refused(response):
    return response.status == 400 and response.json == REFUSAL


def test_a_good_assertion_is_worth_a_token_for_an_hour(stranger):
    answer = stranger.request_token().json
    token = answer.pop("access_token")
    assert answer == {"token_type": "Bearer", "expires_in": 3600, "scope": "school.api"}
    assert len(token.split(".")) == 5
    assert token.split(".")[1] == ""


def test_both_paths_answer(stranger):
    assert stranger.request_token("/auth/oauth2/v2/token").status == 200


def test_parameters_may_stand_in_the_query(apple, stranger):
    query = urlencode(token_parameters(apple.credentials))
    assert stranger.ask("POST", f"/auth/oauth2/token?{query}").status == 200


def test_an_assertion_may_be_used_again(apple, stranger):
    assertion = sign_assertion(apple.credentials)
    answers = [stranger.request_token(client_assertion=assertion) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].json["access_token"] != answers[1].json["access_token"]


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "SCHOOLAPI.someone-else"},
        {"sub": "SCHOOLAPI.someone-else"},
        {"aud": "https://account.apple.com/auth/oauth2/token"},
        {"aud": ["https://account.apple.com/auth/oauth2/v2/token"]},
        {"exp": NOW - 3600, "iat": NOW - 7200},
        {"exp": NOW + 181 * 86_400},
        {"exp": NOW},
        {"exp": "tomorrow"},
        {"exp": None},
        {"iat": NOW + 3600, "exp": NOW + 4000},
        {"iat": True},
        {"jti": ""},
        {"jti": None},
    ],
)
def test_a_wrong_claim_is_refused_without_a_reason(apple, stranger, claims):
    assertion = sign_assertion(apple.credentials, **claims)
    assert refused(stranger.request_token(client_assertion=assertion))
    assert apple.control.counts()["last_token_mistake"]


@pytest.mark.parametrize(
    "changes",
    [
        {"grant_type": "authorization_code"},
        {"client_id": "SCHOOLAPI.someone-else"},
        {"client_assertion_type": "jwt"},
        {"scope": "business.api"},
        {"client_assertion": ""},
        {"client_assertion": "not.a.token"},
        {"client_assertion": "ü"},
    ],
    ids=str,
)
def test_a_wrong_parameter_is_refused(stranger, changes):
    assert refused(stranger.request_token(**changes))


def test_a_missing_parameter_is_refused(stranger):
    assert refused(stranger.ask("POST", "/auth/oauth2/token"))


def test_another_key_is_refused(apple, stranger):
    other = new_credentials(Kind.SCHOOL)
    assertion = sign_assertion(
        type(other)(apple.credentials.client_id, apple.credentials.key_id, other.private_key)
    )
    assert refused(stranger.request_token(client_assertion=assertion))


def test_another_key_id_is_refused(apple, stranger):
    mine = apple.credentials
    other = new_credentials(Kind.SCHOOL)
    assertion = sign_assertion(type(other)(mine.client_id, other.key_id, mine.private_key))
    assert refused(stranger.request_token(client_assertion=assertion))


def test_a_der_signature_is_refused(apple, stranger):
    signed = sign_assertion(apple.credentials).rpartition(".")[0]
    key = load_pem_private_key(apple.credentials.private_key.encode(), None)
    signature = base64.urlsafe_b64encode(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))).rstrip(b"=")
    assert refused(stranger.request_token(client_assertion=f"{signed}.{signature.decode()}"))


def test_another_algorithm_is_refused(apple, stranger):
    mine = ECKey.import_key(apple.credentials.private_key)
    claims = jwt.decode(sign_assertion(apple.credentials), mine).claims
    header = {"alg": "HS256", "kid": apple.credentials.key_id}
    assertion = jwt.encode(header, claims, OctKey.import_key("0123456789abcdef0123456789abcdef"))
    assert refused(stranger.request_token(client_assertion=assertion))


def test_an_assertion_without_signature_is_refused(apple, stranger):
    claims = sign_assertion(apple.credentials).split(".")[1]
    header = json.dumps({"alg": "none", "kid": apple.credentials.key_id}).encode()
    assertion = f"{base64.urlsafe_b64encode(header).rstrip(b'=').decode()}.{claims}."
    assert refused(stranger.request_token(client_assertion=assertion))


def test_a_body_that_is_no_form_is_refused(stranger):
    answer = stranger.ask("POST", "/auth/oauth2/token", b"{}", Content_Type="application/json")
    assert (answer.status, answer.json) == (400, {"error": "invalid_request"})


def test_a_minute_of_clock_skew_is_forgiven(apple, stranger):
    assertion = sign_assertion(apple.credentials, iat=NOW + 30, exp=NOW + 600)
    assert stranger.request_token(client_assertion=assertion).status == 200


def test_a_request_without_a_token_is_refused(stranger):
    answer = stranger.get("orgDevices")
    assert (answer.status, answer.error["code"]) == (401, "NOT_AUTHORIZED")


def test_an_invented_token_is_refused(stranger):
    stranger.token = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..a.b.c"
    assert stranger.get("orgDevices").status == 401


def test_a_token_expires_after_an_hour_of_the_simulators_clock(apple, caller):
    apple.control.advance_clock(timedelta(minutes=59))
    assert caller.get("orgDevices?limit=1").status == 200
    apple.control.advance_clock(timedelta(minutes=1))
    assert caller.get("orgDevices?limit=1").status == 401


def test_a_client_with_the_real_time_still_signs_in_after_the_clock_was_turned(apple, caller):
    apple.control.advance_clock(timedelta(days=400))
    assert caller.sign_in().get("orgDevices?limit=1").status == 200


def test_a_revoked_key_signs_nobody_in_and_ends_the_tokens(apple, caller):
    apple.control.revoke_key()
    assert caller.get("orgDevices").status == 401
    assert refused(caller.request_token())


def test_a_new_key_takes_the_place_of_the_old_one(fresh_apple, fresh_caller):
    old = fresh_apple.credentials
    new = fresh_apple.control.new_key()
    assert new.client_id == old.client_id
    assert refused(fresh_caller.request_token(client_assertion=sign_assertion(old)))
    assert fresh_apple.credentials.key_id == new.key_id
    assert fresh_caller.request_token().status == 200


def test_a_business_has_its_own_scope():
    with running_simulator(Kind.BUSINESS, devices=6) as business:
        assert Caller(business).request_token().json["scope"] == "business.api"
        assert refused(Caller(business).request_token(scope="school.api"))
        assert business.credentials.client_id.startswith("BUSINESSAPI.")
