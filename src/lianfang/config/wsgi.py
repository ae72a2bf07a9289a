"""The application a server runs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lianfang.config.settings")
house = get_wsgi_application()

from lianfang.surfaces.field.express import ExpressLane  # noqa: E402 - the applications are loaded now

application = ExpressLane(house)
