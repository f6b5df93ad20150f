import asyncio
from datetime import timedelta
from email.utils import formatdate

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey

from appleschool import (
    AppleSchool,
    Credentials,
    Forbidden,
    GarbledAnswer,
    InvalidClient,
    Kind,
    Limits,
    NotAuthorized,
    PrivateKey,
    RateLimited,
    ServerError,
    Unreachable,
)

from .keys import new_key
from .servers import client, error, page, serving


def refusal(word: str = "invalid_client", status: int = 400, **headers: str) -> web.Response:
    return web.json_response(
        {"error": word, "error_description": "eyJhbGciOi"}, status=status, headers=headers
    )


async def test_a_token_is_asked_for_as_apple_wants_it(credentials):
    async with serving() as server, client(server, credentials) as apple:
        await apple.token()
    (form,) = server.token_forms
    assert form.pop("client_assertion").count(".") == 2
    assert form == {
        "grant_type": "client_credentials",
        "client_id": "SCHOOLAPI.one",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "scope": "school.api",
    }


async def test_a_business_account_asks_for_its_own_scope(credentials):
    async with serving() as server, client(server, credentials, kind=Kind.BUSINESS) as apple:
        await apple.token()
    assert server.token_forms[0]["scope"] == "business.api"
    assert Kind.BUSINESS.api_url == "https://api-business.apple.com/v1"
    assert Kind.SCHOOL.api_url == "https://api-school.apple.com/v1"


async def test_the_scope_that_apple_granted_is_told(credentials):
    async with serving() as server, client(server, credentials) as apple:
        assert apple.granted_scope == ""
        server.token_replies.append(
            web.json_response({"access_token": "t", "expires_in": 3600, "scope": "school.api"})
        )
        await apple.token()
        assert apple.granted_scope == "school.api"


async def test_one_token_serves_many_requests_at_once(credentials):
    limits = Limits(max_rate=0, concurrency=20)
    async with serving() as server, client(server, credentials, limits=limits) as apple:
        await asyncio.gather(*(apple.apple_care_coverage(f"S{number}") for number in range(40)))
    assert len(server.token_forms) == 1
    assert set(server.tokens_shown) == {"Bearer token-1"}


async def test_it_is_renewed_five_minutes_before_it_ends(credentials):
    async with serving() as server, client(server, credentials) as apple:
        await apple.apple_care_coverage("S1")
        server.clock.turn(3600 - 301)
        await apple.apple_care_coverage("S2")
        assert server.granted == 1
        server.clock.turn(2)
        await asyncio.gather(*(apple.apple_care_coverage("S3") for _task in range(4)))
    assert server.granted == 2
    assert server.tokens_shown[-1] == "Bearer token-2"


