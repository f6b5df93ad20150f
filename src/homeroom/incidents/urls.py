from django.urls import path

from homeroom.incidents.shipping.urls import urlpatterns as shipping
from homeroom.incidents.views import attachments, incidents, opening, statuses

app_name = "incidents"
urlpatterns = [
    path("incidents/", incidents.incidents, name="incidents"),
    path("incidents/new/", opening.new, name="new"),
    path("incidents/new/<int:device_pk>/", opening.new_of_device, name="new-of-device"),
    path("incidents/<int:number>/", incidents.incident, name="incident"),
    path("incidents/<int:number>/edit/", incidents.edit, name="edit"),
    path("incidents/<int:number>/status/", incidents.status, name="status"),
    path("incidents/<int:number>/close/", incidents.close, name="close"),
    path("incidents/<int:number>/reopen/", incidents.reopen, name="reopen"),
    path("incidents/<int:number>/take/", incidents.take, name="take"),
    path("incidents/<int:number>/comments/", incidents.comment, name="comment"),
    path("incidents/<int:number>/attachments/", attachments.attach, name="attach"),
    path("incidents/<int:number>/attachments/<int:pk>/", attachments.attachment, name="attachment"),
    path("incidents/<int:number>/attachments/<int:pk>/thumbnail/", attachments.thumbnail, name="thumbnail"),
    path("incidents/<int:number>/attachments/<int:pk>/remove/", attachments.remove, name="attachment-remove"),
    path("settings/incident-statuses/", statuses.incident_statuses, name="statuses"),
    path("settings/incident-statuses/<int:pk>/", statuses.incident_status_edit, name="status-edit"),
    path(
        "settings/incident-statuses/<int:pk>/delete/", statuses.incident_status_delete, name="status-delete"
    ),
    *shipping,
]
