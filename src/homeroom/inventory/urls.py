from django.urls import URLPattern, path

from homeroom.inventory.imports.urls import urlpatterns as imports
from homeroom.inventory.views import assignments, devices, people, sites, statuses

app_name = "inventory"
urlpatterns: list[URLPattern] = [
    path("devices/", devices.devices, name="devices"),
    path("devices/new/", devices.device_new, name="device-new"),
    path("devices/<int:pk>/", devices.device, name="device"),
    path("devices/<int:pk>/edit/", devices.device_edit, name="device-edit"),
    path("devices/<int:pk>/delete/", devices.device_delete, name="device-delete"),
    path("devices/<int:pk>/status/", devices.device_status, name="device-status"),
    path("devices/<int:pk>/check-out/", assignments.check_out, name="check-out"),
    path("devices/<int:pk>/check-in/", assignments.check_in, name="check-in"),
    path("devices/<int:pk>/transfer/", assignments.transfer, name="transfer"),
    path("devices/<int:pk>/loaner/", assignments.loaner, name="loaner"),
    path("people/", people.people, name="people"),
    path("people/new/", people.person_new, name="person-new"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/edit/", people.person_edit, name="person-edit"),
    path("sites/", sites.sites, name="sites"),
    path("sites/new/", sites.site_new, name="site-new"),
    path("sites/<int:pk>/", sites.site, name="site"),
    path("sites/<int:pk>/edit/", sites.site_edit, name="site-edit"),
    path("sites/<int:pk>/delete/", sites.site_delete, name="site-delete"),
    path("settings/device-statuses/", statuses.device_statuses, name="device-statuses"),
    path("settings/device-statuses/<int:pk>/", statuses.device_status_edit, name="device-status-edit"),
    path(
        "settings/device-statuses/<int:pk>/delete/",
        statuses.device_status_delete,
        name="device-status-delete",
    ),
    *imports,
]
