import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "homeroom.config.settings")
application = get_wsgi_application()

# What is loaded by now stays: looking all of it through for garbage would hold up a page for a tenth of a second.
gc.collect()
gc.freeze()
