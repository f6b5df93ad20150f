"""Who asks: the user of a token, within the token's scope."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.security import HttpBearer

from homeroom.accounts.models import ApiToken
from homeroom.accounts.policy import Permission, Viewer
from homeroom.accounts.verbs.tokens import token_of

P = ParamSpec("P")
R = TypeVar("R")
SAFE = {"GET", "HEAD", "OPTIONS"}


class ApiRequest(HttpRequest):
    """A request that passed `requires`."""

    auth: ApiToken
    viewer: Viewer


class Token(HttpBearer):
    """`Authorization: Bearer homeroom_…`."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        found = token_of(token)
        if found is not None:
            request.viewer = found.user.viewer()  # type: ignore[attr-defined]
        return found


def requires(
    permission: Permission,
) -> Callable[[Callable[Concatenate[ApiRequest, P], R]], Callable[Concatenate[ApiRequest, P], R]]:
    """Declare an operation's permission: 403 for a role that lacks it, and for a reading token that writes."""

    def declare(
        operation: Callable[Concatenate[ApiRequest, P], R],
    ) -> Callable[Concatenate[ApiRequest, P], R]:
        @wraps(operation)
        def checked(request: ApiRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if request.method not in SAFE and request.auth.scope != ApiToken.Scope.WRITE:
                raise PermissionDenied(_("This token may only read."))
            if not request.viewer.may(permission):
                raise PermissionDenied(_("Your role does not allow this."))
            return operation(request, *args, **kwargs)

        checked.permission = permission  # type: ignore[attr-defined]
        return checked

    return declare
