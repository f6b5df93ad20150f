"""Who may ask: signed client assertions in, bearer tokens out."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeGuard

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from appleschool_sim.clock import Clock
from appleschool_sim.credentials import Credentials
from appleschool_sim.kinds import Kind

AUDIENCE = "https://account.apple.com/auth/oauth2/v2/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = 3600
SKEW = 60
LONGEST_ASSERTION = 180 * 86_400
_PURGE_EVERY = 1000


class InvalidClientError(Exception):
    """The one answer to every mistake. Its text is for people who read the simulator's log."""


class Tokens:
    """Verifies assertions and remembers which bearer tokens are good."""

    def __init__(
        self, kind: Kind, credentials: Credentials, clock: Clock, *, audience: str = AUDIENCE
    ) -> None:
        self._kind = kind
        self._clock = clock
        self._audience = audience
        self._expiries: dict[str, float] = {}
        self.is_revoked = False
        self.accept(credentials)

    def accept(self, credentials: Credentials) -> None:
        """Take these as the only good credentials."""
        self._credentials = credentials
        self._key = ECKey.import_key(credentials.private_key)
        self.is_revoked = False

    def revoke_key(self) -> None:
        self.is_revoked = True
        self._expiries.clear()

    def forget(self, token: str | None = None) -> None:
        """Make one bearer token bad, or all."""
        if token is None:
            self._expiries.clear()
        else:
            self._expiries.pop(token, None)

    def is_good(self, token: str) -> bool:
        expiry = self._expiries.get(token)
        return expiry is not None and self._clock.now().timestamp() < expiry

    def issue(self, parameters: Mapping[str, str]) -> dict[str, object]:
        """The answer to a token request; InvalidClientError for any mistake in it."""
        self._check_parameters(parameters)
        claims = self._verified(parameters["client_assertion"])
        self._check_claims(claims)
        now = self._clock.now().timestamp()
        if len(self._expiries) >= _PURGE_EVERY:
            self._expiries = {token: expiry for token, expiry in self._expiries.items() if expiry > now}
        token = _opaque()
        self._expiries[token] = now + LIFETIME
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "scope": self._kind.scope,
        }

    def _check_parameters(self, parameters: Mapping[str, str]) -> None:
        expected = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "scope": self._kind.scope,
        }
        for name, value in expected.items():
            _require(parameters.get(name) == value, f"parameter {name}")
        _require("client_assertion" in parameters, "parameter client_assertion")
        _require(not self.is_revoked, "the key was revoked")

    def _verified(self, assertion: str) -> dict[str, Any]:
        try:
            token = jwt.decode(assertion, self._key, algorithms=["ES256"])
        except (JoseError, ValueError) as error:
            raise InvalidClientError(f"assertion: {error}") from error
        _require(token.header.get("kid") == self._credentials.key_id, "kid")
        _require(isinstance(token.claims, dict), "claims")
        return token.claims

    def _check_claims(self, claims: dict[str, Any]) -> None:
        for name in ("iss", "sub"):
            _require(claims.get(name) == self._credentials.client_id, name)
        _require(claims.get("aud") == self._audience, "aud")
        _require(isinstance(claims.get("jti"), str) and bool(claims["jti"]), "jti")
        issued, expires = claims.get("iat"), claims.get("exp")
        if not _is_time(issued) or not _is_time(expires):
            raise InvalidClientError("iat or exp")
        _require(0 < expires - issued <= LONGEST_ASSERTION, "exp is too far from iat")
        moments = [self._clock.now()]
        if self._clock.is_turned:
            # Clients keep the real time when a test turns this clock; their assertions stay good.
            moments.append(datetime.now(UTC))
        _require(
            any(issued - SKEW <= moment.timestamp() < expires + SKEW for moment in moments),
            "iat or exp is off",
        )


def _require(holds: bool, mistake: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise InvalidClientError(mistake)


def _is_time(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _opaque() -> str:
    parts = (secrets.token_urlsafe(size) for size in (12, 96, 16))
    return f"eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..{'.'.join(parts)}"
