from typing import Any

from django.http import HttpRequest
from django.urls import path
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser
from ninja.types import DictStrAny

from homeroom import __version__
from homeroom.api.authentication import Token
from homeroom.api.problems import describe_problems, speak_of_problems
from homeroom.api.resources import (
    devices,
    incidents,
    insurance,
    people,
    places,
    reconciliation,
    replacements,
    shipments,
    statistics,
    syncs,
    why,
)


class DescribedApi(NinjaAPI):
    """Its description tells of the errors, too."""

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**kwargs)
        describe_problems(schema)
        return schema


class ObjectParser(Parser):
    """Bodies are objects. Of a list every value would be taken as left out, as if nothing had been sent."""

    def parse_body(self, request: HttpRequest) -> DictStrAny:
        body = super().parse_body(request)
        if not isinstance(body, dict):
            raise TypeError(body)
        return body


api = DescribedApi(
    title="Homeroom",
    version=__version__,
    auth=Token(),
    docs_url=None,
    urls_namespace="api",
    parser=ObjectParser(),
)
speak_of_problems(api)
for resource in (
    places,
    people,
    devices,
    insurance,
    incidents,
    shipments,
    replacements,
    syncs,
    reconciliation,
    why,
    statistics,
):
    api.add_router("", resource.router)

urlpatterns = [path("v1/", api.urls)]
