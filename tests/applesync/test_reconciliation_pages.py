"""The lists, forms, downloads, the command and the API of reconciliation."""

import csv
import io
import json

import pytest
from click.testing import CliRunner
from django.test import Client
from django.urls import reverse

from homeroom.accounts.models import ApiToken
from homeroom.accounts.policy import Role
from homeroom.accounts.verbs.tokens import create_token
from homeroom.applesync.models import AppleDevice, SyncRun
from homeroom.audit.actors import COMMAND_LINE
from homeroom.config.commands.reports import report
from homeroom.inventory.commands import import_
from homeroom.inventory.models import Device, DeviceStatus
from tests.applesync.mirrors import make_connection, make_listed
from tests.builders import make_device, make_site, make_status, make_user

pytestmark = pytest.mark.django_db
OVERVIEW, IN_APPLE, IN_INVENTORY, NEAR, ADD_MANY, TAKE_ALL = (
    reverse(f"applesync:{name}")
    for name in (
        "reconciliation",
        "in-apple",
        "in-inventory",
        "near-matches",
        "add-many",
        "take-all-spellings",
    )
)
LISTS = {IN_APPLE: "NEW1", IN_INVENTORY: "LOST1", NEAR: "dmqx01"}


def text(response) -> str:
    return response.content.decode()


@pytest.fixture
def connection(db):
    return make_connection(name="North")


@pytest.fixture
def district(connection):
    """Something in each of the three lists, at one site."""
    site = make_site(name="Birch School")
    make_listed("NEW1", connection, order_number="W1234")
    make_listed("DMQX01", connection, product_family="Mac", device_model="MacBook Air")
    make_device(asset_tag="T1", serial_number="dmqx01", site=site)
    retired = make_status("Scrapped", kind=DeviceStatus.Kind.RETIRED)
    make_device(asset_tag="T2", serial_number="LOST1", site=site, status=retired)
    return site


def of_two_sites(site) -> Client:
    """A technician who does not see every site."""
    client = Client()
    client.force_login(make_user(Role.TECHNICIAN, sites=(site,)))
    return client


def test_the_overview_counts(as_technician, district):
    page = as_technician.get(OVERVIEW)
    assert [page.context[name] for name in ("in_apple", "in_inventory", "retired", "near")] == [2, 2, 1, 1]
    assert "1 of them is retired" in text(page)


@pytest.mark.parametrize(("address", "serial"), LISTS.items())
def test_a_list_shows_its_devices(as_technician, district, address, serial):
    assert serial in text(as_technician.get(address))


def test_near_matches_show_both_spellings_and_what_differs_in_words(as_technician, connection):
    make_listed("DMQX01", connection)
    make_device(serial_number="dmqx o1")
    page = text(as_technician.get(NEAR))
    assert "DMQX01" in page
    assert "(white space)" in page
    assert "Upper and lower case, white space, the letter O and zero" in page


@pytest.mark.parametrize(
    ("address", "chosen", "there", "not_there"),
    [
        (IN_APPLE, {"q": "w12"}, "NEW1", "DMQX01"),
        (IN_APPLE, {"product_family": "Mac"}, "DMQX01", "NEW1"),
        (IN_APPLE, {"near": "without"}, "NEW1", "DMQX01"),
        (IN_APPLE, {"near": "with"}, "DMQX01", "NEW1"),
        (IN_INVENTORY, {"q": "lost"}, "T2", ">T1<"),
        (IN_INVENTORY, {"retired": "yes"}, "T2", ">T1<"),
        (IN_INVENTORY, {"retired": "no"}, "T1", ">T2<"),
        (NEAR, {"q": "DMQX01"}, "T1", "No device fits"),
        (NEAR, {"family": "Mac"}, "T1", "No device fits"),
        (NEAR, {"family": "iPad"}, "No device fits", ">T1<"),
        (NEAR, {"q": "zzz"}, "No device fits", ">T1<"),
    ],
)
def test_a_list_is_searched_and_filtered(as_technician, district, address, chosen, there, not_there):
    page = text(as_technician.get(address, chosen))
    assert there in page
    assert not_there not in page


def test_lists_are_filtered_by_connection_and_site(as_technician, district, connection):
    other = make_connection(name="South")
    make_listed("SOUTH1", other)
    page = text(as_technician.get(IN_APPLE, {"connection": other.pk}))
    assert "SOUTH1" in page
    assert "NEW1" not in page
    assert ">T1</a>" in text(as_technician.get(NEAR, {"connection": connection.pk, "site": district.pk}))
    assert "No device fits" in text(as_technician.get(NEAR, {"connection": other.pk}))
    assert "No device fits" in text(as_technician.get(IN_INVENTORY, {"site": make_site().pk}))


