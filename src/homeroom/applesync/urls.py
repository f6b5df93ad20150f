from django.urls import URLPattern

app_name = "applesync"
urlpatterns: list[URLPattern] = []
