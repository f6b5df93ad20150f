from homeroom.applesync.views import changes, connections, reconciliation, refresh, runs, why

app_name = "applesync"
urlpatterns = [
    *connections.urlpatterns,
    *runs.urlpatterns,
    *changes.urlpatterns,
    *reconciliation.urlpatterns,
    *refresh.urlpatterns,
    *why.urlpatterns,
]
