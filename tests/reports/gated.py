"""A report of the devices whose making waits at its second row until a test lets it go on."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connections
from django_filters import FilterSet

from homeroom.accounts.policy import Permission
from homeroom.inventory.exports import columns as column_registry
from homeroom.inventory.exports import reports as registry
from homeroom.inventory.exports.reports import Report, ReportColumn, register_report
from homeroom.inventory.models import Device
from homeroom.reports.verbs.making import make_due_file

NAME = "gated"
PATIENCE = 30


@dataclass
class Gate:
    """`reached` once the second row was asked for; `opened` lets it be written."""

    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    rows: int = 0

    def pass_row(self, value: Any) -> Any:
        self.rows += 1
        if self.rows == 2:
            self.reached.set()
            assert self.opened.wait(PATIENCE)
        return value

    @property
    def report(self) -> Report:
        return registry.report_named(NAME)

    def make(self) -> threading.Thread:
        """A worker's thread that makes one file, and stands at the gate."""
        thread = threading.Thread(target=self._make)
        thread.start()
        assert self.reached.wait(PATIENCE)
        return thread

    def let_go_on(self, thread: threading.Thread) -> None:
        self.opened.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()

    def _make(self) -> None:
        try:
            make_due_file(self.stop)
        finally:
            connections.close_all()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate()
    register_devices_report(monkeypatch, made.pass_row)
    yield made
    made.opened.set()


def register_devices_report(
    monkeypatch: pytest.MonkeyPatch,
    convert: Any = None,
    rows: Any = lambda _viewer: Device.objects.all(),
) -> Report:
    """A report of all devices, for this test only."""

    class DeviceFilter(FilterSet):
        class Meta:
            model = Device
            fields = ("asset_tag",)

    monkeypatch.setattr(registry, "_reports", dict(registry._reports))
    monkeypatch.setattr(column_registry, "_additions", dict(column_registry._additions))
    report = Report(
        name=NAME,
        title="Gated",
        about="Devices.",
        rows=rows,
        known=Device.objects.all,
        filter=DeviceFilter,
        order="asset_tag",
        permission=Permission.VIEW_INVENTORY,
        empty="None.",
        place=99,
    )
    tag = ReportColumn("asset_tag", heading="Asset tag", sort=("asset_tag",), convert=convert)
    register_report(report, [tag])
    return report
