"""How a view declares its permission."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from homeroom.accounts.models import User
from homeroom.accounts.policy import Permission, Viewer


class ViewerRequest(HttpRequest):
    """A request that passed `requires`: somebody is signed in, and `viewer` says who."""

    viewer: Viewer
    user: User


P = ParamSpec("P")
View = Callable[Concatenate[ViewerRequest, P], HttpResponseBase]


def requires(
    permission: Permission,
) -> Callable[[View[P]], Callable[Concatenate[HttpRequest, P], HttpResponseBase]]:
    """Declare a view's permission: sign-in first, then 403 for a role that lacks it."""

    def declare(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        @wraps(view)
        def checked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            viewer: Viewer | None = getattr(request, "viewer", None)
            if viewer is None:
                return _to_sign_in(request)
            if not viewer.may(permission):
                raise PermissionDenied
            return view(cast(ViewerRequest, request), *args, **kwargs)

        checked.permission = permission  # type: ignore[attr-defined]
        return checked

    return declare


def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Sign in and come back. A part of a page must not be filled with the sign-in page, so the page goes there."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    if not htmx:
        return redirect_to_login(request.get_full_path())
    return HttpResponseClientRedirect(redirect_to_login(htmx.current_url_abs_path or "/").url)
