"""Every error as application/problem+json (RFC 9457)."""

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja import Field, NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from homeroom.incidents.preflight import PreflightConcerns
from homeroom.web.errors import Refused

log = logging.getLogger(__name__)


class FieldProblem(Schema):
    """What is wrong with one field of a request."""

    field: str
    detail: str


class Problem(Schema):
    """The body of every error."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = Field(default_factory=list)


def describe_problems(schema: dict[str, Any]) -> None:
    """Add to an OpenAPI description the errors that each operation may answer."""
    definition = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schema["components"]["schemas"] |= definition.pop("$defs") | {"Problem": definition}
    body = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            operation["responses"] |= {
                status.value: {"description": status.phrase, "content": body}
                for status in _problems_of(path, method, operation)
            }


def _problems_of(path: str, method: str, operation: dict[str, Any]) -> Iterator[HTTPStatus]:
    yield HTTPStatus.UNAUTHORIZED
    yield HTTPStatus.FORBIDDEN
    if "{" in path:
        yield HTTPStatus.NOT_FOUND
    if method != "get":
        yield HTTPStatus.CONFLICT
    if operation.get("parameters") or "requestBody" in operation:
        yield HTTPStatus.UNPROCESSABLE_ENTITY
    if "requestBody" in operation:
        yield HTTPStatus.BAD_REQUEST


def problem(status: int, detail: str, **more: Any) -> HttpResponse:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JsonResponse(body | more, status=status, content_type="application/problem+json")


def speak_of_problems(api: NinjaAPI) -> None:
    """Give an API its answers to what can go wrong."""

    @api.exception_handler(ValidationError)
    def invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
        errors = [
            {"field": ".".join(str(part) for part in found["loc"][1:]), "detail": found["msg"]}
            for found in error.errors
        ]
        return problem(422, _("The request is not as it has to be."), errors=errors)

    @api.exception_handler(Refused)
    def refused(_request: HttpRequest, error: Refused) -> HttpResponse:
        if error.field:
            return problem(422, error.sentence, errors=[{"field": error.field, "detail": error.sentence}])
        return problem(409, error.sentence)

    @api.exception_handler(PreflightConcerns)
    def worrying(_request: HttpRequest, error: PreflightConcerns) -> HttpResponse:
        concerns = [
            {
                "incident": number,
                "check": concern.check,
                "sentence": concern.sentence,
                "fix": concern.fix or None,
            }
            for number, each in error.concerns.items()
            for concern in each
        ]
        errors = [{"field": "reason", "detail": error.sentence}]
        return problem(422, error.sentence, errors=errors, concerns=concerns)

    @api.exception_handler(AuthenticationError)
    def unknown(_request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
        answer = problem(401, _("Send a token that is still good: Authorization: Bearer …"))
        answer["WWW-Authenticate"] = "Bearer"
        return answer

    @api.exception_handler(PermissionDenied)
    def denied(_request: HttpRequest, error: PermissionDenied) -> HttpResponse:
        return problem(403, str(error) or _("Your role does not allow this."))

    @api.exception_handler(Http404)
    def missing(_request: HttpRequest, _error: Http404) -> HttpResponse:
        return problem(404, _("There is no such thing, or you don't see it."))

    @api.exception_handler(HttpError)
    def other(_request: HttpRequest, error: HttpError) -> HttpResponse:
        return problem(error.status_code, str(error))

    _speak_of_failures(api)


def _speak_of_failures(api: NinjaAPI) -> None:
    @api.exception_handler(DataError)
    def unstorable(_request: HttpRequest, _error: DataError) -> HttpResponse:
        return problem(422, _("This holds a character or a number that can't be kept."))

    @api.exception_handler(Exception)
    def broken(_request: HttpRequest, error: Exception) -> HttpResponse:
        log.error("An API request failed", exc_info=error)
        return problem(
            500, _("Homeroom could not do this. Nothing was saved half; the server's log says why.")
        )
