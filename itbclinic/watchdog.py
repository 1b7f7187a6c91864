"""The watch over the reminders: the invariants of docs/reliability.md in SQL of its own.

It uses none of the application's selectors, so that a mistake there can't hide itself here. Each
query returns what breaks the invariant: ids and codes, nothing of a patient.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db import DatabaseError, connection, transaction

from accounts.models import Clinic
from alarms.selectors import worklist
from followup.models import WorkItem
from rosters.selectors import open_refused_rows

MAX_SHOWN: Final = 20
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Broken:
    """One invariant that does not hold, and where."""

    invariant: str
    says: str
    found: tuple[str, ...]


# Pumps implanted and not taken out, with their clinic's date; and whether somebody excluded them.
_PUMPS: Final = """
WITH active AS (
    SELECT p.id, p.uuid::text AS ref, p.clinic_id, p.input_version,
           (timezone(c.timezone, %(now)s))::date AS today
      FROM pumps_pump p JOIN accounts_clinic c ON c.id = p.clinic_id
     WHERE NOT EXISTS (SELECT 1 FROM pumps_explant e WHERE e.pump_id = p.id AND e.at <= %(now)s
                          AND NOT EXISTS (SELECT 1 FROM pumps_explantwithdrawal w
                                           WHERE w.explant_id = e.id))
), excluded AS (
    SELECT a.id FROM active a
     WHERE EXISTS (SELECT 1 FROM alarms_exclusion x
                    WHERE x.pump_id = a.id AND x.ends_on >= a.today AND x.reason <> ''
                      AND NOT EXISTS (SELECT 1 FROM alarms_exclusionend n
                                       WHERE n.exclusion_id = x.id))
)
"""

# Known pumps in their window whose next appointment does not come in time, and unknown ones.
_OWING: Final = (
    _PUMPS
    + """
