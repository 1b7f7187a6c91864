"""Whether this container does its work, for each service: exit code 0 or 1.

Called as `healthcheck.py web`, `worker`, `beat` or `watchdog`. It asks without Django, which would
take a second of processor time at every check. Docker shows the line that it prints (`docker
inspect`), so the line names no patient and no password.
"""

import os
import sys
import time
import urllib.request
from pathlib import Path

import psycopg2  # type: ignore[import-untyped, unused-ignore]

SCAN_STALE_AFTER_SECONDS = 5 * 60  # the due scan runs every minute, delivery every half
SWEEP_STALE_AFTER_SECONDS = 15 * 60  # docs/reliability.md, I6
CLEAN_STALE_AFTER_SECONDS = 15 * 60  # the watchdog checks every five minutes
CLEAN = Path("/tmp/clean")  # noqa: S108 - a tmpfs of its own container
AGES = """
    SELECT kind, extract(epoch FROM now() - max(finished_at))
      FROM alarms_scanrun
     WHERE finished_at IS NOT NULL AND finished_at < now() + interval '1 minute' GROUP BY kind
"""


def web() -> str:
    """Empty when the web process answers; it asks for nothing else."""
    host = os.environ["ALLOWED_HOSTS"].split(",")[0].strip().lstrip(".")
    request = urllib.request.Request("http://127.0.0.1:8000/healthz", headers={"Host": host})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=8) as response:
        return "" if response.status == 200 else f"/healthz answers {response.status}"


def worker() -> str:
    """Empty when scans come to their end: it proves worker, broker, beat and database at once."""
    url = os.environ["DATABASE_URL"]
    with psycopg2.connect(url, connect_timeout=5) as connection, connection.cursor() as cursor:
        cursor.execute(AGES)
        ages = {kind: float(age) for kind, age in cursor.fetchall()}
    for kind in ("due_scan", "delivery"):
        if ages.get(kind, float("inf")) > SCAN_STALE_AFTER_SECONDS:
            return f"no {kind} ended in the last {SCAN_STALE_AFTER_SECONDS} s"
    if ages.get("sweep", float("inf")) > SWEEP_STALE_AFTER_SECONDS:
        return f"no sweep ended in the last {SWEEP_STALE_AFTER_SECONDS} s"
    return ""


def beat() -> str:
    """Empty when process 1 is beat, and neither stopped nor dead."""
    process = Path("/proc/1")
    words = (process / "cmdline").read_bytes().split(b"\0")
    state = (process / "stat").read_text().rpartition(")")[2].split()[0]
    return "" if b"beat" in words and state not in "TZX" else f"process 1 is in state {state}"


def watchdog() -> str:
    """Empty when a check of the invariants found nothing lately."""
    if not CLEAN.exists():
        return "no check has found everything in order yet; see the log"
    age = time.time() - CLEAN.stat().st_mtime
    if age > CLEAN_STALE_AFTER_SECONDS:
        return f"no check found everything in order for {age:.0f} s; see the log"
    return ""


def main(name: str) -> int:
    """Check one service, print what is wrong."""
    try:
        problem = CHECKS[name]()
    except (OSError, psycopg2.Error) as error:
        problem = f"{name}: {type(error).__name__}"
    print(problem or "ok")  # noqa: T201
    return 1 if problem else 0


CHECKS = {"web": web, "worker": worker, "beat": beat, "watchdog": watchdog}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
