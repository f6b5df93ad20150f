from django.urls import path

from homeroom.insurance import deciding, views

app_name = "insurance"
urlpatterns = [
    path("insurance/", views.records, name="records"),
    path("devices/<int:device_pk>/insurance/new/", views.new, name="new"),
    path("insurance/follow-ups/", deciding.follow_ups, name="follow-ups"),
    path("devices/<int:device_pk>/follow-up/", deciding.follow_up, name="follow-up"),
    path("insurance/<int:pk>/", views.edit, name="edit"),
    path("insurance/<int:pk>/delete/", views.delete, name="delete"),
]
