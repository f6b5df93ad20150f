from django.urls import path

from homeroom.accounts.views import audit, tokens, users

urlpatterns = [
    path("preferences/", users.preferences, name="preferences"),
    path("users/", users.users, name="users"),
    path("users/new/", users.new, name="user-new"),
    path("users/<int:pk>/", users.edit, name="user"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", tokens.revoke, name="token-revoke"),
    path("audit/", audit.audit, name="audit"),
]