async def test_a_short_lived_token_is_used_for_half_its_life(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.token_replies.append(web.json_response({"access_token": "brief", "expires_in": 60}))
        await apple.token()
        server.clock.turn(29)
        await apple.token()
        assert len(server.token_forms) == 1
        server.clock.turn(2)
        await apple.token()
        assert len(server.token_forms) == 2


async def test_a_401_gets_one_new_token_for_all_and_each_request_is_repeated(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [error(401, "NOT_AUTHORIZED") for _request in range(4)]
        await asyncio.gather(*(apple.apple_care_coverage(f"S{number}") for number in range(4)))
    assert server.granted == 2
    assert len(server.asked) == 8
    assert server.tokens_shown[-4:] == ["Bearer token-2"] * 4


async def test_a_second_401_is_an_error(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [error(401), error(401, "NOT_AUTHORIZED", X_Apple_Request_UUID="r-1")]
        with pytest.raises(NotAuthorized) as caught:
            await apple.apple_care_coverage("S1")
    assert (caught.value.status, caught.value.code, caught.value.request_id) == (401, "NOT_AUTHORIZED", "r-1")
    assert len(server.asked) == 2


@pytest.mark.parametrize("status", [400, 401])
async def test_refused_credentials_are_named_and_not_tried_again(credentials, status):
    async with serving() as server, client(server, credentials) as apple:
        server.token_replies = [refusal(status=status, **{"X-Apple-Request-UUID": "r-2"})]
        with pytest.raises(InvalidClient) as caught:
            await apple.token()
    assert (caught.value.status, caught.value.code, caught.value.request_id) == (
        status,
        "invalid_client",
        "r-2",
    )
    assert "eyJ" not in str(caught.value)
    assert len(server.token_forms) == 1


async def test_a_word_that_we_do_not_know_is_not_kept(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.token_replies = [refusal("eyJhbGciOiJFUzI1NiJ9")]
        with pytest.raises(InvalidClient) as caught:
            await apple.token()
    assert caught.value.code == ""


async def test_who_waits_for_a_token_shares_the_refusal(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.token_replies = [refusal(), refusal()]
        asked = [apple.apple_care_coverage(f"S{number}") for number in range(4)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [InvalidClient] * 4
        assert len(server.token_forms) == 1
        with pytest.raises(InvalidClient):
            await apple.token()
    assert server.asked == []


async def test_a_waiter_that_gives_up_leaves_the_renewal_to_the_others(credentials):
    async with serving() as server, client(server, credentials) as apple:
        first, second = (asyncio.create_task(apple.token()) for _task in range(2))
        await server.token_asked.wait()
        first.cancel()
        await second
        await apple.apple_care_coverage("S1")
    assert server.tokens_shown == ["Bearer token-1"]


async def test_a_limited_token_endpoint_is_waited_for(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.token_replies = [refusal("rate", 429), refusal("rate", 429, **{"Retry-After": "7"})]
        await apple.token()
        assert 36 < server.clock.passed < 42
        assert apple.pace.throttled == 2


async def test_a_token_endpoint_that_asks_for_too_long_is_an_error(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.token_replies = [refusal("rate", 429, **{"Retry-After": "7200"})]
        with pytest.raises(RateLimited) as caught:
            await apple.token()
    assert caught.value.retry_after == 7200
    assert server.clock.passed == 0


async def test_a_failing_token_endpoint_is_tried_again(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.token_replies = [web.Response(status=502, text="<html>"), web.Response(status=503)]
        await apple.token()
        server.token_replies = [web.Response(status=500) for _attempt in range(3)]
        server.clock.turn(4000)
        with pytest.raises(ServerError):
            await apple.token()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "[]",
        '"x"',
        "{}",
        '{"access_token": 5}',
        '{"access_token": "a\\r\\nb"}',
        '{"access_token": ""}',
    ],
)
async def test_an_answer_without_a_usable_token_is_an_error(credentials, body):
    async with serving() as server, client(server, credentials) as apple:
        server.token_replies = [web.Response(text=body, content_type="application/json")]
        with pytest.raises(GarbledAnswer):
            await apple.token()


async def test_an_odd_lifetime_is_taken_for_an_hour(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.token_replies = [web.json_response({"access_token": "t", "expires_in": "soon"})]
        await apple.token()
        server.clock.turn(3000)
        await apple.token()
    assert len(server.token_forms) == 1


async def test_a_role_that_may_not_sign_in_is_named(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.token_replies = [refusal(status=403)]
        with pytest.raises(Forbidden):
            await apple.token()


async def test_a_server_that_is_not_there_is_unreachable(credentials):
    async with serving() as server:
        pass
    async with client(server, credentials) as apple:
        with pytest.raises(Unreachable) as caught:
            await apple.token()
    assert str(caught.value) == "Apple's server can't be reached."
    assert apple.clock_skew is None
    assert apple.pace.retries == 2


async def test_the_clocks_difference_is_known_from_a_refusal_too(credentials):
    async with serving() as server, client(server, credentials) as apple:
        apples = formatdate(server.clock.time() + 7200, usegmt=True)
        server.token_replies = [refusal(Date=apples)]
        with pytest.raises(InvalidClient):
            await apple.token()
        assert apple.clock_skew == timedelta(hours=2)
        server.replies = [page([])]
        server.replies[0].headers["Date"] = formatdate(server.clock.time() - 60, usegmt=True)
        await apple.apple_care_coverage("S1")
        assert abs(apple.clock_skew - timedelta(minutes=-1)) < timedelta(seconds=1)


async def test_another_audience_can_be_set(credentials):
    async with serving() as server, client(server, credentials, audience="https://there.example") as apple:
        await apple.token()
    assertion = server.token_forms[0]["client_assertion"]
    key = ECKey.import_key(credentials.private_key.pem)
    assert jwt.decode(assertion, key, algorithms=["ES256"]).claims["aud"] == "https://there.example"


async def test_it_is_only_usable_when_entered():
    credentials = Credentials(client_id="c", key_id="k", private_key=PrivateKey(new_key()))
    with pytest.raises(RuntimeError, match="async with"):
        await AppleSchool(credentials).token()
