"""Every event that is written into the audit log is in the words of a desk."""

import ast
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from itbclinic.database_roles import FIRST_PARTY
from itbclinic.pages.audit.words import events, subjects

ROOT = Path(settings.BASE_DIR)
# Who takes an event's name by its place.
BY_PLACE = {"audit_pump": 1}


def written(source: str) -> Iterator[tuple[str, str]]:
    """`event` or `subject_type`, and the literal that a call gives for it."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        given = {word.arg: word.value for word in node.keywords}
        place = BY_PLACE.get(ast.unparse(node.func).rpartition(".")[2])
        if place is not None and len(node.args) > place:
            given["event"] = node.args[place]
        for name in ("event", "subject_type"):
            value = given.get(name)
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                yield name, value.value


def test_every_event_and_what_it_is_about_has_words() -> None:
    found: dict[str, set[str]] = {"event": set(), "subject_type": set()}
    for app in ("itbclinic", *FIRST_PARTY):
        for path in (ROOT / app).rglob("*.py"):
            if "migrations" not in path.parts:
                for name, value in written(path.read_text()):
                    found[name].add(value)
    assert len(found["event"]) > 40
    assert found["event"] - set(events()) == set()
    assert found["subject_type"] - set(subjects()) == set()


def test_no_two_desks_have_words_for_one_event() -> None:
    from itbclinic.pages.shared.desk import desks

    named = [event for desk in desks().values() for event in desk.events]
    assert len(named) == len(set(named))
