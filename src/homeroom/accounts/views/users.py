from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django_tables2 import RequestConfig

from homeroom.accounts import queries
from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.forms import PreferencesForm, UserForm
from homeroom.accounts.models import User
from homeroom.accounts.policy import Permission
from homeroom.accounts.tables import UserTable
from homeroom.accounts.verbs import users as verbs
from homeroom.web.errors import Refused


@requires(Permission.MANAGE_USERS)
def users(request: ViewerRequest) -> HttpResponse:
    table = UserTable(queries.users(request.viewer), order_by="name")
    RequestConfig(request, paginate={"per_page": 50}).configure(table)
    return render(request, "accounts/users.html", {"table": table})


@sensitive_post_parameters("password")
@requires(Permission.MANAGE_USERS)
def new(request: ViewerRequest) -> HttpResponse:
    form = UserForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = form.values()
        values.pop("is_active")
        try:
            verbs.create_user(
                actor=request.viewer.actor,
                password=form.cleaned_data["password"],
                site_ids=form.site_ids(),
                **values,
            )
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("The account is there; they can sign in."))
            return redirect("users")
    return render(request, "accounts/user.html", {"form": form})


@sensitive_post_parameters("password")
@requires(Permission.MANAGE_USERS)
def edit(request: ViewerRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(queries.users(request.viewer), pk=pk)
    form = UserForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        user = get_object_or_404(queries.users(request.viewer), pk=pk)
        try:
            verbs.update_user(user, actor=request.viewer.actor, site_ids=form.site_ids(), **form.values())
            if form.cleaned_data["password"]:
                verbs.set_password(user, form.cleaned_data["password"], actor=request.viewer.actor)
        except Refused as refusal:
            form.add_error(refusal.field, refusal.sentence)
        else:
            messages.success(request, _("Saved."))
            return redirect("users")
    return render(request, "accounts/user.html", {"form": form, "edited": user})


@requires(Permission.OWN_ACCOUNT)
def preferences(request: ViewerRequest) -> HttpResponse:
    form = PreferencesForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        user = User.objects.get(pk=request.user.pk)
        verbs.update_user(user, actor=request.viewer.actor, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("preferences")
    return render(request, "accounts/preferences.html", {"form": form})
