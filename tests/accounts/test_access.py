"""Who is not signed in, or no longer, gets to the sign-in page and back to where they were."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from tests.builders import make_device

pytestmark = pytest.mark.django_db


def after_sign_in(address: str) -> str:
    parts = urlsplit(address)
    assert parts.path == reverse("account_login")
    return parse_qs(parts.query)["next"][0]


def test_a_page_leads_to_the_sign_in_and_back(client: Client) -> None:
    answer = client.get(reverse("inventory:devices"), {"q": "cart"})

    assert answer.status_code == 302
    assert after_sign_in(answer["Location"]) == reverse("inventory:devices") + "?q=cart"


def test_a_part_of_a_page_sends_the_whole_page_to_the_sign_in(client: Client) -> None:
    profile = make_device().get_absolute_url()

    answer = client.get(
        reverse("inventory:devices"),
        headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{profile}"},
    )

    assert answer.content == b""
    assert after_sign_in(answer["HX-Redirect"]) == profile


@pytest.mark.parametrize("current", ["https://elsewhere.test/devices/1/", "javascript:alert(1)", ""])
def test_it_never_leads_to_another_host(client: Client, current: str) -> None:
    answer = client.get(
        reverse("inventory:devices"), headers={"HX-Request": "true", "HX-Current-URL": current}
    )

    assert after_sign_in(answer["HX-Redirect"]) == "/"
