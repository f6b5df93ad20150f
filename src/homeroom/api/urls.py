from django.urls import path
from ninja import NinjaAPI

from homeroom import __version__
from homeroom.api.authentication import Token
from homeroom.api.problems import speak_of_problems
from homeroom.api.resources import devices, insurance, people, places, reconciliation, statistics, syncs, why

api = NinjaAPI(title="Homeroom", version=__version__, auth=Token(), docs_url=None, urls_namespace="api")
speak_of_problems(api)
for resource in (places, people, devices, insurance, syncs, reconciliation, why, statistics):
    api.add_router("", resource.router)

urlpatterns = [path("v1/", api.urls)]
