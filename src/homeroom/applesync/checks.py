"""The staged test of a connection: which step on the way to Apple's coverage fails, and what to do about it.

It sends three requests, ends within `DEADLINE` seconds, and keeps nothing but a saved connection's problem.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appleschool import (
    AppleError,
    AppleSchool,
    InvalidClient,
    KeyProblem,
    Limits,
    NotFound,
    OrgDevice,
    PrivateKeyError,
)
from homeroom.applesync import diagnosis
from homeroom.applesync.client import open_apple
from homeroom.applesync.diagnosis import Finding
from homeroom.applesync.encryption import SecretCannotBeRead
from homeroom.applesync.models import Connection, SyncRun
from homeroom.applesync.verbs.connections import note_contact

DEADLINE = 20.0
LIMITS = Limits(max_rate=5, concurrency=1, attempts=2, timeout=8, longest_wait=3)
SMALL_PAGE = 10
CURVE_PROBLEMS = {KeyProblem.RSA, KeyProblem.OTHER_CURVE, KeyProblem.OTHER_KIND}


class Stage(models.TextChoices):
    KEY = "key", gettext_lazy("The private key can be read")
    CURVE = "curve", gettext_lazy("The private key is of Apple's kind (P-256)")
    CLOCK = "clock", gettext_lazy("Apple can be reached, and the clocks agree")
    TOKEN = "token", gettext_lazy("Apple accepts the credentials")
    SCOPE = "scope", gettext_lazy("The account is of the chosen kind")
    DEVICES = "devices", gettext_lazy("The list of devices can be read")
    COVERAGE = "coverage", gettext_lazy("The coverage of a device can be read")


@dataclass(frozen=True, slots=True)
class Result:
    """`ok` is None for a stage that was not reached."""

    stage: Stage
    ok: bool | None
    detail: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    results: tuple[Result, ...]

    @property
    def ok(self) -> bool:
        return all(result.ok for result in self.results)

    @property
    def failed(self) -> Result | None:
        return next((result for result in self.results if result.ok is False), None)

    def as_json(self) -> dict[str, object]:
        stages = [
            {"stage": result.stage.value, "ok": result.ok, "detail": result.detail, "fix": result.fix}
            for result in self.results
        ]
        return {"ok": self.ok, "stages": stages}


class StageFailed(Exception):  # noqa: N818 - a finding of the test
    def __init__(self, stage: Stage, finding: Finding) -> None:
        super().__init__(finding.detail)
        self.stage = stage
        self.finding = finding


def check(connection: Connection, *, deadline: float = DEADLINE) -> Report:
    """Test a connection, saved or not, stage by stage until one fails."""
    passed: dict[Stage, str] = {}
    failure: StageFailed | None = None
    try:
        walk = _Walk(connection, _opened(connection), passed)
        asyncio.run(walk.to_the_end(deadline))
    except StageFailed as error:
        failure = error
    return Report(tuple(_result(stage, passed, failure) for stage in Stage))


def check_saved(connection: Connection) -> Report:
    """Test a stored connection, and keep on it whether it needs attention."""
    report = check(connection)
    failed = report.failed
    note_contact(connection, problem=failed.detail if failed else "")
    return report


def _opened(connection: Connection) -> AppleSchool:
    try:
        return open_apple(connection, limits=LIMITS)
    except SecretCannotBeRead as error:
        raise StageFailed(
            Stage.KEY, Finding(_("The stored private key can't be decrypted."), str(error))
        ) from None
    except PrivateKeyError as error:
        stage = Stage.CURVE if error.problem in CURVE_PROBLEMS else Stage.KEY
        raise StageFailed(stage, Finding(error.sentence, error.fix)) from None


def _result(stage: Stage, passed: dict[Stage, str], failure: StageFailed | None) -> Result:
    if failure is not None and failure.stage == stage:
        return Result(stage, ok=False, detail=failure.finding.detail, fix=failure.finding.fix)
    if stage in passed:
        return Result(stage, ok=True, detail=passed[stage])
    if failure is not None and stage == Stage.KEY:
        return Result(stage, ok=True)  # the next stage found what kind of key it is
    return Result(stage, ok=None)


def _worked_before(connection: Connection) -> bool:
    """Whether a sync has succeeded, as far as we know with the credentials that are tested now."""
    same = {"connection__client_id": connection.client_id, "connection__key_id": connection.key_id}
    succeeded = SyncRun.objects.filter(state=SyncRun.State.SUCCEEDED, **same)
    return bool(connection.pk) and succeeded.filter(connection=connection.pk).exists()


class _Walk:
    """The stages that ask Apple, in order; `passed` keeps what each found."""

    def __init__(self, connection: Connection, apple: AppleSchool, passed: dict[Stage, str]) -> None:
        self._connection = connection
        self._apple = apple
        self._passed = passed
        self._worked_before = _worked_before(connection)
        passed[Stage.KEY] = passed[Stage.CURVE] = ""

    async def to_the_end(self, deadline: float) -> None:
        stage = Stage.CLOCK
        try:
            async with asyncio.timeout(deadline), self._apple:
                await self._token()
                stage = Stage.DEVICES
                serial_number = await self._devices()
                stage = Stage.COVERAGE
                await self._coverage(serial_number)
        except TimeoutError:
            raise StageFailed(stage, diagnosis.of_silence(deadline)) from None
        except AppleError as error:
            raise StageFailed(stage, diagnosis.of_error(error, self._connection)) from None

    async def _token(self) -> None:
        """One request answers three stages: what time it is at Apple, whether it knows us, and as what."""
        refusal: AppleError | None = None
        try:
            await self._apple.token()
        except AppleError as error:
            if error.status is None:
                raise
            refusal = error
        self._judge_clock(refused=isinstance(refusal, InvalidClient))
        if refusal is not None:
            raise StageFailed(self._stage_of(refusal), self._finding_of(refusal))
        self._passed[Stage.TOKEN] = ""
        scope, granted = f"{self._connection.kind}.api", self._apple.granted_scope
        if granted and scope not in granted.split():
            raise StageFailed(Stage.SCOPE, diagnosis.of_scope(self._connection, granted))
        self._passed[Stage.SCOPE] = granted

    def _judge_clock(self, *, refused: bool) -> None:
        skew = self._apple.clock_skew
        ahead = None if skew is None else -skew.total_seconds()
        if finding := diagnosis.of_clock(ahead, refused=refused):
            raise StageFailed(Stage.CLOCK, finding)
        self._passed[Stage.CLOCK] = (
            _("Apple's answer tells no time to compare with.") if ahead is None else ""
        )

    @staticmethod
    def _stage_of(refusal: AppleError) -> Stage:
        return Stage.SCOPE if refusal.code == "invalid_scope" else Stage.TOKEN

    def _finding_of(self, refusal: AppleError) -> Finding:
        if isinstance(refusal, InvalidClient):
            return diagnosis.of_refused_credentials(self._connection, worked_before=self._worked_before)
        return diagnosis.of_error(refusal, self._connection)

    async def _devices(self) -> str | None:
        """Read one small page; the serial number of a device on it, None if the account has none."""
        pages = self._apple.org_devices(limit=SMALL_PAGE)
        page = await anext(pages)
        serial_numbers = [record.serial_number for record in page.records if isinstance(record, OrgDevice)]
        if not serial_numbers:
            self._passed[Stage.DEVICES] = _("The account has no devices yet.")
            return None
        self._passed[Stage.DEVICES] = ""
        return serial_numbers[0]

    async def _coverage(self, serial_number: str | None) -> None:
        if serial_number is None:
            self._passed[Stage.COVERAGE] = _("Not tried, for want of a device.")
            return
        with suppress(NotFound):  # Apple's word for a device that never had any
            await self._apple.apple_care_coverage(serial_number)
        self._passed[Stage.COVERAGE] = _("Asked for %s.") % serial_number
