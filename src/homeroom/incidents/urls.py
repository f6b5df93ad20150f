from django.urls import path

from homeroom.incidents import views
from homeroom.incidents.shipping.urls import urlpatterns as shipping

app_name = "incidents"
urlpatterns = [
    path("settings/incident-statuses/", views.incident_statuses, name="statuses"),
    path("settings/incident-statuses/<int:pk>/", views.incident_status_edit, name="status-edit"),
    path("settings/incident-statuses/<int:pk>/delete/", views.incident_status_delete, name="status-delete"),
    *shipping,
]
