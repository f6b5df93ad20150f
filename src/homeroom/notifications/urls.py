from django.urls import path

from homeroom.notifications import views

app_name = "notifications"
urlpatterns = [
    path("account/notifications/", views.preferences, name="preferences"),
    path("settings/email/", views.email, name="email"),
    path("settings/email/test/", views.test, name="email-test"),
    path("settings/email/try-again/", views.try_all_again, name="email-try-all-again"),
    path("settings/email/<int:pk>/try-again/", views.try_again, name="email-try-again"),
]
