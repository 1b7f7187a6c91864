"""Celery: a doorbell, never a memory.

Tasks carry no data and no ETA: each one looks at the database and does what is due or overdue.
A lost message or a missed tick is therefore made up by the next one (docs/reliability.md, 1).
"""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "itbclinic.settings")

app = Celery("itbclinic")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@beat_init.connect
def ring_at_once(sender: Any, **_: Any) -> None:
    """Ring for every scan when beat starts; its intervals alone would first wait their length."""
    for entry in app.conf.beat_schedule.values():
        app.send_task(entry["task"], **entry["options"])
