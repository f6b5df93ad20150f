from allauth.account import views as account
from django.urls import include, path

from homeroom.config import views

# Of the sign-in library's pages only those that an installation without sign-up needs.
sign_in = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    path(
        "password/reset/key/<uidb36>-<key>/",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("signup/", account.signup, name="account_signup"),
]

urlpatterns = [
    path("", views.home, name="home"),
    path("settings/", views.settings_index, name="settings"),
    path("account/", include("homeroom.accounts.urls")),
    path("account/", include(sign_in)),
    path("", include("homeroom.notifications.urls")),
    path("", include("homeroom.inventory.urls")),
    path("", include("homeroom.insurance.urls")),
    path("", include("homeroom.incidents.urls")),
    path("", include("homeroom.applesync.urls")),
    path("", include("homeroom.reports.urls")),
    path("api/", include("homeroom.api.urls")),
]
