from homeroom.applesync.views import (
    changes,
    connections,
    receiving,
    reconciliation,
    refresh,
    replacements,
    runs,
    why,
)

app_name = "applesync"
urlpatterns = [
    *connections.urlpatterns,
    *runs.urlpatterns,
    *changes.urlpatterns,
    *reconciliation.urlpatterns,
    *refresh.urlpatterns,
    *why.urlpatterns,
    *replacements.urlpatterns,
    *receiving.urlpatterns,
]