@pytest.mark.parametrize(
    ("address", "columns"),
    [
        (IN_APPLE, ["serial_number", "device_model", "order_number", "added_at", "connection"]),
        (IN_INVENTORY, ["asset_tag", "serial_number", "model", "status", "site"]),
        (NEAR, ["asset_tag", "serial_number", "site", "connection"]),
    ],
)
def test_a_list_is_sorted(as_technician, district, address, columns):
    for column in columns:
        for sort in (column, f"-{column}"):
            assert as_technician.get(address, {"sort": sort}).status_code == 200


@pytest.mark.parametrize("address", LISTS)
def test_an_empty_list_says_what_that_means(as_administrator, address):
    assert "No connection is active" in text(as_administrator.get(address))
    connection = make_connection()
    assert "has not been synced to its end yet" in text(as_administrator.get(address))
    SyncRun.objects.create(
        connection=connection, state=SyncRun.State.SUCCEEDED, finished_at=connection.created_at
    )
    page = text(as_administrator.get(address))
    assert "has not been synced" not in page
    assert "Nothing is missing" in page or "No near matches" in page


FRAME = 4
"""Session, user, sites, and what the menu says is waiting."""


@pytest.mark.parametrize(
    ("address", "most"),
    [
        (OVERVIEW, FRAME + 5),  # four counts, the connections
        (IN_APPLE, FRAME + 5),  # count, page's keys and rows, connections, the filter's connections
        (IN_INVENTORY, FRAME + 6),  # count, retired, page's keys and rows, connections, the filter's sites
        (NEAR, FRAME + 5),  # count, page, connections, the filter's connections and sites
    ],
)
@pytest.mark.parametrize("rows", [1, 60])
def test_a_list_costs_as_many_queries_for_a_page_of_rows_as_for_one(
    as_technician, connection, django_assert_num_queries, address, most, rows
):
    for number in range(rows):
        make_listed(f"DMQX{number:04}", connection)
        make_device(serial_number=f"dmqx{number:04}")
    with django_assert_num_queries(most):
        as_technician.get(address)


def test_one_is_added_from_a_prefilled_form(as_technician, district):
    row = AppleDevice.objects.get(serial_number="NEW1")
    address = reverse("applesync:add-from-apple", args=[row.pk])
    page = text(as_technician.get(address))
    assert 'value="iPad (10th generation) 64GB Silver"' in page
    sent = {
        "asset_tag": "T3",
        "site": district.pk,
        "status": make_status().pk,
        "model": "iPad",
        "product_family": "iPad",
    }
    answer = as_technician.post(address, sent | {"serial_number": "FORGED"})
    device = Device.objects.get(asset_tag="T3")
    assert answer.url == device.get_absolute_url()
    assert (device.serial_number, device.apple_device) == ("NEW1", row)
    assert as_technician.get(address).status_code == 404


def test_an_asset_tag_that_is_taken_is_refused_beside_its_field(as_technician, district):
    row = AppleDevice.objects.get(serial_number="NEW1")
    sent = {"asset_tag": "T1", "site": district.pk, "status": make_status().pk}
    answer = as_technician.post(reverse("applesync:add-from-apple", args=[row.pk]), sent)
    assert "already exists" in text(answer)
    assert Device.objects.count() == 2


def test_one_with_a_near_match_is_added_with_a_warning(as_technician, district):
    row = AppleDevice.objects.get(serial_number="DMQX01")
    page = text(as_technician.get(reverse("applesync:add-from-apple", args=[row.pk])))
    assert "Adding this one makes a second device" in page


def test_the_chosen_are_added(as_technician, connection, district):
    chosen = [make_listed(f"MANY{number}", connection).pk for number in range(3)]
    address = f"{ADD_MANY}?" + "&".join(f"chosen={pk}" for pk in chosen[:2])
    assert "Add 2 devices to the inventory" in text(as_technician.get(address))
    sent = {"count": 2, "site": district.pk, "status": make_status().pk}
    page = as_technician.post(address, sent, follow=True)
    assert "2 devices are in the inventory now" in text(page)
    assert set(
        Device.objects.filter(serial_number__startswith="MANY").values_list("serial_number", flat=True)
    ) == {
        "MANY0",
        "MANY1",
    }


def test_all_of_the_filter_are_added_but_near_matches(as_technician, connection, district):
    page = as_technician.get(ADD_MANY, {"all": 1})
    assert (page.context["count"], page.context["near"]) == (1, 1)
    sent = {"count": 1, "site": district.pk, "status": make_status().pk}
    as_technician.post(f"{ADD_MANY}?all=1&q=NEW", sent)
    assert Device.objects.filter(serial_number="NEW1", site=district).exists()
    assert not Device.objects.filter(serial_number="DMQX01").exists()


def test_nothing_is_added_where_the_list_has_changed_since_it_was_shown(as_technician, connection, district):
    make_listed("NEW2", connection)
    sent = {"count": 1, "site": district.pk, "status": make_status().pk}
    page = text(as_technician.post(f"{ADD_MANY}?all=1", sent))
    assert "The list has changed meanwhile" in page
    assert Device.objects.count() == 2


