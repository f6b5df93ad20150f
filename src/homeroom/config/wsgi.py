import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection

MOST_MAPPED = 2_000_000_000

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "homeroom.config.settings")
application = get_wsgi_application()
import_module(settings.ROOT_URLCONF)  # every view, instead of with the first request

if connection.vendor == "sqlite":
    # Here alone, since the worker's memory is bounded: a thread keeps its connection and what it has read by it, and
    # the file is read where the system keeps it, once for all threads.
    connection.settings_dict["CONN_MAX_AGE"] = None
    connection.settings_dict["OPTIONS"]["init_command"] += f"PRAGMA mmap_size={MOST_MAPPED};"

# What is loaded by now stays: looking all of it through for garbage would hold up a page for a tenth of a second.
gc.collect()
gc.freeze()
