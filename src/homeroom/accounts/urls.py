from django.urls import path

from homeroom.accounts.views import audit, users

urlpatterns = [
    path("preferences/", users.preferences, name="preferences"),
    path("users/", users.users, name="users"),
    path("users/new/", users.new, name="user-new"),
    path("users/<int:pk>/", users.edit, name="user"),
    path("audit/", audit.audit, name="audit"),
]
