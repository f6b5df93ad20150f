"""Connections to Apple: activating, changing, deactivating, and their stored keys."""

from contextlib import suppress
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appleschool import PrivateKey, PrivateKeyError
from homeroom.applesync.models import Connection
from homeroom.applesync.verbs import runs
from homeroom.audit import verbs as audit
from homeroom.audit.actors import Actor
from homeroom.incidents.verbs.statuses import ensure_system_statuses as ensure_incident_statuses
from homeroom.inventory.verbs.statuses import ensure_system_statuses as ensure_device_statuses
from homeroom.schedules.schedule import Schedule
from homeroom.web.errors import Refused

TEXTS = ("name", "team_id", "client_id", "key_id")
CHOICES = ("kind", "sync_coverage", "process_replacements", "apply_replacements")
CREDENTIALS = {"kind", "team_id", "client_id", "key_id", "key_fingerprint"}
LONGEST_TEXT = 100
LONGEST_PROBLEM = 500
CLIENT_ID_PREFIXES = {Connection.Kind.SCHOOL: "SCHOOLAPI.", Connection.Kind.BUSINESS: "BUSINESSAPI."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """New values of a connection. None leaves a value as it is; the private key is write-only."""

    name: str | None = None
    kind: Connection.Kind | None = None
    team_id: str | None = None
    client_id: str | None = None
    key_id: str | None = None
    private_key: str | None = None
    sync_coverage: bool | None = None
    process_replacements: bool | None = None
    apply_replacements: bool | None = None
    schedule: Schedule | None = None

    def __repr__(self) -> str:
        return f"Changes(name={self.name!r})"


@transaction.atomic
def activate(changes: Changes, *, actor: Actor) -> Connection:
    """Make a connection and the statuses that the integration needs. Contacts nobody."""
    connection = Connection()
    _apply(connection, changes)
    _save(connection)
    _ensure_statuses(actor)
    audit.record(actor, "connection.activated", connection, after=_audited(connection))
    return connection


@transaction.atomic
def update(connection: Connection, changes: Changes, *, actor: Actor) -> Connection:
    """Change what is given. A new key replaces the old one; without one the old one stays."""
    connection = Connection.objects.select_for_update().defer("private_key").get(pk=connection.pk)
    before = _audited(connection)
    _apply(connection, changes)
    before, after = audit.changed_values(before, _audited(connection))
    if CREDENTIALS & after.keys():
        connection.problem = ""
    if after or changes.private_key is not None:
        _save(connection)
    if after:
        audit.record(actor, "connection.updated", connection, before=before, after=after)
    return connection


@transaction.atomic
def configure(changes: Changes, *, actor: Actor) -> Connection:
    """Create the connection of this name or change it, and see that it is active. Contacts nobody."""
    connection = Connection.objects.filter(name=(changes.name or "").strip()).first()
    if connection is None:
        return activate(changes, actor=actor)
    connection = update(connection, changes, actor=actor)
    reactivate(connection, actor=actor)
    return Connection.objects.get(pk=connection.pk)


@transaction.atomic
def reactivate(connection: Connection, *, actor: Actor) -> None:
    """Let a deactivated connection sync again, with the credentials it has, from its next turn on."""
    inactive = Connection.objects.filter(pk=connection.pk, active=False)
    if not inactive.update(active=True, problem="", scheduled_since=timezone.now(), last_turn_at=None):
        return
    _ensure_statuses(actor)
    audit.record(actor, "connection.activated", connection, before={"active": False}, after={"active": True})


@transaction.atomic
def deactivate(connection: Connection, *, actor: Actor) -> None:
    """Stop syncing. What was learned stays; a run under way is asked to stop."""
    if not Connection.objects.filter(pk=connection.pk, active=True).update(active=False, problem=""):
        return
    for run in connection.runs.filter(state__in=runs.ACTIVE, cancel_requested_at__isnull=True):
        with suppress(Refused):  # it has just ended by itself
            runs.request_cancel(run, actor=actor)
    audit.record(
        actor, "connection.deactivated", connection, before={"active": True}, after={"active": False}
    )


def note_contact(connection: Connection, *, problem: str = "") -> None:
    """Keep how the last contact with Apple went: what needs attention, or that nothing does."""
    Connection.objects.filter(pk=connection.pk).exclude(problem=problem).update(
        problem=problem[:LONGEST_PROBLEM]
    )


def pem_text(content: bytes) -> str:
    """A key file's text, also if an editor saved it as UTF-16; of a binary file, something that is no key."""
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return content.decode(encoding, errors="replace")


def _apply(connection: Connection, changes: Changes) -> None:
    for name in TEXTS:
        if (text := getattr(changes, name)) is not None:
            setattr(connection, name, text.strip())
    for name in CHOICES:
        if (choice := getattr(changes, name)) is not None:
            setattr(connection, name, choice)
    if changes.schedule is not None:
        connection.reschedule(changes.schedule)
    if changes.private_key is not None or not connection.key_fingerprint:
        _set_key(connection, changes.private_key or "")
    _check(connection)


def _set_key(connection: Connection, pem: str) -> None:
    try:
        key = PrivateKey.from_pem(pem)
    except PrivateKeyError as error:
        raise Refused(f"{error.sentence} {error.fix}", field="private_key") from None
    connection.private_key = key.pem
    connection.key_fingerprint = key.fingerprint


def _check(connection: Connection) -> None:
    if not connection.name:
        raise Refused(_("Give the connection a name."), field="name")
    if Connection.objects.filter(name=connection.name).exclude(pk=connection.pk).exists():
        raise _name_is_taken()
    if not connection.client_id:
        raise Refused(_("Copy the Client ID from the API account at Apple."), field="client_id")
    if not connection.key_id:
        raise Refused(_("Copy the Key ID from the API account at Apple."), field="key_id")
    for name in TEXTS:
        if len(getattr(connection, name)) > LONGEST_TEXT:
            sentence = _("This is longer than %(longest)d characters.") % {"longest": LONGEST_TEXT}
            raise Refused(sentence, field=name)
    if sentence := wrong_kind(connection.kind, connection.client_id):
        raise Refused(sentence, field="client_id")


def _save(connection: Connection) -> None:
    try:
        with transaction.atomic():
            connection.save()
    except IntegrityError:  # somebody else took the name a moment ago
        raise _name_is_taken() from None


def _name_is_taken() -> Refused:
    return Refused(_("There is already a connection of this name."), field="name")


def wrong_kind(chosen: str, client_id: str) -> str:
    """What to say of a Client ID that plainly belongs to Apple's other portal; empty if it doesn't."""
    for kind, prefix in CLIENT_ID_PREFIXES.items():
        if kind != chosen and client_id.upper().startswith(prefix):
            return _(
                "This Client ID belongs to an account of %(kind)s. Choose that kind, or copy the other ID."
            ) % {"kind": kind.label}
    return ""


def _ensure_statuses(actor: Actor) -> None:
    ensure_device_statuses(actor=actor)
    ensure_incident_statuses(actor=actor)


def _audited(connection: Connection) -> dict[str, object]:
    """The connection without its secret: of the key, only the fingerprint."""
    return {
        "name": connection.name,
        "kind": str(connection.kind),
        "team_id": connection.team_id,
        "client_id": connection.client_id,
        "key_id": connection.key_id,
        "key_fingerprint": connection.key_fingerprint,
        "sync_coverage": connection.sync_coverage,
        "process_replacements": connection.process_replacements,
        "apply_replacements": connection.apply_replacements,
        "schedule": str(connection.schedule),
        "active": connection.active,
    }
