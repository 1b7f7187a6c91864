"""Makes the demo's clinics once and prints how to sign in, as one line of JSON."""

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from devstack.sample import seed


class Command(BaseCommand):
    help = "Makes the demo clinics, unless they are there; reads ITB_DEMO_SECRETS."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENV.production:
            raise CommandError("The demo's invented patients are not for production.")
        path = os.environ.get("ITB_DEMO_SECRETS")
        if not path:
            raise CommandError("ITB_DEMO_SECRETS must name the demo's file of secrets.")
        found = json.loads(Path(path).read_text())
        secrets = seed.Secrets(password=found["password"], api_token=found["api_token"])
        if not seed.exists():
            with transaction.atomic():  # half a demo would look like a clinic with few pumps
                seed.make(secrets=secrets, now=timezone.now())
        users = [
            {"role": role.value, "username": username, "password": secrets.password}
            for username, role, _, _ in seed.PEOPLE
        ]
        answer = {"clinic": seed.FIRST[0], "api_token": secrets.api_token, "users": users}
        self.stdout.write(json.dumps(answer))
