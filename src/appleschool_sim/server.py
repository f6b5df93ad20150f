"""The simulator over HTTP: who may ask, how often, and what goes wrong on the way."""

import asyncio
import math
from collections.abc import Mapping
from datetime import timedelta
from email.utils import format_datetime
from urllib.parse import parse_qsl
from uuid import uuid4

import msgspec
from aiohttp import web

from appleschool_sim.actions import Submit
from appleschool_sim.control_api import ControlApi
from appleschool_sim.control_page import to_the_page
from appleschool_sim.endpoints import Call, to_json
from appleschool_sim.errors import Refusal
from appleschool_sim.faults import Fault
from appleschool_sim.kinds import RequestKind
from appleschool_sim.routes import route
from appleschool_sim.simulator import Simulator
from appleschool_sim.tokens import InvalidClientError

JSON = "application/json"
HTML = b"<html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>"
_THROTTLES = {
    Fault.THROTTLED: "seconds",
    Fault.THROTTLED_DATE: "date",
    Fault.THROTTLED_SILENT: "none",
}
_ACCEPTED = {"application/json", "application/*", "*/*"}


class Reply:
    """What goes back to the client, before transport."""

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(
        self, status: int, body: bytes, *, content_type: str = JSON, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers or {}


class DroppedError(Exception):
    """The connection ends without an answer."""


class Front:
    """The handler of every request."""

    def __init__(self, simulator: Simulator, control: ControlApi) -> None:
        self._simulator = simulator
        self._control = control
        self._date = (0, "")

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        if path.startswith("/_control/"):
            return await self._control.answer(request, path.removeprefix("/_control/"))
        if path in {"/", "/_control"}:
            return to_the_page()
        simulator = self._simulator
        simulator.catch_up()
        kind, identity = route(request.method, path)
        counters = simulator.counters
        counters.begin(kind)
        status = 0
        try:
            reply = await self._reply(request, kind, identity, path, query)
            status = reply.status
            return await self._send(request, kind, identity, reply)
        except DroppedError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        finally:
            counters.end(status)
            counters.saw(request.method, path, status)

    async def _reply(
        self, request: web.BaseRequest, kind: RequestKind, identity: str, path: str, query: str
    ) -> Reply:
        faults = self._simulator.faults
        try:
            if faults.active:
                await self._delay_or_drop(kind, identity)
            parameters = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
            if kind is RequestKind.TOKEN:
                return await self._token(request, parameters)
            if kind is RequestKind.ACTIVITY_LOG:
                return self._activity_log(request, identity, parameters)
            self._check_token(request, kind, identity)
            self._check_rate(kind, identity)
            if faults.active and (failure := self._failure(kind, identity)):
                return failure
            _check_accept(request)
            self._check_route(kind, request, path)
            body = await request.read() if request.method == "POST" else b""
            base = f"{request.scheme}://{request.host}"
            answer = self._simulator.endpoints.answer(Call(kind, identity, parameters, base, path, body))
            if kind is RequestKind.CREATE_ACTIVITY:
                self._control.note(Submit(document=msgspec.Raw(body)))
            return Reply(answer.status, to_json(answer))
        except Refusal as refusal:
            return Reply(refusal.status, refusal.body(), headers=refusal.headers)

    async def _token(self, request: web.BaseRequest, parameters: dict[str, str]) -> Reply:
        faults = self._simulator.faults
        if setting := faults.strikes(Fault.TOKEN_THROTTLED, RequestKind.TOKEN):
            raise self._too_many(RequestKind.TOKEN, setting.seconds, "seconds")
        if faults.strikes(Fault.TOKEN_REFUSED, RequestKind.TOKEN):
            return Reply(400, b'{"error":"invalid_client"}')
        if failure := self._failure(RequestKind.TOKEN, ""):
            return failure
        body = await request.read()
        if body:
            if request.content_type != "application/x-www-form-urlencoded":
                return Reply(400, b'{"error":"invalid_request"}')
            parameters |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        try:
            return Reply(200, msgspec.json.encode(self._simulator.tokens.issue(parameters)))
        except InvalidClientError as error:
            self._simulator.counters.last_token_mistake = str(error)
            return Reply(400, b'{"error":"invalid_client"}')

    def _activity_log(self, request: web.BaseRequest, identity: str, parameters: dict[str, str]) -> Reply:
        if "Authorization" in request.headers:
            raise Refusal(400, "A signed address takes no other credentials")
        now = self._simulator.clock.now()
        content = self._simulator.activities.log(identity, parameters.get("signature", ""), now)
        name = parameters.get("response-content-disposition", "attachment")
        return Reply(200, content, content_type="text/csv", headers={"Content-Disposition": name})

    def _check_token(self, request: web.BaseRequest, kind: RequestKind, identity: str) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        tokens = self._simulator.tokens
        if self._simulator.faults.strikes(Fault.UNAUTHORIZED, kind, identity):
            tokens.forget(token)
        if scheme != "Bearer" or not tokens.is_good(token):
            raise Refusal(
                401,
                "Provide a properly signed bearer token, and make sure that it has not expired.",
            )

    def _check_rate(self, kind: RequestKind, identity: str) -> None:
        bucket = self._simulator.bucket
        if bucket is not None and (seconds := bucket.take()) > 0:
            raise self._too_many(kind, seconds, self._simulator.retry_after)
        if not self._simulator.faults.active:
            return
        for fault, form in _THROTTLES.items():
            if setting := self._simulator.faults.strikes(fault, kind, identity):
                raise self._too_many(kind, setting.seconds, form)

    def _too_many(self, kind: RequestKind, seconds: float, form: str) -> Refusal:
        headers = {}
        if form == "seconds":
            whole = math.ceil(seconds)
            headers["Retry-After"] = str(whole)
            self._simulator.counters.hold(kind, whole)
        elif form == "date":
            # A date has no fractions, so it is the first whole second by which the wait is surely over.
            until = self._simulator.clock.now() + timedelta(seconds=seconds + 1)
            headers["Retry-After"] = format_datetime(until.replace(microsecond=0), usegmt=True)
            self._simulator.counters.hold(kind, seconds + 1 - until.microsecond / 1_000_000)
        return Refusal(429, "Too many requests. Try again later.", headers=headers)

    def _failure(self, kind: RequestKind, identity: str) -> Reply | None:
        faults = self._simulator.faults
        if faults.strikes(Fault.FORBIDDEN, kind, identity):
            raise Refusal(403, "The API key in use does not allow this request")
        if faults.strikes(Fault.UNAVAILABLE, kind, identity):
            raise Refusal(503, "Try again later")
        if faults.strikes(Fault.SERVER_ERROR, kind, identity):
            return Reply(500, HTML, content_type="text/html")
        return None

    def _check_route(self, kind: RequestKind, request: web.BaseRequest, path: str) -> None:
        if kind is RequestKind.CREATE_ACTIVITY and request.content_type != JSON:
            raise Refusal(422, f"The Content-Type must be {JSON}")
        if kind is not RequestKind.UNKNOWN:
            return
        parts = path.split("/")
        if path.startswith("/v1/mdmServers/") and parts[-1] == "devices":
            raise Refusal(
                403, "The relationship 'devices' does not allow 'GET_RELATED', only GET_RELATIONSHIP"
            )
        if request.method not in {"GET", "POST"}:
            raise Refusal(405, f"The method '{request.method}' is not allowed here")
        raise Refusal(404, f"The path provided does not match a defined resource type: {path}")

    async def _delay_or_drop(self, kind: RequestKind, identity: str) -> None:
        faults = self._simulator.faults
        if setting := faults.strikes(Fault.SLOW, kind, identity):
            await asyncio.sleep(setting.seconds)
        if faults.strikes(Fault.DROPPED, kind, identity):
            raise DroppedError

    async def _send(
        self, request: web.BaseRequest, kind: RequestKind, identity: str, reply: Reply
    ) -> web.StreamResponse:
        headers = {
            "Content-Type": reply.content_type,
            "Server": "Apple",
            "Date": self._date_header(),
            "X-Apple-Request-UUID": str(uuid4()),
            **reply.headers,
        }
        faults = self._simulator.faults
        if faults.active and reply.status == web.HTTPOk.status_code:
            if faults.strikes(Fault.BROKEN_JSON, kind, identity):
                return web.Response(body=reply.body[: len(reply.body) // 2], headers=headers)
            if faults.strikes(Fault.CUT_BODY, kind, identity):
                return await _send_half(request, reply, headers)
        return web.Response(status=reply.status, body=reply.body, headers=headers)

    def _date_header(self) -> str:
        now = self._simulator.clock.now()
        second = int(now.timestamp())
        if self._date[0] != second:
            self._date = (second, format_datetime(now.replace(microsecond=0), usegmt=True))
        return self._date[1]


async def _send_half(request: web.BaseRequest, reply: Reply, headers: dict[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(headers=headers | {"Content-Length": str(len(reply.body))})
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    if request.transport is not None:
        # Not abort: the first half is to arrive.
        request.transport.close()
    return response


def _check_accept(request: web.BaseRequest) -> None:
    accept = request.headers.get("Accept", "*/*")
    if not {part.partition(";")[0].strip() for part in accept.split(",")} & _ACCEPTED:
        raise Refusal(406, f"'{accept}' is not supported")
