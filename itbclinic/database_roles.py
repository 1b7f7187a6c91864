"""What each database role may do (docs/reliability.md, 7).

`itb_owner` owns the tables and migrates. `itb_app` runs the web, `itb_scan` the worker, beat and
the watchdog: both read and write, but change nothing in an append-only table, delete nothing of
ours but what `DELETABLE` names, and truncate nothing at all. A pump or a refused row cannot
disappear. No role is a superuser, or grants would prove nothing.
"""

from typing import Final

from django.apps import apps
from django.db import connection

from core.append_only import AppendOnly

APPLICATION_ROLES: Final = ("itb_app", "itb_scan")

FIRST_PARTY: Final = (
    "rosters", "visits", "followup", "alarms", "documents", "reminders", "refills", "dosing",
    "pumps", "patients", "accounts",
)  # fmt: skip
# A role taken away, and a limit that a catalogue entry no longer has; both are audited.
DELETABLE: Final = ("accounts_membership", "dosing_stabilitylimit")


def kept_tables() -> list[str]:
    """Our tables whose rows the application never deletes."""
    models = apps.get_models(include_auto_created=True)
    tables = {m._meta.db_table for m in models if m._meta.app_label in FIRST_PARTY}
    return sorted(tables - set(DELETABLE))


def append_only_tables() -> list[str]:
    """The tables whose rows are facts."""
    return sorted(
        model._meta.db_table for model in apps.get_models() if issubclass(model, AppendOnly)
    )


def existing_roles() -> list[str]:
    """The application's roles that this server has; an outside server may have none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) ORDER BY 1",
            [list(APPLICATION_ROLES)],
        )
        return [row[0] for row in cursor.fetchall()]


def grant() -> list[str]:
    """Give the application's roles exactly what they need; returns the roles that exist."""
    roles = existing_roles()
    with connection.cursor() as cursor:
        for role in roles:
            cursor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
            cursor.execute(
                f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role};"
                f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};"
                f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}"
            )
            for table in kept_tables():
                cursor.execute(f"REVOKE DELETE ON {table} FROM {role}")
            for table in append_only_tables():
                cursor.execute(f"REVOKE UPDATE ON {table} FROM {role}")
            cursor.execute(f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}")
    return roles
