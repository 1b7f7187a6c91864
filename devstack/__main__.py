"""python -m devstack demo|test|check|run|stop|reset|url|pictures|status"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from . import demo, procs, roles, teststack
from .paths import Layout, StackError
from .stack import Stack

ROLES = (roles.OWNER, roles.APP, roles.SCAN)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="python -m devstack")
    root.add_argument("--end-with-parent", action="store_true", help="for make: end when it ends")
    commands = root.add_subparsers(dest="command", required=True)
    run_demo = commands.add_parser("demo", help="run web, worker and beat until Ctrl-C")
    run_demo.add_argument("--port", default=os.environ.get("PORT") or "8000")
    run_demo.add_argument("--fresh", action="store_true", help="remove the demo's data first")
    for name, text in (("test", "the whole proof"), ("check", "the fast part of it")):
        commands.add_parser(name, help=text + "; more words go to pytest", add_help=False)
    run = commands.add_parser("run", help="a command against the servers of the tests")
    run.add_argument("--durable", action="store_true", help="with fsync, for measurements")
    run.add_argument("--release", action="store_true", help="make the schema first")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    commands.add_parser("stop", help="stop the demo and both servers; data is kept")
    commands.add_parser("reset", help="stop, and remove all data")
    url = commands.add_parser("url", help="start what is missing; print DATABASE_URL, REDIS_URL")
    url.add_argument("role", nargs="?", default=roles.OWNER, choices=ROLES)
    commands.add_parser("pictures", help="take the README's pictures anew")
    commands.add_parser("status", help="say what runs")
    return root


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says, and answer the exit code."""
    options, rest = parser().parse_known_args(arguments)
    if rest and options.command not in ("test", "check"):
        parser().error(f"unknown: {' '.join(rest)}")
    if options.end_with_parent:
        procs.end_when_parent_ends()
    layout = Layout.from_environment()
    if options.command == "demo":
        return _demo(layout, options)
    if options.command == "test":
        return teststack.test(teststack.test_layout(), rest)
    if options.command == "check":
        return teststack.check(rest)
    if options.command == "run":
        words = options.words[1:] if options.words[:1] == ["--"] else options.words
        where = teststack.test_layout()
        return teststack.run(where, words, durable=options.durable, release=options.release)
    if options.command == "pictures":
        from . import pictures  # only here: nothing else needs the browser's library

        pictures.take(layout)
        return 0
    if options.command in ("stop", "reset"):
        demo.stop_running(layout)
        if options.command == "reset":
            Stack(layout).reset()
        return 0
    return _url(layout, options.role) if options.command == "url" else _status(layout)


def _demo(layout: Layout, options: argparse.Namespace) -> int:
    if not options.port.isdecimal() or int(options.port) > 65535:
        raise StackError(f"PORT is {options.port!r}, which is not a port number")
    if options.fresh:
        demo.stop_running(layout)
        Stack(layout).reset()
    demo.run(layout, int(options.port))
    return 0


def _url(layout: Layout, role: str) -> int:
    stack = Stack(layout)
    stack.ensure_postgres()
    stack.ensure_valkey()
    print(stack.database_url(role))
    print(stack.redis_url())
    return 0


def _status(layout: Layout) -> int:
    stack = Stack(layout)
    server = stack.postgres.running()
    broker = stack.valkey.running(stack.secrets()["valkey"]) if layout.secrets.exists() else None
    for name, found in (("PostgreSQL", server), ("Valkey", broker)):
        where = f"127.0.0.1:{found.port}, pid {found.pid}" if found else "not running"
        print(f"{name:<12} {where}")
    print(f"{'demo':<12} {'running' if stack.demo_lock_held() else 'not running'}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (StackError, OSError) as problem:
        sys.exit(f"itbclinic: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
