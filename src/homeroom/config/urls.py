from django.urls import include, path

from homeroom.config import views

urlpatterns = [
    path("", views.home, name="home"),
    path("settings/", views.settings_index, name="settings"),
    path("account/", include("homeroom.accounts.urls")),
    path("account/", include("allauth.account.urls")),
    path("", include("homeroom.inventory.urls")),
    path("", include("homeroom.insurance.urls")),
    path("settings/", include("homeroom.incidents.urls")),
    path("", include("homeroom.applesync.urls")),
    path("api/", include("homeroom.api.urls")),
]
