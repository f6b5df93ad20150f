"""What a devices file does to the inventory."""

from pathlib import Path

import pytest

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.inventory.imports.planning import Source
from homeroom.inventory.imports.verbs import import_from_command_line
from homeroom.inventory.models import Device
from tests.builders import make_site

pytestmark = pytest.mark.django_db


def test_it_creates_a_device_from_each_row(tmp_path: Path):
    make_site(name="Lincoln")
    file = tmp_path / "devices.csv"
    file.write_text("serial_number,asset_tag,name\nC02X,0012,iPad 12\n")
    tally = import_from_command_line(Source(file, "devices"), COMMAND_LINE_VIEWER)
    assert tally.created == 1
    device = Device.objects.get()
    assert (device.asset_tag, device.site.name, device.status.name) == ("0012", "Lincoln", "In service")
