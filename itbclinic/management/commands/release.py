"""The release step: migrate, make the cache table, grant. Run before the new code starts."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from itbclinic import database_roles


class Command(BaseCommand):
    help = "Migrates, makes the cache table and grants the database roles what they need."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=options["verbosity"])
        call_command("createcachetable", verbosity=options["verbosity"])
        roles = database_roles.grant()
        if roles:
            self.stdout.write(f"Granted: {', '.join(roles)}.")
        else:
            self.stdout.write(
                "The roles itb_app and itb_scan do not exist on this server; "
                "every process runs with the role of its DATABASE_URL."
            )
