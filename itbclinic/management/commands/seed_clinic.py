"""`manage.py seed_clinic`: makes an empty clinic with the catalogue of pump models and drugs."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts import services as accounts
from accounts.selectors import clinic_named
from core.rules import RuleViolation
from dosing.services import seed_drug_products
from pumps.services import seed_pump_models


class Command(BaseCommand):
    help = "Makes an empty clinic with the catalogue of pump models and drugs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--slug", required=True, help="the clinic's name in addresses")
        parser.add_argument("--timezone", required=True, help="such as America/Denver")
        parser.add_argument("--name", help="as people read it; the slug without it")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["slug"]
        if clinic_named(slug) is not None:
            raise CommandError(f"There is a clinic {slug} already. Choose another --slug.")
        by, now = accounts.system_user("system-import"), timezone.now()
        try:
            with transaction.atomic():
                clinic = accounts.create_clinic(
                    slug=slug,
                    name=options["name"] or slug,
                    timezone=options["timezone"],
                    by=by,
                    at=now,
                )
                seed_pump_models(clinic=clinic, by=by, at=now)
                seed_drug_products(clinic=clinic, by=by, at=now)
        except RuleViolation as violation:
            sentences = "; ".join(f"{p.field}: {p.message}" for p in violation.problems)
            raise CommandError(sentences) from violation
        self.stdout.write(f"Made the clinic {slug} ({clinic.timezone}) with its catalogue.")
