"""`make bench`: measures into var/bench.json, on a database of its own."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.utils import timezone

from devstack.bench import data, measures
from itbclinic import database_roles


class Command(BaseCommand):
    help = "Makes its own data, measures, and writes var/bench.json."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--pumps", type=int, default=10_000)
        parser.add_argument("--runs", type=int, default=3)

    def handle(self, *args: Any, **options: Any) -> None:
        settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
        name = connection.settings_dict["NAME"]
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        try:
            database_roles.grant()
            now = timezone.now().replace(microsecond=0)
            by = data.make(options["pumps"], now)
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
            found = measures.all_figures(options["pumps"], now, by, options["runs"])
        finally:
            connection.creation.destroy_test_db(name, verbosity=0)
        path = settings.ENV.var_dir / "bench.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1) + "\n")
        for one in found:
            ratio = f"  {one['ratio']:.1f} x floor" if one["ratio"] else ""
            self.stdout.write(f"{one['name']:24} {one['value']:10.4f} {one['unit']}{ratio}")
