"""The time it is in the simulated world."""

from datetime import UTC, datetime, timedelta


class Clock:
    """The real time until it is turned; a turned clock runs on unless it is stopped."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._stopped_at: datetime | None = None

    @property
    def is_turned(self) -> bool:
        return self._stopped_at is not None or bool(self._offset)

    @property
    def is_stopped(self) -> bool:
        return self._stopped_at is not None

    def now(self) -> datetime:
        return self._stopped_at or datetime.now(UTC) + self._offset

    def turn_to(self, moment: datetime, *, stopped: bool = False, real: datetime | None = None) -> None:
        """Show this moment now, or have shown it at the real time given."""
        moment = moment.astimezone(UTC)
        self._offset = moment - (real or datetime.now(UTC))
        self._stopped_at = moment if stopped else None

    def advance(self, by: timedelta) -> None:
        if self._stopped_at is not None:
            self._stopped_at += by
        self._offset += by

    def run_real(self) -> None:
        self._offset = timedelta()
        self._stopped_at = None
