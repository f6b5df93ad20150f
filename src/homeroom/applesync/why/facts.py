"""What is known about one device when somebody asks why: read once, for rules that ask nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from homeroom.accounts.policy import Viewer
from homeroom.applesync.models import AppleDevice, Connection, Replacement, RunChange
from homeroom.applesync.queries.connections import Standing
from homeroom.applesync.queries.considered import Considered
from homeroom.incidents.models import Incident
from homeroom.insurance.models import InsuranceRecord, Kind
from homeroom.insurance.panels import Coverage
from homeroom.inventory.makes import is_told_other
from homeroom.inventory.models import Device
from homeroom.inventory.queries import DeviceElsewhere


@dataclass(frozen=True, slots=True)
class Insurance:
    applecare: Coverage
    warranty: Coverage
    records: Sequence[InsuranceRecord]

    @property
    def synced(self) -> Sequence[InsuranceRecord]:
        return [record for record in self.records if record.is_synced]

    @property
    def told(self) -> Sequence[InsuranceRecord]:
        """What Apple named in its last answer."""
        return [record for record in self.synced if record.missing_since is None]

    @property
    def latest_applecare(self) -> InsuranceRecord | None:
        """The AppleCare record that lasts longest."""
        found = [record for record in self.records if record.kind == Kind.APPLECARE]
        return max(found, key=lambda record: (record.ends or date.max, record.pk), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`device` is None for what is not in the inventory; `elsewhere` is set for what others see only."""

    viewer: Viewer
    asked: str
    device: Device | None
    elsewhere: DeviceElsewhere | None
    near_devices: Sequence[Device]
    """Devices of the inventory that are spelled nearly as what was asked, which none is."""
    standings: Sequence[Standing]
    """Of every connection."""
    rows: Sequence[AppleDevice]
    """What the connections have listed under exactly this serial number: the one it belongs to first."""
    near_rows: Sequence[AppleDevice]
    """What Apple lists nearly so spelled, where it does not list exactly this, and the inventory has neither."""
    listed_at: Mapping[int, datetime]
    """When the whole list of each active connection was last read, by the connection's id."""
    unreadable: int
    """How many records of those lists could not be read."""
    decision: RunChange | None
    """What the last sync, which is held, would do with this device."""
    incident: Incident | None
    """The one that is at Apple, or was last; else the last one that is open."""
    pairings: Sequence[Replacement]
    """In which the serial number is the original's or the replacement's, the latest decision first."""
    considered: Sequence[Considered]
    """New devices that may have come for the incident, with why they were or were not matched."""
    insurance: Insurance | None
    cycle: int
    """Within so many days the coverage of every device is asked for."""
    now: datetime
    today: date

    @property
    def serial_number(self) -> str:
        """Of the device; of something else, as it was asked."""
        return (self.device.serial_number or "") if self.device else self.asked.upper()

    @property
    def pairings_of_original(self) -> Sequence[Replacement]:
        return [each for each in self.pairings if each.original_serial == self.serial_number]

    @property
    def pairings_of_replacement(self) -> Sequence[Replacement]:
        return [each for each in self.pairings if each.replacement_serial == self.serial_number]

    @property
    def is_replaced(self) -> bool:
        return any(each.state == Replacement.State.APPLIED for each in self.pairings_of_original)

    @property
    def active(self) -> Sequence[Standing]:
        return [standing for standing in self.standings if standing.connection.active]

    @property
    def live(self) -> Sequence[AppleDevice]:
        """Rows that stand on the list of an active connection now."""
        return [row for row in self.rows if row.connection.active and row.gone_since is None]

    @property
    def of_another_make(self) -> bool:
        """Whether somebody says so; a device of which nobody says anything may be Apple's."""
        return self.device is not None and not self.rows and is_told_other(self.device)

    @property
    def may_be_at_apple(self) -> bool:
        return not self.elsewhere and bool(self.serial_number) and not self.of_another_make

    @property
    def row(self) -> AppleDevice | None:
        """The row that says most about it."""
        return next(iter(self.live or self.rows), None)

    @property
    def synced(self) -> AppleDevice | None:
        """Its row, where Apple lists it now and it is matched: coverage is asked for of no other."""
        return next((row for row in self.live if self.device and row.device_id == self.device.pk), None)

    def standing(self, connection: Connection) -> Standing:
        return next(each for each in self.standings if each.connection.pk == connection.pk)
