from homeroom.applesync.views import connections, refresh, runs

app_name = "applesync"
urlpatterns = [*connections.urlpatterns, *runs.urlpatterns, *refresh.urlpatterns]
