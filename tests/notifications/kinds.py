"""Kinds of notification that only these tests know; their templates stand beside."""

from homeroom.accounts.policy import Permission
from homeroom.notifications.kinds import Delivery, Kind

BROKEN = Kind(
    key="test-broken",
    label="Something broke",
    help_text="Told to whom it concerns.",
    permission=Permission.MANAGE_SETTINGS,
    template="test_mail/broken",
)
MENDED = Kind(
    key="test-mended",
    label="Something was mended",
    help_text="Told in the evening.",
    permission=Permission.VIEW_INVENTORY,
    template="test_mail/broken",
    default=Delivery.DIGEST,
)
