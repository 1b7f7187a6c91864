"""The database roles: none of them a superuser, or grants and row security would prove nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg2  # type: ignore[import-untyped, unused-ignore]
from psycopg2 import sql

from .postgres import SUPERUSER

DATABASE = "itb"
OWNER, APP, SCAN = "itb_owner", "itb_app", "itb_scan"
# The owner may create databases, since tests make one of their own.
ATTRIBUTES = {OWNER: "CREATEDB", APP: "NOCREATEDB", SCAN: "NOCREATEDB"}


def url(role: str, password: str, port: int, database: str = DATABASE) -> str:
    """The address that DATABASE_URL holds."""
    return f"postgresql://{role}:{password}@127.0.0.1:{port}/{database}"


def ensure(port: int, passwords: Mapping[str, str]) -> None:
    """Make the roles and the database, or set them right; tables are `manage.py release`'s."""
    connection = psycopg2.connect(
        host="127.0.0.1", port=port, user=SUPERUSER, password=passwords["superuser"],
        dbname="postgres", sslmode="disable", connect_timeout=10,
    )  # fmt: skip
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for role, attribute in ATTRIBUTES.items():
                _ensure_role(cursor, role, attribute, passwords[role])
            for member in (APP, SCAN):  # tests take these roles with SET ROLE
                cursor.execute(
                    sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE").format(
                        sql.Identifier(member), sql.Identifier(OWNER)
                    )
                )
            _ensure_database(cursor)
    finally:
        connection.close()


def _ensure_role(cursor: Any, role: str, attribute: str, password: str) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    verb = "ALTER" if cursor.fetchone() else "CREATE"
    cursor.execute(
        sql.SQL(
            f"{verb} ROLE {{}} LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS"
            f" {attribute} PASSWORD {{}}"
        ).format(sql.Identifier(role), sql.Literal(password))
    )


def _ensure_database(cursor: Any) -> None:
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
    name, owner = sql.Identifier(DATABASE), sql.Identifier(OWNER)
    if not cursor.fetchone():
        cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
    cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    for role in (APP, SCAN):
        cursor.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(role))
        )