def test_nothing_chosen_is_told(as_technician, district):
    assert "No device was chosen" in text(as_technician.get(ADD_MANY))


def test_all_at_once_is_for_those_who_see_every_site(district, connection):
    client = of_two_sites(district)
    assert "Add all of these" not in text(client.get(IN_APPLE))
    assert client.get(ADD_MANY, {"all": 1}).status_code == 403
    row = AppleDevice.objects.get(serial_number="NEW1")
    elsewhere = make_site()
    sent = {"count": 1, "site": elsewhere.pk, "status": make_status().pk}
    page = text(client.post(f"{ADD_MANY}?chosen={row.pk}", sent))
    assert "Select a valid choice" in page
    client.post(f"{ADD_MANY}?chosen={row.pk}", sent | {"site": district.pk})
    assert Device.objects.filter(serial_number="NEW1", site=district).exists()


def test_one_takes_apples_spelling(as_technician, district):
    device = Device.objects.get(asset_tag="T1")
    page = as_technician.post(reverse("applesync:take-spelling", args=[device.pk]), follow=True)
    assert "T1 has the serial number DMQX01 now" in text(page)
    assert "No near matches" in text(page)


def test_a_technician_of_another_site_takes_no_spelling(district):
    device = Device.objects.get(asset_tag="T1")
    client = of_two_sites(make_site())
    assert client.post(reverse("applesync:take-spelling", args=[device.pk])).status_code == 404


def test_case_and_white_space_are_corrected_together_after_a_look(as_technician, district, connection):
    make_listed("DMQY05", connection)
    make_device(serial_number="DMQYO5")
    page = text(as_technician.get(TAKE_ALL))
    assert "1 serial number of the inventory becomes as Apple spells it" in page
    assert "1 stays as it is" in page
    done = text(as_technician.post(TAKE_ALL, {"count": 1}, follow=True))
    assert "1 device has Apple&#x27;s spelling now" in done
    assert "DMQY05" in done


def test_spellings_are_not_corrected_where_the_list_has_changed(as_technician, district):
    as_technician.post(TAKE_ALL, {"count": 5})
    assert Device.objects.filter(serial_number="dmqx01").exists()


@pytest.mark.parametrize(("address", "serial"), LISTS.items())
def test_a_list_is_downloaded_as_it_is_shown(as_technician, district, address, serial):
    answer = as_technician.get(address, {"format": "csv", "q": serial})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [row["serial_number"] for row in rows] == [serial]


def test_the_download_of_what_is_missing_comes_back_through_the_import(as_technician, district, tmp_path):
    answer = as_technician.get(IN_APPLE, {"format": "csv", "q": "NEW1"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    rows[0] |= {"asset_tag": "T7", "site": "Birch School"}
    file = tmp_path / "new.csv"
    with file.open("w", newline="") as opened:
        lines = csv.DictWriter(opened, rows[0])
        lines.writeheader()
        lines.writerows(rows)
    result = CliRunner().invoke(import_, ["devices", str(file)])
    assert result.exit_code == 0, result.stderr
    device = Device.objects.get(serial_number="NEW1")
    assert (device.asset_tag, device.site, device.manufacturer) == ("T7", district, "Apple")
    assert (device.model, device.product_family) == ("iPad (10th generation) 64GB Silver", "iPad")
    assert device.purchase_order == ""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "in-apple-not-in-inventory",
            {
                "serial_number": "NEW1",
                "asset_tag": None,
                "apple_order_number": "W1234",
                "connection": "North",
                "near_match": False,
            },
        ),
        (
            "in-inventory-not-in-apple",
            {
                "serial_number": "LOST1",
                "site": "Birch School",
                "retired": True,
                "reason": "never_listed",
                "left_at": None,
            },
        ),
        (
            "near-matches",
            {
                "serial_number": "dmqx01",
                "apple_serial_number": "DMQX01",
                "differs_in": "case",
                "connection": "North",
            },
        ),
    ],
)
def test_the_command_and_the_api_tell_the_same(district, name, expected):
    result = CliRunner().invoke(report, [name, "--format", "json"])
    assert result.exit_code == 0, result.output
    told = next(row for row in json.loads(result.stdout) if row["serial_number"] == expected["serial_number"])
    assert told == told | expected
    _token, secret = create_token(make_user(), name="t", scope=ApiToken.Scope.READ, actor=COMMAND_LINE)
    answer = Client().get(f"/api/v1/reconciliation/{name}", headers={"Authorization": f"Bearer {secret}"})
    items = {row["serial_number"]: row for row in answer.json()["items"]}
    assert items[expected["serial_number"]] == items[expected["serial_number"]] | told


def test_an_unknown_report_is_wrong_use_and_names_the_known_ones():
    result = CliRunner().invoke(report, ["nothing"])
    assert result.exit_code == 2
    assert "near-matches" in result.stderr
