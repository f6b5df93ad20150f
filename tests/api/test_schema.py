"""The OpenAPI description and what is answered agree, whatever is sent."""

from collections.abc import Iterator

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.db.models import Choices
from hypothesis import HealthCheck, settings
from schemathesis import Case, Config
from schemathesis.specs.openapi.checks import positive_data_acceptance

from homeroom.config.wsgi import application
from homeroom.incidents.models import Incident
from homeroom.insurance.models import Kind as InsuranceKind
from homeroom.inventory.models import Assignment, Person, Site
from tests.api.test_api import Caller
from tests.builders import make_site
from tests.test_walk import World

pytestmark = pytest.mark.django_db
config = Config.from_dict({"generation": {"allow-extra-parameters": False}})
described = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application, config=config)
NAMED = {
    "sites": "site",
    "people": "person",
    "devices": "device",
    "insurance": "insurance",
    "connections": "connection",
    "syncs": "run",
    "incidents": "incident",
    "report-files": "file",
    "report-schedules": "schedule",
    "shipments": "shipment",
    "replacements": "replacement",
}
"""The kind of object that an address names."""
EXAMPLES = 100 if settings.get_current_profile_name() == "explore" else 5


@pytest.fixture(autouse=True)
def connection_of_the_test() -> Iterator[None]:
    """Requests through WSGI would close it at their end; Django's test client does the same as this."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@described.parametrize()
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case: Case) -> None:
    """Whatever is sent, and half of the time to something that exists.

    That what fits the description is accepted too is not asked: the domain may refuse it.
    """
    with transaction.atomic():
        ids, pk = World(make_site()).ids, case.path_parameters.get("pk")
        if isinstance(pk, int) and pk % 2:
            case.path_parameters["pk"] = ids[NAMED[case.path.split("/")[3]]]
        case.call_and_validate(headers=Caller().headers, excluded_checks=[positive_data_acceptance])
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("PersonIn", Person.Kind),
        ("CheckOut", Assignment.Kind),
        ("InsuranceIn", InsuranceKind),
        ("IncidentIn", Incident.Kind),
        ("SiteIn", Site.Kind),
    ],
)
def test_each_kind_has_its_own_words(body: str, words: type[Choices]) -> None:
    kind = described.raw_schema["components"]["schemas"][body]["properties"]["kind"]
    assert kind.get("anyOf", [kind])[0]["enum"] == words.values
