from typing import Any

from django.urls import path
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from homeroom import __version__
from homeroom.api.authentication import Token
from homeroom.api.problems import describe_problems, speak_of_problems
from homeroom.api.resources import (
    dashboard,
    devices,
    follow_ups,
    incidents,
    insurance,
    people,
    places,
    reconciliation,
    replacements,
    report_files,
    report_schedules,
    reports,
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


api = DescribedApi(title="Homeroom", version=__version__, auth=Token(), docs_url=None, urls_namespace="api")
speak_of_problems(api)
for resource in (
    places,
    people,
    devices,
    insurance,
    follow_ups,
    incidents,
    shipments,
    replacements,
    syncs,
    reconciliation,
    why,
    statistics,
    reports,
    report_files,
    report_schedules,
    dashboard,
):
    api.add_router("", resource.router)

urlpatterns = [path("v1/", api.urls)]