, judged AS (
    SELECT a.*, j.refill_due_on, j.window_opens_on, j.computed_at,
           least(j.alarm_date, j.earliest_empty_date) AS runs_out_on,
           CASE WHEN j.unknown_reason <> '' THEN j.unknown_reason
                WHEN cardinality(j.attention) > 0
                     AND coalesce(j.attention_settled_until < a.today, true) THEN j.attention[1]
                ELSE '' END AS reason
      FROM active a JOIN alarms_projection j
        ON j.pump_id = a.id AND j.input_version = a.input_version
     WHERE a.id NOT IN (SELECT id FROM excluded)
), owing AS (
    SELECT g.*, CASE WHEN reason <> '' THEN 'unknown'
                     WHEN runs_out_on <= today THEN 'alarm'
                     WHEN refill_due_on < today THEN 'overdue' ELSE 'window' END AS milestone,
           CASE WHEN reason <> '' THEN ARRAY['unknown']
                WHEN runs_out_on <= today THEN ARRAY['window', 'overdue', 'alarm']
                WHEN refill_due_on < today THEN ARRAY['window', 'overdue']
                ELSE ARRAY['window'] END AS reached,
           CASE WHEN reason <> '' THEN reason ELSE refill_due_on::text END AS stamp
      FROM judged g
     WHERE reason <> ''
        OR ((window_opens_on <= today OR runs_out_on <= today) AND NOT EXISTS (
              SELECT 1 FROM refills_appointment b JOIN accounts_clinic c ON c.id = g.clinic_id
               WHERE b.pump_id = g.id AND b.cancelled_at IS NULL AND b.outcome = ''
                 AND b.starts_at > %(now)s
                 AND (timezone(c.timezone, b.starts_at))::date <= g.refill_due_on))
)
"""
)

QUERIES: Final[dict[str, tuple[str, str]]] = {
    "I1": (
        "every active pump has a projection of its own facts, is listed as unknown, or is "
        "excluded by a named person",
        _PUMPS
        + """
        SELECT 'pump ' || a.id FROM active a
          LEFT JOIN alarms_projection j ON j.pump_id = a.id
         WHERE a.id NOT IN (SELECT id FROM excluded)
           AND (j.pump_id IS NULL OR j.input_version <> a.input_version)
         ORDER BY a.id""",
    ),
    "I2": (
        "every milestone reached has a message that was sent, waits under 30 minutes or ended "
        "for a reason, or an open work item",
        _OWING
        + """
        SELECT 'pump ' || o.id || ' ' || step FROM owing o, unnest(o.reached) AS step
         WHERE greatest(o.computed_at, timezone((SELECT timezone FROM accounts_clinic
                                                  WHERE id = o.clinic_id),
                                                o.today::timestamp)) < %(now)s - %(wait)s::interval
           AND NOT EXISTS (
               SELECT 1 FROM reminders_outboxmessage m
                WHERE m.about = o.ref AND m.milestone = step AND m.stamp = o.stamp
                  AND (m.state IN ('sent', 'dead')
                       OR (step <> o.milestone AND m.state IN ('superseded', 'suppressed'))
                       OR (m.state = 'pending' AND greatest(m.created_at, m.not_before)
                                                   > %(now)s - %(wait)s::interval)))
           AND NOT EXISTS (
               SELECT 1 FROM alarms_workitem w
                WHERE (w.settled_at IS NULL OR w.settled_until >= o.today)
                  AND (w.subject = o.ref OR (w.clinic_id = o.clinic_id
                       AND w.kind IN ('nobody_to_tell', 'channel_failing'))))
        UNION ALL
        SELECT 'message ' || m.id || ' dead' FROM reminders_outboxmessage m
         WHERE m.state = 'dead'
           AND NOT EXISTS (SELECT 1 FROM alarms_workitem w
                            WHERE w.kind = 'delivery_failed' AND w.clinic_id = m.clinic_id
                              AND w.subject IN (m.uuid::text, m.recipient_ref))
        UNION ALL
        SELECT 'appointment ' || b.id FROM refills_appointment b
          JOIN active a ON a.id = b.pump_id JOIN accounts_clinic c ON c.id = a.clinic_id
         WHERE b.cancelled_at IS NULL AND b.outcome = '' AND b.starts_at > %(now)s
           AND a.id NOT IN (SELECT id FROM excluded)
           AND b.created_at < %(now)s - %(wait)s::interval
           AND (timezone(c.timezone, b.starts_at))::date <= a.today + 2
           AND NOT EXISTS (SELECT 1 FROM refills_appointment f
                            WHERE f.pump_id = b.pump_id AND f.cancelled_at IS NULL
                              AND f.outcome = '' AND f.starts_at > %(now)s
                              AND (f.starts_at, f.id) < (b.starts_at, b.id))
           AND timezone(c.timezone, a.today::timestamp) < %(now)s - %(wait)s::interval
           AND NOT EXISTS (SELECT 1 FROM reminders_outboxmessage m
                            WHERE m.obligation = 'visit:' || b.uuid::text
                              AND (m.state IN ('sent', 'dead')
                                   OR m.state = 'pending'
                                      AND greatest(m.created_at, m.not_before)
                                          > %(now)s - %(wait)s::interval))
           AND NOT EXISTS (SELECT 1 FROM alarms_workitem w
                            WHERE w.kind = 'call_family' AND w.subject = b.uuid::text
                              AND w.settle_reason <> %(no_longer)s)""",
    ),
    "I3": (
        "no message waits for more than 30 minutes without an attempt",
        """SELECT 'message ' || id FROM reminders_outboxmessage
            WHERE state = 'pending' AND lease_until IS NULL
              AND (greatest(created_at, not_before) < %(now)s - %(wait)s::interval
                   OR created_at > %(now)s + interval '5 minutes') ORDER BY id""",
    ),
    "I4": (
        "no lease ran out more than twice its length ago",
        """SELECT 'message ' || id FROM reminders_outboxmessage
            WHERE lease_until < clock_timestamp() - interval '240 seconds' ORDER BY id""",
    ),
    "I5": (
        "no work item is past its time without being passed on",
        """SELECT 'work item ' || id FROM alarms_workitem
            WHERE settled_at IS NULL AND due_at < %(now)s - interval '5 minutes' ORDER BY id""",
    ),
    "I6": (
        "the last complete sweep is under 15 minutes old and looked at every active pump",
        _PUMPS
        + """
        SELECT CASE WHEN s.finished_at IS NULL THEN 'there was none'
                    WHEN s.finished_at NOT BETWEEN %(now)s - interval '15 minutes'
                                               AND %(now)s + interval '1 minute'
                    THEN 'finished at ' || s.finished_at::text
                    ELSE 'looked at ' || s.looked_at || ' pumps' END
          FROM (SELECT 1) one
          LEFT JOIN LATERAL (SELECT * FROM alarms_scanrun
                              WHERE kind = 'sweep' AND finished_at IS NOT NULL
                              ORDER BY id DESC LIMIT 1) s ON true
         WHERE s.finished_at IS NULL
            OR s.finished_at NOT BETWEEN %(now)s - interval '15 minutes'
                                     AND %(now)s + interval '1 minute'
            OR s.looked_at < (SELECT count(*) FROM active a JOIN pumps_pump p ON p.id = a.id
                               -- an import commits what it recorded up to minutes before
                               WHERE p.recorded_at < s.started_at - interval '5 minutes')""",
    ),
    "I8": (
        "every message marked as sent has an attempt that the server accepted",
        """SELECT 'message ' || m.id FROM reminders_outboxmessage m
            WHERE m.state = 'sent' AND NOT EXISTS (
                  SELECT 1 FROM reminders_deliveryattempt t
                   WHERE t.message_id = m.id AND t.outcome = 'accepted') ORDER BY m.id""",
    ),
    "I9": (
        "every refused row of an import is imported, dismissed with a reason, or on the board",
        """SELECT 'row ' || r.id FROM visits_importrow r
            WHERE r.outcome = 'refused'
              AND (r.dismissed_at IS NOT NULL
                   AND (btrim(r.dismiss_reason) = '' OR r.dismissed_by_id IS NULL)
                   OR r.settled_by_row_id IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM visits_importrow s
                         WHERE s.id = r.settled_by_row_id AND s.clinic_id = r.clinic_id
                           AND s.id > r.id))
            ORDER BY r.id""",
    ),
    "I10": (
        "listed + excluded + explanted = pumps ever recorded",
        _PUMPS
        + """
        , listed AS (
            SELECT a.id FROM active a JOIN pumps_pump p ON p.id = a.id
              JOIN patients_patient t ON t.id = p.patient_id AND t.clinic_id = p.clinic_id
              JOIN pumps_pumpmodel m ON m.id = p.model_id AND m.clinic_id = p.clinic_id
             WHERE a.id NOT IN (SELECT id FROM excluded)
        ), counted AS (
            SELECT id, 1 AS times FROM listed UNION ALL SELECT id, 1 FROM excluded
            UNION ALL SELECT p.id, 1 FROM pumps_pump p
                       WHERE EXISTS (SELECT 1 FROM pumps_explant e
                                      WHERE e.pump_id = p.id AND e.at <= %(now)s
                                        AND NOT EXISTS (SELECT 1 FROM pumps_explantwithdrawal w
                                                         WHERE w.explant_id = e.id))
            UNION ALL SELECT id, 0 FROM pumps_pump
        )
        SELECT 'pump ' || id FROM counted GROUP BY id HAVING sum(times) <> 1 ORDER BY id""",
    ),
}

# By clinic, what the list must show: active pumps that nobody excluded.
_ON_THE_LIST: Final = (
    _PUMPS
    + """
