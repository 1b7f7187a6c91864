"""`manage.py add_administrator`: the first one of a clinic, who gives everybody else their role."""

from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Role, User
from accounts.selectors import clinic_named, username_is_taken


class Command(BaseCommand):
    help = "Makes an administrator of a clinic. It asks for the password; nobody sees it typed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--clinic", required=True, help="the clinic's slug")
        parser.add_argument("--username", required=True)
        parser.add_argument("--given-name", required=True)
        parser.add_argument("--family-name", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        clinic = clinic_named(options["clinic"])
        if clinic is None:
            raise CommandError(f"There is no clinic {options['clinic']}. Make it: seed_clinic.")
        if username_is_taken(options["username"]):
            raise CommandError(f"There is an account {options['username']} already.")
        names = {
            "username": options["username"],
            "given_name": options["given_name"],
            "family_name": options["family_name"],
        }
        password = self._password(options["username"])
        by, now = accounts.system_user("system-import"), timezone.now()
        with transaction.atomic():
            user = accounts.create_user(**names, password=password, clinic=clinic, by=by, at=now)
            accounts.grant_role(user=user, clinic=clinic, role=Role.ADMIN, by=by, at=now)
        self.stdout.write(f"{options['username']} administers {clinic.name}. Sign in, and turn on "
                          "the second factor.")  # fmt: skip

    def _password(self, username: str) -> str:
        """Asked for twice, and as good as the sign-in pages want it."""
        password = getpass("Password: ")
        if password != getpass("The same again: "):
            raise CommandError("The two differ. Nothing was made.")
        try:
            validate_password(password, User(username=username))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        return password
