from django.urls import path

from homeroom.incidents import views

app_name = "incidents"
urlpatterns = [
    path("incident-statuses/", views.incident_statuses, name="statuses"),
    path("incident-statuses/<int:pk>/", views.incident_status_edit, name="status-edit"),
    path("incident-statuses/<int:pk>/delete/", views.incident_status_delete, name="status-delete"),
]
