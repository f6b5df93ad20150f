from django.urls import path

from homeroom.insurance.views import follow_ups, records

app_name = "insurance"
urlpatterns = [
    path("insurance/", records.records, name="records"),
    path("devices/<int:device_pk>/insurance/new/", records.new, name="new"),
    path("insurance/follow-ups/", follow_ups.follow_ups, name="follow-ups"),
    path("insurance/follow-ups/all/", follow_ups.all_that_fit, name="all-that-fit"),
    path("devices/<int:device_pk>/follow-up/", follow_ups.follow_up, name="follow-up"),
    path("insurance/<int:pk>/", records.edit, name="edit"),
    path("insurance/<int:pk>/delete/", records.delete, name="delete"),
]