SELECT clinic_id, id FROM active WHERE id NOT IN (SELECT id FROM excluded) ORDER BY clinic_id, id
"""
)
_REFUSED_OPEN: Final = """
SELECT clinic_id, id FROM visits_importrow
 WHERE outcome = 'refused' AND dismissed_at IS NULL AND settled_by_row_id IS NULL
"""


def check(now: datetime) -> list[Broken]:
    """Every invariant that does not hold at this instant, or that could not be checked.

    Raises:
        DatabaseError: the database does not answer at all.
    """
    connection.ensure_connection()
    broken = []
    for name, (says, query) in QUERIES.items():
        broken += _checked(name, says, partial(_broken_rows, query, now))
    says = "the page and the API list the same pumps, and all that there are"
    broken += _checked("I7", says, partial(_pumps_not_shown, now))
    broken += _checked("I9", QUERIES["I9"][0], partial(_rows_not_shown, now))
    return sorted(broken, key=lambda one: int(one.invariant[1:]))


def _checked(name: str, says: str, look: Callable[[], list[str]]) -> list[Broken]:
    """One invariant: a look that fails must not keep the others from being checked."""
    try:
        with transaction.atomic():
            found = look()
    except DatabaseError as error:
        found = [f"could not be checked: {type(error).__name__}"]
    return [Broken(name, says, tuple(found))] if found else []


def _broken_rows(query: str, now: datetime) -> list[str]:
    return [str(row[0]) for row in _rows(query, now)]


def _pumps_not_shown(now: datetime) -> list[str]:
    return _differing("pump", _pairs(_ON_THE_LIST, now), _shown_pumps(now))


def _rows_not_shown(now: datetime) -> list[str]:
    return _differing("row", _pairs(_REFUSED_OPEN, now), _shown_rows())


def _rows(query: str, now: datetime) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            query,
            {
                "now": now,
                "wait": "30 minutes",
                "no_longer": WorkItem.NO_LONGER,
            },
        )
        return list(cursor.fetchall())


def _pairs(query: str, now: datetime) -> set[tuple[int, int]]:
    return {(row[0], row[1]) for row in _rows(query, now)}


def _differing(noun: str, there: set[tuple[int, int]], shown: set[tuple[int, int]]) -> list[str]:
    """What is there and not shown, or shown and not there, each with its clinic."""
    wrong = [f"{noun} {pk} of clinic {clinic} is not shown" for clinic, pk in sorted(there - shown)]
    wrong += [f"{noun} {pk} of clinic {clinic} is shown" for clinic, pk in sorted(shown - there)]
    return wrong


def _shown_pumps(now: datetime) -> set[tuple[int, int]]:
    """Every pump that the code of the page and of the API returns, page after page."""
    everything = worklist.Filters(everything=True)
    found = set()
    for clinic_id in Clinic.objects.order_by("pk").values_list("pk", flat=True):
        pumps = worklist.listed_pumps([clinic_id], now)
        after = None
        while page := worklist.page(pumps, everything, size=PAGE, after=after):
            found |= {(clinic_id, row.pump.pk) for row in page}
            after = page[-1].position
    return found


def _shown_rows() -> set[tuple[int, int]]:
    """Every refused row that the board shows."""
    clinics = Clinic.objects.values_list("pk", flat=True)
    return {(row.clinic_id, row.pk) for row in open_refused_rows(list(clinics))}
