from homeroom.applesync.views import connections, reconciliation, refresh, runs

app_name = "applesync"
urlpatterns = [*connections.urlpatterns, *runs.urlpatterns, *reconciliation.urlpatterns, *refresh.urlpatterns]
