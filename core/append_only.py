"""Append-only tables: facts that nobody can change afterwards, the application included.

The database refuses UPDATE and DELETE with a trigger, whatever role asks; the grants of
`itbclinic/database_roles.py` refuse them, and TRUNCATE, to the application's roles as well.
"""

from typing import Any

from django.db import migrations, models

CREATE_FUNCTION = """
CREATE FUNCTION itb_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only: record a correction instead', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""


class AppendOnlyError(RuntimeError):
    """Something tried to change a recorded fact. Record a correction instead."""


class AppendOnly(models.Model):
    """A row that is written once. Corrections are rows of their own."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError(f"{self._meta.label} is append-only.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError(f"{self._meta.label} is append-only.")


def make_function() -> migrations.RunSQL:
    """The migration step that creates the trigger's function; the first app has it."""
    return migrations.RunSQL(CREATE_FUNCTION, "DROP FUNCTION itb_refuse_change()")


def protect(table: str) -> migrations.RunSQL:
    """The migration step that makes a table append-only."""
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION itb_refuse_change()",
        f"DROP TRIGGER {table}_append_only ON {table}",
    )
