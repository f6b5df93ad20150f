"""A plain HTTP caller, so that the simulator is tested without Homeroom's own client."""

import json
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from appleschool_sim.testing import RunningSimulator, fetch_token, token_parameters

FORM = "application/x-www-form-urlencoded"


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        [error] = self.json["errors"]
        return error


class Caller:
    """Asks one simulator with one bearer token, a new connection for each request."""

    def __init__(self, simulator: RunningSimulator) -> None:
        self.place = urlsplit(simulator.address)
        self.simulator = simulator
        self.token = ""

    def sign_in(self) -> "Caller":
        self.token = fetch_token(self.simulator)
        return self

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Response:
        sent = {"Authorization": f"Bearer {self.token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        connection = HTTPConnection(self.place.hostname, self.place.port, timeout=20)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return Response(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Response:
        return self.ask("GET", f"/v1/{path}", **headers)

    def post(self, path: str, content: Any) -> Response:
        return self.ask("POST", f"/v1/{path}", json.dumps(content).encode(), Content_Type="application/json")

    def follow(self, link: str) -> Response:
        place = urlsplit(link)
        assert place.netloc == self.place.netloc
        return self.ask("GET", f"{place.path}?{place.query}")

    def pages(self, path: str) -> list[Any]:
        pages = [self.get(path).json]
        while link := pages[-1]["links"].get("next"):
            pages.append(self.follow(link).json)
        return pages

    def request_token(self, path: str = "/auth/oauth2/token", **changes: str) -> Response:
        parameters = token_parameters(self.simulator.credentials) | changes
        return self.ask("POST", path, urlencode(parameters).encode(), Content_Type=FORM)
