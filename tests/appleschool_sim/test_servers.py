import pytest


@pytest.fixture
def assigned(apple):
    return next(device for device in apple.world.devices() if device.server_id)


@pytest.fixture
def unassigned(apple):
    return next(device for device in apple.world.devices() if not device.server_id)


def test_the_servers_are_listed_with_their_number_of_devices(apple, caller):
    servers = caller.get("mdmServers").json["data"]
    assert [server["id"] for server in servers] == [server.id for server in apple.world.servers]
    assert {server["attributes"]["serverType"] for server in servers} == {"MDM", "APPLE_CONFIGURATOR"}
    assert sum(server["attributes"]["deviceCount"] for server in servers) == sum(
        device.server_id is not None for device in apple.world.devices()
    )


def test_what_never_connects_has_no_time_of_connection(caller):
    district, _, configurator, former = (
        server["attributes"] for server in caller.get("mdmServers").json["data"]
    )
    assert district["lastConnectedDateTime"]
    assert former["lastConnectedDateTime"] is None
    assert "lastConnectedDateTime" not in configurator


def test_servers_come_in_pages(caller):
    assert [len(page["data"]) for page in caller.pages("mdmServers?limit=3")] == [3, 1]


def test_one_server_is_the_same_as_in_the_list(apple, caller):
    fields = "fields[mdmServers]=serverName,devices"
    listed = caller.get(f"mdmServers?{fields}").json["data"][0]
    assert caller.get(f"mdmServers/{listed['id']}?{fields}").json["data"] == listed
    link = f"{apple.api_url}/mdmServers/{listed['id']}"
    assert listed["relationships"] == {"devices": {"links": {"self": f"{link}/relationships/devices"}}}


def test_an_unknown_server_is_not_found(caller):
    assert caller.get("mdmServers/ABC").status == 404
    assert caller.get("mdmServers/ABC/relationships/devices").status == 404


def test_a_server_lists_the_serials_of_its_devices(apple, caller):
    server = apple.world.servers[0]
    pages = caller.pages(f"mdmServers/{server.id}/relationships/devices?limit=60")
    linkages = [linkage for page in pages for linkage in page["data"]]
    assert linkages == [
        {"type": "orgDevices", "id": device.serial}
        for device in apple.world.devices()
        if device.server_id == server.id
    ]


def test_a_cursor_of_another_server_is_refused(apple, caller):
    one, other = apple.world.servers[:2]
    page = caller.get(f"mdmServers/{one.id}/relationships/devices?limit=1").json
    cursor = page["meta"]["paging"]["nextCursor"]
    assert caller.get(f"mdmServers/{other.id}/relationships/devices?cursor={cursor}").status == 400


def test_the_devices_themselves_are_forbidden(apple, caller):
    answer = caller.get(f"mdmServers/{apple.world.servers[0].id}/devices")
    assert (answer.status, answer.error["code"]) == (403, "FORBIDDEN_ERROR")
    assert "GET_RELATED" in answer.error["detail"]


def test_a_device_links_to_its_server(apple, caller, assigned):
    link = f"{apple.api_url}/orgDevices/{assigned.serial}"
    assert caller.get(f"orgDevices/{assigned.serial}/relationships/assignedServer").json == {
        "data": {"type": "mdmServers", "id": assigned.server_id},
        "links": {"self": f"{link}/relationships/assignedServer", "related": f"{link}/assignedServer"},
    }


def test_a_device_tells_its_server(caller, assigned):
    answer = caller.get(f"orgDevices/{assigned.serial}/assignedServer?fields[mdmServers]=serverName").json
    assert answer["data"]["id"] == assigned.server_id
    assert answer["data"]["attributes"].keys() == {"serverName"}


@pytest.mark.parametrize("path", ["assignedServer", "relationships/assignedServer"])
def test_an_unassigned_device_has_no_server(caller, unassigned, path):
    assert caller.get(f"orgDevices/{unassigned.serial}/{path}").status == 404


def test_an_unassigned_device_has_no_lock_status(caller, unassigned):
    assert caller.get(f"orgDevices/{unassigned.serial}/activationLockStatus").status == 404


def test_managed_devices_tell_whether_they_are_locked(apple, caller):
    seen = set()
    for device in list(apple.world.devices())[:12]:
        if device.server_id:
            lock = caller.get(f"orgDevices/{device.serial}/activationLockStatus").json["data"]["attributes"]
            assert lock["isLocked"] == (lock["lockType"] != "NONE")
            seen.add(lock["lockType"])
    assert seen == {"MDM", "USER", "NONE"}


def test_a_lock_status_may_be_asked_for_one_field(caller, assigned):
    path = f"orgDevices/{assigned.serial}/activationLockStatus?fields[activationLockStatus]=isLocked"
    assert caller.get(path).json["data"]["attributes"].keys() == {"isLocked"}
