"""Celery: a doorbell, never a memory.

Tasks carry no data and no ETA: each one looks at the database and does what is due or overdue.
A lost message or a missed tick is therefore made up by the next one (reliability.md, 1).
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "itbclinic.settings")

app = Celery("itbclinic")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
