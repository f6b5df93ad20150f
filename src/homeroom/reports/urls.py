from django.urls import path

from homeroom.reports import views

app_name = "reports"
urlpatterns = [
    path("reports/statistics/", views.statistics, name="statistics"),
    path("reports/statistics/settings/", views.settings, name="statistics-settings"),
    path("reports/incidents/", views.counted_incidents, name="incidents"),
]
