"""API tokens: made, used and revoked."""

import secrets
from datetime import date, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from homeroom.accounts.models import ApiToken, User
from homeroom.audit.actors import Actor
from homeroom.audit.verbs import record

PREFIX = "homeroom_"
NOTE_USE_EVERY = timedelta(hours=1)


@transaction.atomic
def create_token(
    user: User, *, name: str, scope: ApiToken.Scope, actor: Actor, expires_on: date | None = None
) -> tuple[ApiToken, str]:
    """A new token and its secret, which can't be had again."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user, name=name, scope=scope, expires_on=expires_on, secret_hash=_hash(secret)
    )
    record(actor, "api-token.created", token, after={"scope": scope, "expires_on": expires_on})
    return token, secret


@transaction.atomic
def revoke_token(token: ApiToken, *, actor: Actor) -> None:
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        record(actor, "api-token.revoked", token)


def token_of(secret: str) -> ApiToken | None:
    """The token with this secret, if it and its user are still good. Notes the use, at most once an hour."""
    now = timezone.now()
    good = ApiToken.objects.select_related("user").filter(
        Q(expires_on=None) | Q(expires_on__gte=timezone.localdate()), revoked_at=None, user__is_active=True
    )
    token = good.filter(secret_hash=_hash(secret)).first()
    if token is not None and (token.last_used_at is None or now - token.last_used_at > NOTE_USE_EVERY):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
