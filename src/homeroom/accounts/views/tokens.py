from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.forms import TokenForm
from homeroom.accounts.models import ApiToken
from homeroom.accounts.policy import Permission
from homeroom.accounts.verbs.tokens import create_token, revoke_token


@never_cache
@requires(Permission.OWN_ACCOUNT)
def tokens(request: ViewerRequest) -> HttpResponse:
    """One's own tokens. A new one's secret is in the answer to the POST that made it, and nowhere else."""
    form = TokenForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        _token, secret = create_token(
            request.user,
            name=form.cleaned_data["name"],
            scope=ApiToken.Scope(form.cleaned_data["scope"]),
            expires_on=form.cleaned_data["expires_on"],
            actor=request.viewer.actor,
        )
        form = TokenForm()
    own = request.user.api_tokens.filter(revoked_at=None)
    return render(request, "accounts/tokens.html", {"form": form, "secret": secret, "tokens": own})


@require_POST
@requires(Permission.OWN_ACCOUNT)
def revoke(request: ViewerRequest, pk: int) -> HttpResponse:
    revoke_token(get_object_or_404(request.user.api_tokens, pk=pk), actor=request.viewer.actor)
    messages.success(request, _("The token no longer works."))
    return redirect("tokens")
