"""Apple's error documents."""

from uuid import uuid4

import msgspec

TITLES = {
    400: "A parameter has an invalid value",
    401: "Authentication credentials are missing or invalid.",
    403: "This request is forbidden for security reasons",
    404: "The specified resource doesn't exist",
    405: "The request method is not valid for the resource path.",
    406: "Not acceptable",
    409: "The provided entity includes an invalid value",
    422: "The request body can't be processed",
    429: "The request rate limit has been reached.",
    500: "An unexpected error occurred.",
    503: "The service is temporarily unavailable",
}
CODES = {
    400: "PARAMETER_ERROR.INVALID",
    401: "NOT_AUTHORIZED",
    403: "FORBIDDEN_ERROR",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    409: "ENTITY_ERROR.RELATIONSHIP.INVALID",
    422: "ENTITY_UNPROCESSABLE",
    429: "RATE_LIMIT_EXCEEDED",
    500: "UNEXPECTED_ERROR",
    503: "SERVICE_UNAVAILABLE",
}


class Refusal(Exception):  # noqa: N818 - an answer of Apple's, not a fault of ours
    """Ends a request with an error document."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        source: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code or CODES[status]
        self.source = source
        self.headers = headers or {}

    def body(self) -> bytes:
        error: dict[str, object] = {
            "id": str(uuid4()),
            "status": str(self.status),
            "code": self.code,
            "title": TITLES[self.status],
            "detail": self.detail,
        }
        if self.source:
            error["source"] = self.source
        return msgspec.json.encode({"errors": [error]})


def invalid_parameter(name: str, detail: str) -> Refusal:
    return Refusal(400, detail, source={"parameter": name})


def no_such(kind: str, identity: str) -> Refusal:
    return Refusal(404, f"There is no resource of type '{kind}' with id '{identity}'")
