from homeroom.applesync.views import connections, runs

app_name = "applesync"
urlpatterns = [*connections.urlpatterns, *runs.urlpatterns]
