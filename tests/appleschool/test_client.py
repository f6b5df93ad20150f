import asyncio
import contextlib
import json
from email.utils import formatdate

import pytest
from aiohttp import web

from appleschool import (
    AppleSchool,
    Forbidden,
    ForeignLink,
    GarbledAnswer,
    Limits,
    NotFound,
    ProtocolError,
    RateLimited,
    RequestError,
    ServerError,
    StaleCursor,
    Unreachable,
    UnreadableRecord,
)

from .servers import QUICK, client, cut, device, error, page, serving, single


async def walk(apple, **options):
    return [page async for page in apple.org_devices(**options)]


def serials(pages):
    return [record.serial_number for page in pages for record in page.records]


# Lists


async def test_a_list_is_walked_to_the_page_without_a_next_one(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [
            page([device("A")], cursor="one:1=+/&"),
            page([], cursor="two"),
            page([device("B"), device("C")]),
        ]
        pages = await walk(apple, limit=500)
    assert serials(pages) == ["A", "B", "C"]
    assert [each.next_cursor for each in pages] == ["one:1=+/&", "two", None]
    assert server.asked == [
        "/v1/orgDevices?limit=500",
        "/v1/orgDevices?limit=500&cursor=one%3A1%3D%2B%2F%26",
        "/v1/orgDevices?limit=500&cursor=two",
    ]


async def test_a_walk_goes_on_from_a_cursor(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [page([device("B")])]
        assert serials(await walk(apple, cursor="one")) == ["B"]
    assert server.asked == ["/v1/orgDevices?limit=1000&cursor=one"]


async def test_a_next_link_alone_is_enough(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [
            page([device("A")], next_link=f"{server.api_url}/orgDevices?cursor=a%2Bb"),
            page([device("B")], next_link=f"{server.api_url}/orgDevices?page=3"),
            page([device("C")]),
        ]
        pages = await walk(apple)
        assert serials(pages) == ["A", "B", "C"]
        assert pages[0].next_cursor == "a+b"
        await walk(apple, cursor=pages[1].next_cursor)
    assert server.asked[1:] == [
        "/v1/orgDevices?limit=1000&cursor=a%2Bb",
        "/v1/orgDevices?page=3",
        "/v1/orgDevices?page=3",
    ]


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1/orgDevices?cursor=x",
        "//evil.example/v1/orgDevices?cursor=x",
        "{origin}@evil.example/v1/orgDevices?cursor=x",
        "https://127.0.0.1:{port}/v1/orgDevices?cursor=x",
        "http://127.0.0.1:1/v1/orgDevices?cursor=x",
        "http://user:password@127.0.0.1:{port}/v1/orgDevices?cursor=x",
        "http://127.0.0.1:{port}/v1evil/orgDevices?cursor=x",
        "http://127.0.0.1:{port}/auth/oauth2/token?cursor=x",
        "/v1/orgDevices?cursor=x",
        "file:///etc/passwd",
        "http://[",
        "http://127.0.0.1:{port}/v1/orgDevices?cursor=x HTTP/1.1\r\nHost: evil.example",
    ],
)
@pytest.mark.parametrize("cursor", [None, "x"])
async def test_a_link_to_another_address_is_refused(credentials, link, cursor):
    async with serving() as server, client(server, credentials) as apple:
        link = link.format(origin=server.base, port=server.base.rpartition(":")[2])
        server.replies = [page([device("A")], next_link=link, cursor=cursor)]
        with pytest.raises(ForeignLink):
            await walk(apple)
    assert len(server.asked) == 1


async def test_a_stored_cursor_that_is_a_foreign_link_is_refused(credentials):
    async with serving() as server, client(server, credentials) as apple:
        with pytest.raises(ForeignLink):
            await walk(apple, cursor="https://evil.example/v1/orgDevices")
    assert server.asked == server.token_forms == []


async def test_the_same_address_written_otherwise_is_followed(credentials):
    async with serving() as server, client(server, credentials) as apple:
        link = f"{server.api_url.replace('http:', 'HTTP:')}/orgDevices?cursor=c"
        server.replies = [page([], next_link=link), page([device("A")])]
        assert serials(await walk(apple)) == ["A"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(credentials, status):
    async with serving() as elsewhere, serving() as server, client(server, credentials) as apple:
        location = {"Location": f"{elsewhere.api_url}/orgDevices"}
        server.replies = [web.Response(status=status, headers=location)]
        with pytest.raises(ForeignLink):
            await walk(apple)
    assert elsewhere.asked == []


@pytest.mark.parametrize("status", [400, 410])
async def test_a_stale_cursor_has_its_own_error(credentials, status):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [error(status, "PARAMETER_ERROR.INVALID", "'old' is not a valid cursor")]
        with pytest.raises(StaleCursor) as caught:
            await walk(apple, cursor="old")
        assert (caught.value.status, caught.value.code) == (status, "PARAMETER_ERROR.INVALID")
        server.replies = [error(400, "PARAMETER_ERROR.INVALID", "limit is too large")]
        with pytest.raises(RequestError, match="limit is too large") as caught:
            await walk(apple, limit=5000)
        assert not isinstance(caught.value, StaleCursor)


async def test_a_list_that_goes_round_in_a_circle_ends(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [page([], cursor=cursor) for cursor in ("a", "b", "a", "b")]
        with pytest.raises(ProtocolError, match="circle"):
            await walk(apple)
    assert len(server.asked) == 3


async def test_a_401_in_the_middle_of_a_walk_does_not_show(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [page([device("A")], cursor="one"), error(401), page([device("B")])]
        assert serials(await walk(apple)) == ["A", "B"]
    assert server.granted == 2


async def test_what_is_no_record_is_handed_over_with_its_place(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [page([device("A"), None, {"id": 7}])]
        ((first, second, third),) = [each.records for each in await walk(apple)]
    assert first.serial_number == "A"
    assert second == UnreadableRecord(None, "$.data[1] is not an object: nothing.")
    assert third == UnreadableRecord({"id": 7}, "$.data[2].id is not a usable text: 7.")


@pytest.mark.parametrize("body", ["", "[]", "null", "{}", '{"data": {}}', '{"data": null}', "[" * 5000])
async def test_an_answer_without_a_list_is_an_error(credentials, body):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [web.Response(text=body, content_type="application/json") for _attempt in range(3)]
        with pytest.raises(GarbledAnswer):
            await walk(apple)


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"links": None, "meta": []},
        {"links": {"next": 5}, "meta": {"paging": {"nextCursor": None}}},
        {"meta": {"paging": 1}},
    ],
)
async def test_odd_links_are_the_end_of_the_list(credentials, extra):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [web.json_response({"data": [], **extra})]
        (only,) = await walk(apple)
    assert only.next_cursor is None


# Single questions


async def test_a_device_is_found_by_its_serial_number(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [single(device("A/B C", color="BLUE"))]
        assert (await apple.org_device("A/B C")).color == "BLUE"
    assert server.asked == ["/v1/orgDevices/A%2FB%20C"]


async def test_an_unknown_device_is_not_found(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [error(404, "NOT_FOUND", "There is no resource.", X_Apple_Request_UUID="r-9")]
        with pytest.raises(NotFound) as caught:
            await apple.org_device("NOSUCH")
    wrong = caught.value
    assert (str(wrong), wrong.status, wrong.code) == ("There is no resource.", 404, "NOT_FOUND")
    assert (wrong.request_id, wrong.fix) == ("r-9", "Check the serial number.")
    assert wrong.concerns_one_request


async def test_a_device_that_cannot_be_read_is_an_error(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [single(None)]
        with pytest.raises(ProtocolError, match=r"\$\.data is not an object"):
            await apple.org_device("A")


async def test_all_pages_of_a_coverage_are_read(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [
            page(
                [{"id": "1"}],
                next_link=f"{server.api_url}/orgDevices/S/appleCareCoverage?cursor=c",
                cursor="c",
            ),
            page([{"id": "2"}, "odd"]),
        ]
        records = await apple.apple_care_coverage("S")
    assert [type(record).__name__ for record in records] == [
        "AppleCareCoverage",
        "AppleCareCoverage",
        "UnreadableRecord",
    ]
    assert server.asked == [
        "/v1/orgDevices/S/appleCareCoverage",
        "/v1/orgDevices/S/appleCareCoverage?limit=1000&cursor=c",
    ]


@pytest.mark.parametrize(
    "reply",
    [
        lambda: error(404, "NOT_FOUND"),
        lambda: single(None),
        lambda: single({"type": "mdmServers", "id": ""}),
        lambda: single({"type": "mdmServers"}),
    ],
)
async def test_a_device_on_no_server_has_none(credentials, reply):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [reply(), reply()]
        assert await apple.assigned_server_id("S") is None
        assert await apple.assigned_server("S") is None


async def test_servers_and_what_is_on_them_are_read(credentials):
    async with serving() as server, client(server, credentials) as apple:
        mdm = {"id": "7C0E", "attributes": {"serverName": "Mosyle"}}
        server.replies = [
            single({"type": "mdmServers", "id": "7C0E"}),
            single(mdm),
            single(mdm),
            page([mdm]),
            page([{"id": "A"}, {"id": "B"}], cursor="c"),
            page([{"id": "C"}]),
            single({"id": "act", "attributes": {"status": "COMPLETED"}}),
            single({"id": "S", "attributes": {"isLocked": False, "lockType": "NONE"}}),
        ]
        assert await apple.assigned_server_id("S") == "7C0E"
        assert (await apple.assigned_server("S")).name == "Mosyle"
        assert (await apple.mdm_server("7C0E")).name == "Mosyle"
        assert [each.records[0].id async for each in apple.mdm_servers()] == ["7C0E"]
        on_it = [each.records async for each in apple.mdm_server_device_ids("7C0E")]
        assert on_it == [["A", "B"], ["C"]]
        assert (await apple.activity("act")).status == "COMPLETED"
        assert (await apple.activation_lock_status("S")).is_locked is False
    assert server.asked == [
        "/v1/orgDevices/S/relationships/assignedServer",
        "/v1/orgDevices/S/assignedServer",
        "/v1/mdmServers/7C0E",
        "/v1/mdmServers?limit=1000",
        "/v1/mdmServers/7C0E/relationships/devices?limit=1000",
        "/v1/mdmServers/7C0E/relationships/devices?limit=1000&cursor=c",
        "/v1/orgDeviceActivities/act",
        "/v1/orgDevices/S/activationLockStatus",
    ]


# Failures


@pytest.mark.parametrize(
    "broken",
    [lambda: web.Response(status=500, text="<html>Oops"), lambda: web.Response(status=503), lambda: cut],
    ids=["html", "empty", "cut"],
)
async def test_what_breaks_is_tried_again_after_a_pause(credentials, broken):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [broken(), broken(), page([device("A")])]
        assert serials(await walk(apple)) == ["A"]
        assert apple.pace.retries == 2
    assert 1 < server.clock.passed < 4


async def test_attempts_are_bounded(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [web.Response(status=500, text="<html>") for _attempt in range(9)]
        with pytest.raises(ServerError) as caught:
            await apple.org_device("A")
        assert (caught.value.status, caught.value.code) == (500, "")
        assert len(server.asked) == QUICK.attempts
        server.replies = [cut for _attempt in range(9)]
        with pytest.raises(Unreachable, match="broke off"):
            await apple.org_device("A")
        assert len(server.asked) == 2 * QUICK.attempts


async def test_an_answer_without_end_is_given_up(credentials):
    sent = 0

    async def endless(request):
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while sent < 2**30:
                await response.write(bytes(2**20))
                sent += 2**20
        return response

    limits = Limits(max_rate=0, attempts=1)
    async with serving() as server, client(server, credentials, limits=limits) as apple:
        server.replies = [endless]
        with pytest.raises(GarbledAnswer, match="too large"):
            await apple.org_device("A")
    assert sent < 2**28


async def test_a_slow_server_is_given_up_on(credentials):
    async def never(request):
        await asyncio.sleep(30)

    limits = Limits(max_rate=0, attempts=1, timeout=0.05)
    async with serving() as server, client(server, credentials, limits=limits) as apple:
        await apple.token()
        server.replies = [never]
        with pytest.raises(Unreachable, match="in time"):
            await apple.org_device("A")


@pytest.mark.parametrize(
    ("status", "kind"), [(400, RequestError), (403, Forbidden), (406, RequestError), (409, RequestError)]
)
async def test_what_apple_refuses_is_not_tried_again(credentials, status, kind):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [error(status, "SOME.CODE")]
        with pytest.raises(kind) as caught:
            await apple.org_device("A")
    assert (caught.value.status, caught.value.code) == (status, "SOME.CODE")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "body",
    ["", "<html>", "[]", '{"errors": []}', '{"errors": {}}', '{"errors": [5]}', '{"errors": [{"code": {}}]}'],
)
async def test_an_error_document_may_be_anything(credentials, body):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [web.Response(status=403, text=body)]
        with pytest.raises(Forbidden):
            await apple.org_device("A")


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_nobody_asks_while_apple_asks_to_wait(credentials, form):
    limits = Limits(max_rate=0, concurrency=8)
    async with serving() as server, client(server, credentials, limits=limits) as apple:
        refused_at = []

        async def refuse(request):
            refused_at.append(server.clock.passed)
            date = formatdate(server.clock.time(), usegmt=True)
            later = formatdate(server.clock.time() + 20, usegmt=True)
            return error(429, Retry_After="20" if form == "seconds" else later, Date=date)

        server.replies = [page([]) for _request in range(10)] + [refuse]
        await asyncio.gather(*(apple.apple_care_coverage(f"S{number}") for number in range(60)))
        assert apple.pace.throttled == 1
    (began,) = refused_at
    assert len(server.asked) == 61
    in_flight = [moment for moment in server.asked_at if began < moment < began + 19.9]
    assert len(in_flight) <= 8
    assert all(moment < began + 1 for moment in in_flight)


async def test_a_connection_made_while_apple_asks_to_wait_is_not_used(credentials):
    async with serving() as server, client(server, credentials) as apple:
        await apple.token()
        asking = [asyncio.create_task(apple.apple_care_coverage(f"S{number}")) for number in range(3)]
        await asyncio.sleep(0)  # they have had their turns, and set out for connections
        apple.pace.hold(20, sent_at=server.clock.monotonic())
        await asyncio.gather(*asking)
        assert apple.pace.requests == 4
    assert len(server.asked) == 3
    assert min(server.asked_at) >= 20


async def test_a_refusal_costs_no_attempt_but_patience_is_bounded(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [error(429, Retry_After="50") for _refusal in range(8)]
        await apple.apple_care_coverage("S")
        assert len(server.asked) == 9
        server.replies = [error(429) for _refusal in range(30)]
        with pytest.raises(RateLimited) as caught:
            await apple.apple_care_coverage("S")
    assert caught.value.status == 429
    assert not caught.value.concerns_one_request
    assert len(server.asked) < 25


async def test_an_outage_says_itself_how_long_to_wait(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [web.Response(status=503, headers={"Retry-After": "90"})]
        await apple.apple_care_coverage("S")
        assert 90 <= server.clock.passed < 100
        assert apple.pace.rate is None


async def test_a_cancelled_request_leaves_the_client_usable(credentials):
    limits = Limits(max_rate=2, concurrency=2)
    async with serving() as server, client(server, credentials, limits=limits) as apple:
        await apple.token()
        tasks = [asyncio.create_task(apple.apple_care_coverage(f"S{number}")) for number in range(6)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert await apple.apple_care_coverage("S") == []


async def test_what_was_sent_is_counted(credentials):
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [error(429, Retry_After="1"), web.Response(status=500), page([])]
        await apple.apple_care_coverage("S")
        assert (apple.pace.requests, apple.pace.throttled, apple.pace.retries) == (4, 1, 1)


async def test_the_proxy_of_the_environment_is_used(credentials, monkeypatch):
    async with serving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.base)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "127.0.0.1")
        apple = AppleSchool(
            credentials,
            api_url="http://apple.invalid/v1",
            token_url="http://apple.invalid/auth/oauth2/token",
            limits=QUICK,
            clock=proxy.clock,
        )
        async with apple, serving() as server, client(server, credentials) as direct:
            await apple.apple_care_coverage("S1")
            await direct.apple_care_coverage("S2")
    assert [address.partition("/v1")[2] for address in proxy.asked] == ["/orgDevices/S1/appleCareCoverage"]
    assert server.asked == ["/v1/orgDevices/S2/appleCareCoverage"]


async def test_characters_that_no_database_keeps_are_replaced(credentials):
    body = json.dumps({"data": device("A", color="B\0L", orderNumber="\ud800")}).encode()
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [web.Response(body=body, content_type="application/json")]
        found = await apple.org_device("A")
    assert (found.color, found.order_number) == ("B\ufffdL", "\ufffd")
    assert found.attributes["color"] == "B\ufffdL"


async def test_bytes_that_are_no_text_are_replaced(credentials):
    body = json.dumps({"data": device("A", color="X")}).encode().replace(b"X", b"\xff")
    async with serving() as server, client(server, credentials) as apple:
        server.replies = [web.Response(body=body, content_type="application/json")]
        assert (await apple.org_device("A")).color == "\ufffd"
