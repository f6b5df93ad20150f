from django.urls import URLPattern

from homeroom.inventory.imports.urls import urlpatterns as imports

app_name = "inventory"
urlpatterns: list[URLPattern] = [*imports]
