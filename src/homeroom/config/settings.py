"""Django's settings, derived from `configuration.Configuration`. Nothing is set anywhere else."""

from pathlib import Path

import django_stubs_ext
import environ
import structlog
from csp.constants import NONE, SELF

from homeroom.config.configuration import read_configuration
from homeroom.config.logs import logging_configuration

# Lets forms and querysets name their model in their type at run time too.
django_stubs_ext.monkeypatch()

CONFIGURATION = read_configuration()
PACKAGE_DIR = Path(__file__).resolve().parent.parent

DEBUG = CONFIGURATION.debug
DEFAULT_EXCEPTION_REPORTER_FILTER = "homeroom.web.reporting.DiscreetReporterFilter"
SECRET_KEY, *SECRET_KEY_FALLBACKS = CONFIGURATION.keys
ALLOWED_HOSTS = CONFIGURATION.allowed_hosts
CSRF_TRUSTED_ORIGINS = [CONFIGURATION.base_url]

INSTALLED_APPS = [
    "homeroom.web",
    "homeroom.audit",
    "homeroom.accounts",
    "homeroom.schedules",
    "homeroom.notifications",
    "homeroom.inventory",
    "homeroom.insurance",
    "homeroom.incidents",
    "homeroom.applesync",
    "homeroom.reports",
    "homeroom.api",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "django_cotton",
    "django_htmx",
    "django.forms",
    "django_filters",
    "django_tables2",
    "django_structlog",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "homeroom.accounts.middleware.ViewerMiddleware",
    "homeroom.web.middleware.UnstorableMiddleware",
]

ROOT_URLCONF = "homeroom.config.urls"
WSGI_APPLICATION = "homeroom.config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "homeroom.web.context.shell",
            ],
        },
    }
]
COTTON_DIR = "components"
FORM_RENDERER = "homeroom.web.forms.FormRenderer"
DJANGO_TABLES2_TEMPLATE = "web/table.html"
DJANGO_TABLES2_TABLE_ATTRS = {"class": "table table-vcenter card-table"}

DATABASES = {
    "default": environ.Env.db_url_config(
        CONFIGURATION.database_url or f"sqlite:///{CONFIGURATION.data_dir.resolve() / 'homeroom.sqlite3'}"
    )
}
# An index may include columns for PostgreSQL alone: SQLite leaves them out.
SILENCED_SYSTEM_CHECKS = ["models.W040"]
_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 60,  # longer than the largest import holds the lock
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
        "PRAGMA cache_size=-20000; PRAGMA foreign_keys=ON;",
    }
else:
    _database["OPTIONS"] = {
        "pool": {"min_size": 1, "max_size": 16},
        "options": "-c jit=off",  # to compile a page's question takes longer than to answer it
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "homeroom_cache"},
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "homeroom.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = None
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CONFIGURATION.is_https
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if CONFIGURATION.is_https else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

LANGUAGE_CODE = CONFIGURATION.language
LOCALE_PATHS = [PACKAGE_DIR / "locale"]
TIME_ZONE = CONFIGURATION.time_zone
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = None  # nothing is collected: static files are served from the apps' folders
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = CONFIGURATION.data_dir / "files"
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
FILE_UPLOAD_PERMISSIONS = 0o600

# Links for new passwords go out by these at once; notifications wait in their outbox where no server is named.
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
vars().update(CONFIGURATION.email_settings)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = CONFIGURATION.email_from

LOGGING = logging_configuration(level=CONFIGURATION.log_level)
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
