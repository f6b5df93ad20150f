import pytest
from django.urls import reverse

from homeroom.accounts.policy import COMMAND_LINE_VIEWER, Role, Viewer
from homeroom.audit.actors import COMMAND_LINE
from homeroom.inventory import queries
from homeroom.inventory.models import DeviceStatus
from homeroom.inventory.verbs.assignments import check_in, check_out
from homeroom.inventory.visibility import FEW_SITES
from tests.builders import make_device, make_person, make_site, make_status

pytestmark = pytest.mark.django_db
LIST = reverse("inventory:devices")


def text(response) -> str:
    return response.content.decode()


def tags(text: str) -> set[str]:
    found = queries.search_devices(queries.visible_devices(COMMAND_LINE_VIEWER), text)
    return set(found.values_list("asset_tag", flat=True))


@pytest.fixture
def devices():
    site = make_site()
    ann = make_person(name="Ann Smith", external_id="S-100", email="ann@school.test", site=site)
    first = make_device(asset_tag="T1", serial_number="DMPX1", name="Cart 4", model="iPad Air", site=site)
    make_device(asset_tag="T2", serial_number="C02ZZ", name="", model="MacBook", site=site)
    check_out(first, ann, actor=COMMAND_LINE)
    return first


@pytest.mark.parametrize(
    "words",
    ["t1", "dmp", "cart", "smith", "ANN", "s-10", "ann@school", "ipad cart", "smith t1"],
    ids=["tag", "serial", "name", "person", "case", "external id", "email", "two words", "person and tag"],
)
def test_a_device_is_found_by(devices, words):
    assert tags(words) == {"T1"}


def test_every_word_must_be_found(devices):
    assert tags("ipad nobody") == set()


def test_search_takes_percent_and_underscore_as_themselves(devices):
    assert tags("%") == set()
    assert tags("_") == set()


def test_a_person_who_gave_the_device_back_does_not_find_it(devices):
    check_in(devices, actor=COMMAND_LINE)
    assert tags("smith") == set()


@pytest.mark.parametrize("typed", ["T1", " T1 ", "t1", "DMPX1", "dmpx1"])
def test_an_exact_tag_or_serial_number_opens_the_profile(as_viewer, devices, typed):
    assert as_viewer.get(LIST, {"q": typed}).url == devices.get_absolute_url()


def test_while_somebody_still_types_the_list_stays(as_viewer, devices):
    assert as_viewer.get(LIST, {"q": "T1"}, headers={"HX-Request": "true"}).status_code == 200


def test_a_label_that_means_two_devices_shows_both(as_viewer):
    make_device(asset_tag="A1", serial_number="X")
    make_device(asset_tag="B1", serial_number="A1")
    assert as_viewer.get(LIST, {"q": "A1"}).status_code == 200


def test_the_serial_number_wins_over_another_devices_tag():
    make_device(asset_tag="A1", serial_number="X")
    by_serial = make_device(asset_tag="B1", serial_number="A1")
    assert queries.device_by_serial_or_tag(COMMAND_LINE_VIEWER, "A1") == by_serial
    assert queries.device_by_serial_or_tag(COMMAND_LINE_VIEWER, "a1") is None


def test_a_viewer_without_the_site_does_not_get_the_device_by_its_serial_number(devices):
    other = Viewer(COMMAND_LINE, Role.VIEWER, frozenset({make_site().pk}))
    assert queries.device_by_serial_or_tag(other, "DMPX1") is None


@pytest.mark.parametrize(("held", "found", "missing"), [("somebody", "T1", "T2"), ("nobody", "T2", "T1")])
def test_the_list_is_filtered_by_who_has_it(as_viewer, devices, held, found, missing):
    page = text(as_viewer.get(LIST, {"held": held}))
    assert f">{found}</a>" in page
    assert f">{missing}</a>" not in page


def test_the_list_is_filtered_by_status_and_family(as_viewer, devices):
    lost = make_status("Lost", kind=DeviceStatus.Kind.LOST)
    make_device(asset_tag="T3", status=lost, product_family="Mac")
    for chosen in ({"status": lost.pk}, {"product_family": "Mac"}):
        page = text(as_viewer.get(LIST, chosen))
        assert ">T3</a>" in page
        assert ">T1</a>" not in page


@pytest.mark.parametrize("column", ["asset_tag", "serial_number", "model", "status", "holder", "site"])
def test_the_list_is_sorted_by(as_viewer, devices, column):
    for sort in (column, f"-{column}"):
        assert as_viewer.get(LIST, {"sort": sort}).status_code == 200


