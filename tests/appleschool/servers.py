"""A server that says what a test tells it to: for answers that no well-behaved Apple gives."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.test_utils import RawTestServer

from appleschool import AppleSchool, Limits

from .clocks import TurnedClock

Reply = web.StreamResponse | Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

QUICK = Limits(max_rate=0, concurrency=4, attempts=3, timeout=5.0, longest_wait=600.0)


class Server:
    """Answers from `replies` in turn, and empty lists after that. `asked` remembers everything."""

    def __init__(self, clock: TurnedClock) -> None:
        self.clock = clock
        self.replies: list[Reply] = []
        self.token_replies: list[Reply] = []
        self.asked: list[str] = []
        self.asked_at: list[float] = []
        self.tokens_shown: list[str] = []
        self.token_forms: list[dict[str, Any]] = []
        self.token_asked = asyncio.Event()
        self.granted = 0
        self.base = ""

    @property
    def api_url(self) -> str:
        return f"{self.base}/v1"

    @property
    def token_url(self) -> str:
        return f"{self.base}/auth/oauth2/token"

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith("/auth"):
            self.token_forms.append(dict(await request.post()))
            self.token_asked.set()
            await asyncio.sleep(0.01)
            return await self._reply(request, self.token_replies) or self._grant()
        self.asked.append(request.raw_path)
        self.asked_at.append(self.clock.passed)
        self.tokens_shown.append(request.headers.get("Authorization", ""))
        return await self._reply(request, self.replies) or page([])

    async def _reply(self, request: web.BaseRequest, replies: list[Reply]) -> web.StreamResponse | None:
        if not replies:
            return None
        reply = replies.pop(0)
        return reply if isinstance(reply, web.StreamResponse) else await reply(request)

    def _grant(self) -> web.Response:
        self.granted += 1
        return web.json_response(
            {"access_token": f"token-{self.granted}", "token_type": "Bearer", "expires_in": 3600}
        )


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server(TurnedClock())
    raw = RawTestServer(server.handle)
    async with raw:
        server.base = str(raw.make_url("")).rstrip("/")
        yield server


def client(server: Server, credentials, **options: Any) -> AppleSchool:
    options = {"limits": QUICK, "clock": server.clock} | options
    return AppleSchool(credentials, api_url=server.api_url, token_url=server.token_url, **options)


def page(records: list[Any], *, cursor: str | None = None, next_link: str | None = None) -> web.Response:
    paging = {"limit": 100} | ({"nextCursor": cursor} if cursor else {})
    links = {"self": "x"} | ({"next": next_link} if next_link else {})
    return web.json_response({"data": records, "links": links, "meta": {"paging": paging}})


def device(serial: str, **attributes: Any) -> dict[str, Any]:
    return {"type": "orgDevices", "id": serial, "attributes": {"serialNumber": serial} | attributes}


def single(record: Any) -> web.Response:
    return web.json_response({"data": record, "links": {"self": "x"}})


def error(status: int, code: str = "", detail: str = "", **headers: str) -> web.Response:
    document = {"errors": [{"status": str(status), "code": code, "title": "No", "detail": detail}]}
    return web.json_response(
        document, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


async def cut(request: web.BaseRequest) -> web.StreamResponse:
    """The first bytes of a longer answer, and then the connection is gone."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "5000"})
    await response.prepare(request)
    await response.write(b'{"data": [{"type": "orgDevices", "id": "C')
    assert request.transport
    request.transport.close()
    return response
