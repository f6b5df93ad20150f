"""Homeroom's own settings, with a throw-away data folder; HOMEROOM_DATABASE_URL chooses the database."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("HOMEROOM_DATA_DIR", tempfile.mkdtemp(prefix="homeroom-tests-"))
os.environ.setdefault("HOMEROOM_SECRET_KEYS", "a-key-for-tests-only-0123456789abcdef")

from homeroom.config.settings import *

INSTALLED_APPS = [*INSTALLED_APPS, "django_linear_migrations"]

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
TEMPLATES[0]["DIRS"] = [Path(__file__).resolve().parent / "notifications" / "templates"]
STATIC_ROOT = None  # nothing is collected: static files come from the apps' folders

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file rather than memory: syncs write from threads, and tests of kills from processes of their own.
    DATABASES["default"]["TEST"] = {"NAME": str(CONFIGURATION.data_dir / "test.sqlite3")}
