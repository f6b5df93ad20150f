"""Who may do what: roles, permissions and the viewer that every query takes."""

from dataclasses import dataclass
from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _

from homeroom.audit.actors import COMMAND_LINE, HOMEROOM, Actor


class Role(models.TextChoices):
    ADMINISTRATOR = "administrator", _("Administrator")
    TECHNICIAN = "technician", _("Technician")
    VIEWER = "viewer", _("Viewer")


class Permission(StrEnum):
    VIEW_INVENTORY = "view-inventory"
    EDIT_INVENTORY = "edit-inventory"
    DELETE_DEVICES = "delete-devices"
    ASSIGN_DEVICES = "assign-devices"
    IMPORT = "import"
    EXPORT = "export"
    EDIT_INSURANCE = "edit-insurance"
    VIEW_INCIDENTS = "view-incidents"
    EDIT_INCIDENTS = "edit-incidents"
    SEND_TO_APPLE = "send-to-apple"
    REVIEW_REPLACEMENTS = "review-replacements"
    UNDO_REPLACEMENTS = "undo-replacements"
    VIEW_SYNC = "view-sync"
    REFRESH_DEVICES = "refresh-devices"
    RUN_SYNC = "run-sync"
    MANAGE_CONNECTIONS = "manage-connections"
    MANAGE_SETTINGS = "manage-settings"
    MANAGE_USERS = "manage-users"
    VIEW_AUDIT = "view-audit"
    OWN_ACCOUNT = "own-account"
    """What every signed-in person may do to their own account."""


_VIEWER = frozenset(
    {Permission.VIEW_INVENTORY, Permission.VIEW_INCIDENTS, Permission.EXPORT, Permission.OWN_ACCOUNT}
)
_TECHNICIAN = _VIEWER | {
    Permission.EDIT_INVENTORY,
    Permission.ASSIGN_DEVICES,
    Permission.IMPORT,
    Permission.EDIT_INSURANCE,
    Permission.EDIT_INCIDENTS,
    Permission.SEND_TO_APPLE,
    Permission.REVIEW_REPLACEMENTS,
    Permission.VIEW_SYNC,
    Permission.REFRESH_DEVICES,
}
GRANTS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.TECHNICIAN: _TECHNICIAN,
    Role.ADMINISTRATOR: frozenset(Permission),
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is asking. `site_ids` None means every site; an empty set means none.

    Somebody who `works_at_depot` also sees what is at Apple from all sites: the depot ships and receives it.
    """

    actor: Actor
    role: Role
    site_ids: frozenset[int] | None = None
    works_at_depot: bool = False

    def may(self, permission: Permission) -> bool:
        return permission in GRANTS[self.role]

    @property
    def user_id(self) -> int | None:
        """None for what is no person: the command line, a schedule."""
        kind, _separator, key = self.actor.id.partition(":")
        return int(key) if kind == "user" and key.isdecimal() else None

    def sees_site(self, site_id: int) -> bool:
        return self.site_ids is None or site_id in self.site_ids


COMMAND_LINE_VIEWER = Viewer(COMMAND_LINE, Role.ADMINISTRATOR)
HOMEROOM_VIEWER = Viewer(HOMEROOM, Role.ADMINISTRATOR)
