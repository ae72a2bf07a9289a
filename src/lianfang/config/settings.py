"""Django's settings: everything that differs between machines comes from the home folder or the environment."""

import os
from pathlib import Path

from lianfang.config.home import current_home
from lianfang.config.parcel_keys import ParcelKeys
from lianfang.config.postgres import connection
from lianfang.core.notices.rules import QuietHours
from lianfang.kit.rates import Rate
from lianfang.surfaces.field import phone_headers

HOME = current_home()
#: what phones seal their parcels to
PARCEL_KEYS = ParcelKeys(HOME)
ROOT = Path(__file__).resolve().parent.parent


def flag(name: str, default: bool = False) -> bool:
    """Read an on/off environment variable and fail loudly on anything else."""
    text = os.environ.get(name, "1" if default else "0").lower()
    if text not in {"0", "1", "true", "false", "yes", "no"}:
        raise ValueError(f"{name}={text!r} is neither on nor off: use 1 or 0")
    return text in {"1", "true", "yes"}


def database(login: str) -> dict[str, object]:
    """Return Django's description of the database as one of the three logins (owner, app, worker)."""
    where = dict(connection(HOME, login, os.environ.get("LIANFANG_DATABASE", "lianfang")))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": where.pop("dbname"),
        "USER": where.pop("user"),
        "PASSWORD": where.pop("password"),
        "HOST": where.pop("host"),
        "PORT": where.pop("port"),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        # what is left (sslmode, timeouts) belongs to how an external server is reached
        "OPTIONS": {**where, "application_name": f"lianfang-{login}"},
    }


def rate(name: str, default: str) -> Rate:
    """Read a rate such as ``20/300`` (twenty a second, 300 at once) from the environment and fail loudly on anything else."""
    try:
        return Rate.read(os.environ.get(name, default))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def days(name: str, default: int) -> int:
    """Read a number of days (1 to 365) from the environment and fail loudly on anything else."""
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= 365:
        raise ValueError(f"{name}={text!r} is no number of days: give 1 to 365")
    return int(text)


def gateways(name: str) -> list[str]:
    """Read the addresses of text gateways (blank-separated) and fail loudly on one that names no phone."""
    urls = os.environ.get(name, "").split()
    for number, url in enumerate(urls, 1):
        if "{phone}" not in url:
            raise ValueError(
                f"{name}: address {number} does not say where the phone number goes; write {{phone}} into it"
            )
    return urls


def quiet_hours(name: str) -> QuietHours | None:
    """Read hours such as ``22:00-07:00`` from the environment and fail loudly on anything else."""
    try:
        return QuietHours.read(os.environ.get(name, ""))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


SECRET_KEY = HOME.secrets.django_secret_key
DEBUG = False
ALLOWED_HOSTS = os.environ.get("LIANFANG_HOSTS", "127.0.0.1 localhost [::1] testserver").split()
CSRF_TRUSTED_ORIGINS = os.environ.get("LIANFANG_ORIGINS", "").split()

# The command line says which login the process is; one that serves never holds the owner's.
DATABASES = {"default": database(os.environ.get("LIANFANG_LOGIN", "app"))}
if not flag("LIANFANG_SERVING"):
    DATABASES["owner"] = database("owner")

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "lianfang.core.access",
    "lianfang.core.territory",
    "lianfang.core.people",
    "lianfang.core.duties",
    "lianfang.core.intake",
    "lianfang.core.notices",
    "lianfang.response.cases",
    "lianfang.response.quarantine",
    "lianfang.response.zones",
    "lianfang.response.command",
    "lianfang.response.workforce",
    "lianfang.response.checkpoints",
    "lianfang.response.specimens",
    "lianfang.response.screening",
    "lianfang.response.sampling",
    "lianfang.response.tasks",
    "lianfang.surfaces.console",
    "lianfang.surfaces.field",
    "lianfang.surfaces.reports",
]

MIDDLEWARE = [
    "lianfang.surfaces.field.problems.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "lianfang.surfaces.session.PolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "lianfang.surfaces.session.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "lianfang.core.access.middleware.ResponseClockMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "lianfang.surfaces.session.ActingMiddleware",
]

ROOT_URLCONF = "lianfang.config.urls"
WSGI_APPLICATION = "lianfang.config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

AUTH_USER_MODEL = "access.Account"
LOGIN_URL = "sign_in"
CSRF_FAILURE_VIEW = "lianfang.surfaces.console.web.entry.csrf_failed"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
SESSION_ENGINE = "lianfang.core.access.session_store"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = flag("LIANFANG_HTTPS")

# What one device may send, in requests and in people. A table samples a person in ten seconds: three hours without a
# line are a thousand people at once, and a device that sends each person alone needs two requests a second at most.
RATE_REQUESTS = rate("LIANFANG_RATE_REQUESTS", "20/600")
#: people looked up at a table: somebody found costs one, nobody found costs `MISS`, so that numbers cannot be tried out
RATE_LOOK_UPS = rate("LIANFANG_RATE_LOOK_UPS", "0.5/300")
#: documents looked at by one checkpoint device, and by one account: 600 an hour, all of them strangers
RATE_CHECKPOINT_LOOKS = rate("LIANFANG_RATE_CHECKPOINT_LOOKS", "0.1667/300")
RATE_PEOPLE = rate("LIANFANG_RATE_PEOPLE", "100/6000")
RATES_FILE = HOME.path / f"rates-{os.environ.get('LIANFANG_DATABASE', 'lianfang')}"
#: what the field records comes from registered devices (see core/access/rules.py, need_device)
DEVICES_REQUIRED = flag("LIANFANG_DEVICES_REQUIRED", default=True)
#: the telephone of the duty desk, shown on every phone of the field
DESK_PHONE = os.environ.get("LIANFANG_DESK_PHONE", "")
#: a batch of 200 tubes of 20 people is 1.3 MB; the same bound holds for what a compressed body inflates to (bytes)
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
#: for how many days a photo from the field is kept
PHOTO_DAYS = days("LIANFANG_PHOTO_DAYS", 14)

#: gateways for text messages, as Apprise writes addresses, the first that takes a message; `{phone}` and `{id}` are filled in
NOTICE_URLS = gateways("LIANFANG_NOTICE_URLS")
QUIET_HOURS = quiet_hours("LIANFANG_QUIET_HOURS")

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [ROOT / "surfaces" / "console" / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = HOME.path / "static"
WHITENOISE_USE_FINDERS = True
# the phone app lies at /field/, the widest that its service worker may answer for (see surfaces/field/phone_headers.py)
WHITENOISE_ROOT = ROOT / "surfaces/field/static"
WHITENOISE_ADD_HEADERS_FUNCTION = phone_headers.add_headers
WHITENOISE_IMMUTABLE_FILE_TEST = phone_headers.HASHED
WHITENOISE_MIMETYPES = {".webmanifest": "application/manifest+json", ".wasm": "application/wasm"}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