@pytest.mark.parametrize(
    "crafted", [{"page": "x"}, {"page": "999"}, {"sort": "password"}, {"site": "x"}, {"held": "?"}]
)
def test_a_crafted_address_still_shows_the_list(as_viewer, devices, crafted):
    assert ">T1</a>" in text(as_viewer.get(LIST, crafted))


def test_an_empty_inventory_says_what_to_do(as_technician):
    assert "Import a file" in text(as_technician.get(LIST))


def test_a_search_without_answer_says_so(as_viewer, devices):
    assert "No device fits" in text(as_viewer.get(LIST, {"q": "zzz"}))
    assert "Nobody fits" in text(as_viewer.get(reverse("inventory:people"), {"q": "zzz"}))


SESSION_USER_AND_SITES = 3


@pytest.mark.parametrize(
    ("page", "most"),
    [
        (
            "devices",
            SESSION_USER_AND_SITES + 5,
        ),  # count, page's keys and rows, the filters' sites and statuses
        ("people", SESSION_USER_AND_SITES + 3),
        ("sites", SESSION_USER_AND_SITES + 2),
    ],
)
@pytest.mark.parametrize("rows", [1, 60])
def test_a_list_costs_as_many_queries_for_a_page_of_rows_as_for_one(
    as_viewer, django_assert_num_queries, page, most, rows
):
    for _number in range(rows):
        check_out(make_device(), make_person(), actor=COMMAND_LINE)
    with django_assert_num_queries(most):
        as_viewer.get(reverse(f"inventory:{page}"))


def test_counting_the_list_joins_nothing(as_viewer, django_assert_num_queries, devices):
    with django_assert_num_queries(SESSION_USER_AND_SITES + 5) as asked:
        as_viewer.get(LIST)
    counts = [query["sql"] for query in asked.captured_queries if "COUNT(" in query["sql"]]
    assert len(counts) == 1
    assert "JOIN" not in counts[0]


def test_a_page_of_the_list_is_chosen_before_anything_is_joined(
    as_viewer, django_assert_num_queries, devices
):
    with django_assert_num_queries(SESSION_USER_AND_SITES + 5) as asked:
        as_viewer.get(LIST)
    sorted_by_tag = [query["sql"] for query in asked.captured_queries if '"asset_tag" ASC' in query["sql"]]
    assert len(sorted_by_tag) == 1
    assert "JOIN" not in sorted_by_tag[0]


def test_a_list_is_sorted_by_what_is_joined_too(as_viewer):
    for name in ("Zoe", "Amir", "Mia"):
        check_out(make_device(asset_tag=f"OF-{name}"), make_person(name=name), actor=COMMAND_LINE)
    page = text(as_viewer.get(LIST, {"sort": "holder"}))
    assert page.index("OF-Amir") < page.index("OF-Mia") < page.index("OF-Zoe")
    page = text(as_viewer.get(LIST, {"sort": "-holder"}))
    assert page.index("OF-Zoe") < page.index("OF-Mia") < page.index("OF-Amir")


def test_somebody_of_many_sites_sees_those_and_no_other():
    here = [make_device(asset_tag=f"HERE-{number}") for number in range(FEW_SITES + 2)]
    make_device(asset_tag="THERE")
    viewer = Viewer(COMMAND_LINE, Role.TECHNICIAN, frozenset(device.site_id for device in here))
    assert set(queries.visible_devices(viewer)) == set(here)


@pytest.mark.parametrize("assignments", [1, 20])
def test_a_profile_costs_the_same_whatever_its_history(
    as_technician, django_assert_max_num_queries, assignments
):
    device = make_device()
    for _number in range(assignments):
        check_out(device, make_person(), actor=COMMAND_LINE)
        check_in(device, actor=COMMAND_LINE)
    with django_assert_max_num_queries(25):
        as_technician.get(device.get_absolute_url())


def test_people_are_filtered_and_searched(as_viewer):
    make_person(name="Ann Smith", external_id="S-1", kind="staff")
    make_person(name="Ben Olsen", external_id="S-2", active=False)
    people = reverse("inventory:people")
    for chosen in ({"q": "smi"}, {"q": "S-1"}, {"kind": "staff"}, {"active": "true"}):
        page = text(as_viewer.get(people, chosen))
        assert "Ann Smith" in page
        assert "Ben Olsen" not in page


def test_the_list_is_downloaded_as_shown(as_viewer, devices):
    download = as_viewer.get(LIST, {"format": "csv", "held": "somebody"})
    lines = b"".join(download.streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert "T1" in lines[1]
