from homeroom.applesync.views import connections

app_name = "applesync"
urlpatterns = [*connections.urlpatterns]
