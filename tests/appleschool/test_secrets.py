import logging
import traceback

import pytest
from aiohttp import web

from appleschool import AppleError, Credentials, PrivateKey, PrivateKeyError

from .keys import new_key, pkcs8
from .servers import client, cut, error, serving

SECRET = "sekrit-token"


def shown(error: BaseException) -> str:
    """Everything that a log could show of an error, its causes included."""
    chain = "".join(traceback.format_exception(error))
    return chain + repr(error) + str(vars(error)) + repr(error.__context__) + repr(error.__cause__)


def test_a_key_shows_only_its_fingerprint():
    key = PrivateKey(new_key())
    secrets = "".join(key.pem.splitlines()[1:-1])
    credentials = Credentials(client_id="c", key_id="k", private_key=key)
    for text in (repr(key), str(key), repr(credentials), f"{credentials}"):
        assert not any(secrets[start : start + 12] in text for start in range(len(secrets) - 12))
    assert key.fingerprint[:12] in repr(key)


def test_a_key_that_cannot_be_read_is_not_shown():
    text = pkcs8(new_key())[:-60]
    with pytest.raises(PrivateKeyError) as caught:
        PrivateKey.from_pem(text)
    assert text.splitlines()[1][:12] not in repr(caught.value) + str(caught.value) + str(vars(caught.value))


@pytest.mark.parametrize(
    "reply",
    [
        lambda: error(401, "NOT_AUTHORIZED"),
        lambda: error(403),
        lambda: error(404),
        lambda: web.Response(status=500, text="<html>"),
        lambda: web.Response(status=302, headers={"Location": "https://evil.example"}),
        lambda: web.Response(text="<html>"),
        lambda: cut,
    ],
    ids=["401", "403", "404", "500", "302", "html", "cut"],
)
async def test_no_error_and_no_log_line_shows_a_token(credentials, caplog, reply):
    caplog.set_level(logging.DEBUG)
    async with serving() as server, client(server, credentials) as apple:
        grant = {"access_token": SECRET, "expires_in": 3600}
        server.token_replies = [web.json_response(grant) for _time in range(5)]
        server.replies = [reply() for _attempt in range(5)]
        with pytest.raises(AppleError) as caught:
            await apple.org_device("A")
        assert f"Bearer {SECRET}" in server.tokens_shown
    assertion = server.token_forms[0]["client_assertion"]
    for text in (shown(caught.value), caplog.text, repr(apple), str(vars(apple))):
        assert SECRET not in text
        assert assertion not in text


async def test_what_the_token_endpoint_says_is_never_repeated(credentials, caplog):
    caplog.set_level(logging.DEBUG)
    async with serving() as server, client(server, credentials) as apple:
        server.token_replies = [web.json_response({"error": SECRET, "error_description": SECRET}, status=400)]
        with pytest.raises(AppleError) as caught:
            await apple.token()
    assert SECRET not in shown(caught.value) + caplog.text
