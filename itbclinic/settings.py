"""Settings of all environments. What differs is read and checked in `environment.py`."""

import os
from pathlib import Path
from typing import Any

import dj_database_url
from bootstrap_wrapper import get_bootstrap_dir
from csp.constants import NONE, SELF

from itbclinic import environment, mail
from itbclinic.logging.records import configuration

BASE_DIR = Path(__file__).resolve().parent.parent
ENV = environment.current(BASE_DIR)

DEBUG = False
SECRET_KEY = ENV.secret_key
ALLOWED_HOSTS = list(ENV.allowed_hosts) or ["localhost", "127.0.0.1", "[::1]", "testserver"]
CSRF_TRUSTED_ORIGINS = [ENV.base_url] if ENV.base_url else []

INSTALLED_APPS = [
    "itbclinic",
    "rosters",
    "visits",
    "followup",
    "alarms",
    "refills",
    "reminders",
    "documents",
    "dosing",
    "pumps",
    "patients",
    "accounts",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
]
if not ENV.production:
    INSTALLED_APPS += ["devstack"]  # the demo's sample clinic and `make bench`; not in the image

MIDDLEWARE = [
    "itbclinic.logging.requests.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "itbclinic.middleware.SignInMiddleware",
    "itbclinic.middleware.OwnPasswordMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "itbclinic.middleware.PrivatePagesMiddleware",
    "itbclinic.middleware.OtherMethodMiddleware",
]

ROOT_URLCONF = "itbclinic.urls"
WSGI_APPLICATION = "itbclinic.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "itbclinic.pages.shared.frame.navigation",
            ],
            "builtins": ["itbclinic.templatetags.itb"],
        },
    },
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# Without an address there is no database, and using one fails: never an empty file in its place.
_database: dict[str, Any] = {
    **dj_database_url.parse(
        ENV.database_url or "postgres://nobody@127.0.0.1:1/none",
        conn_max_age=60,
        conn_health_checks=True,
    ),
    "ATOMIC_REQUESTS": False,  # services own the transactions
}
# A hung statement or a forgotten transaction must end as an error that somebody sees.
_database["OPTIONS"] = _database.get("OPTIONS", {}) | {
    "options": "-c timezone=UTC -c statement_timeout=60000 -c lock_timeout=10000"
    " -c idle_in_transaction_session_timeout=60000"
}
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# A spreadsheet is held in memory and never on a disk; what is larger than any roster is let go by
# the first handler while it arrives.
FILE_UPLOAD_HANDLERS = [
    "itbclinic.file_upload.SmallFilesOnly",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
]
FILE_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024  # with the form around the file
DATA_UPLOAD_MAX_NUMBER_FILES = 1

# Sessions and rate limits live in PostgreSQL: sign-in works while the broker is down.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
    }
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
if ENV.name == "test":  # a slow hash protects nobody there, and makes each test user cost a second
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ACCOUNT_ADAPTER = "accounts.adapter.ClosedSignupAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
# The hospital's proxy adds the last address of X-Forwarded-For; without it all of its people share
# one, and a few mistyped passwords would keep everybody out.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if ENV.production else 0
# A whole clinic may share one address: guessing is slowed for the account, hardly for the address.
ACCOUNT_RATE_LIMITS = {"login_failed": "5/5m/key,120/m/ip"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]

SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENV.production
# Messages name patients, so they stay on the server and out of cookies.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_NAME = "__Host-itb" if ENV.production else "itb"
SECURE_SSL_REDIRECT = ENV.production
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000 if ENV.production else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = ENV.production
# Browsers' built-in lists take whole domains, and this one is the hospital's to offer.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Bootstrap draws its icons as data: images
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
        "manifest-src": [SELF],
    }
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"  # instants are UTC everywhere; a clinic's date is made at the edge
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles" if ENV.production else None
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("bootstrap", get_bootstrap_dir()),
]
WHITENOISE_USE_FINDERS = not ENV.production
STORAGES = {
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if ENV.production
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["itbclinic.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["itbclinic.api.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "itbclinic.api.problems.handle",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ITB clinic",
    "DESCRIPTION": "Refill-due lists of baclofen pumps, with their proof of completeness.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# Mail leaves through the outbox only (reminders/). Without an address of a server nothing is marked
# as sent: the rows wait, and the clinic's administrators are told.
MAIL = mail.read(os.environ, ENV.base_url)
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST, EMAIL_PORT = MAIL.host, MAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL.user, MAIL.password
EMAIL_USE_TLS, EMAIL_USE_SSL = MAIL.starttls, MAIL.ssl
EMAIL_TIMEOUT = MAIL.timeout
DEFAULT_FROM_EMAIL = MAIL.sender
MESSAGE_ID_DOMAIN = MAIL.sender.rpartition("@")[2]
BOARD_URL = f"{ENV.base_url or 'http://localhost:8000'}/"

CELERY_BROKER_URL = ENV.redis_url or "redis://127.0.0.1:1/0"
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 540
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 600, "socket_timeout": 10}
# UTC intervals only: a crontab skips or doubles an hour when clocks change: docs/reliability.md, 1.
# A tick expires before the next one, so an outage leaves no pile of old scans behind.
CELERY_BEAT_SCHEDULE = {
    "due-scan": {"task": "followup.due_scan", "schedule": 60.0, "options": {"expires": 55}},
    "sweep": {"task": "followup.sweep", "schedule": 600.0, "options": {"expires": 540}},
    "deliver": {"task": "followup.deliver", "schedule": 30.0, "options": {"expires": 25}},
    "recover": {"task": "followup.recover", "schedule": 60.0, "options": {"expires": 55}},
    "uploads": {"task": "rosters.run_uploads", "schedule": 30.0, "options": {"expires": 25}},
    "summaries": {"task": "documents.render", "schedule": 30.0, "options": {"expires": 25}},
    "renew": {"task": "visits.renew_summaries", "schedule": 60.0, "options": {"expires": 55}},
}
# The kinds of paper, each a `documents.kinds.Kind` of the app whose facts it prints.
PAPER_KINDS = ["visits.services.summary_paper.SUMMARY"]
SWEEP_STALE_AFTER_SECONDS = 15 * 60  # docs/reliability.md, I6
DUE_SCAN_STALE_AFTER_SECONDS = 10 * 60  # it runs every minute
DELIVERY_STALE_AFTER_SECONDS = 10 * 60  # it runs every 30 seconds

LOGGING = configuration(production=ENV.production)
