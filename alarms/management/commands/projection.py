"""`manage.py projection`: one JSON case a line from standard input, one result a line.

Pure: it needs no database. A broken line is one error result; the lines after it are answered.
"""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand

from alarms.domain.case_lines import answer_line


class Command(BaseCommand):
    help = "Answers projection cases from standard input, one JSON object a line."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for raw in sys.stdin.buffer:
            line = raw.decode("utf-8", errors="replace").strip().removeprefix("\ufeff")
            # An empty line is a broken one: results stay beside their cases.
            sys.stdout.write(json.dumps(answer_line(line)) + "\n")
            sys.stdout.flush()
