"""How a failure is judged, when it is tried again, and that no text tells of a patient."""

from dataclasses import replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from alarms.domain.status import Status
from followup.domain import plan
from itbclinic import mail
from itbclinic.environment import MisconfiguredError
from reminders.domain import retry, wording
from reminders.domain.promises import Obligation, prefix_of
from reminders.domain.retry import Outcome, Stage

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stage", "code", "outcome", "channel"),
    [
        (Stage.RECIPIENT, 550, Outcome.PERMANENT, False),
        (Stage.RECIPIENT, 451, Outcome.TEMPORARY, False),
        (Stage.CONTENT, 552, Outcome.PERMANENT, False),
        (Stage.CONTENT, 452, Outcome.TEMPORARY, False),
        (Stage.GREETING, 535, Outcome.TEMPORARY, True),
        (Stage.GREETING, 421, Outcome.TEMPORARY, False),
        (Stage.CONNECT, None, Outcome.TEMPORARY, True),
        (Stage.LOST, None, Outcome.UNKNOWN, False),
        (Stage.OURS, None, Outcome.PERMANENT, False),
    ],
)
def test_an_error_is_judged(
    stage: Stage, code: int | None, outcome: Outcome, channel: bool
) -> None:
    assert retry.judge(stage, code) == retry.Verdict(outcome, channel)


@pytest.mark.parametrize(
    ("spoken", "code"),
    [("Spanish", "es"), ("Español", "es"), ("es-MX", "es"), ("Estonian", "en"), ("", "en")],
)
def test_the_language_of_a_message(spoken: str, code: str) -> None:
    assert wording.language_code(spoken) == code


@pytest.mark.parametrize("template", wording.TEMPLATES)
@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_every_text_is_there_and_names_no_drug_and_no_pump(template: str, language: str) -> None:
    text = wording.text_of(
        template, language, clinic="Wasatch Clinic", phone="801-555-0100", board="https://x/"
    )
    whole = f"{text.subject} {text.body}".casefold()
    for word in ("pump", "bomba", "baclofen", "dose", "dosis", "alarm", "intrathecal", "patient"):
        assert word not in whole
    assert "\n" not in text.subject


@pytest.mark.parametrize(
    ("local", "end"),
    [
        ("2026-11-22T19:59", None),
        ("2026-11-22T20:00", "2026-11-23T08:00"),
        ("2026-11-23T03:00", "2026-11-23T08:00"),
        ("2026-11-23T08:00", None),
    ],
)
def test_quiet_hours_over_midnight(local: str, end: str | None) -> None:
    zone = ZoneInfo("America/Denver")
    at = datetime.fromisoformat(local).replace(tzinfo=zone)
    found = plan.end_of_quiet(at, time(20), time(8))
    assert found == (datetime.fromisoformat(end).replace(tzinfo=zone) if end else None)
    assert plan.end_of_quiet(at, time(8), time(8)) is None


def facts(status: Status, **more: object) -> plan.Facts:
    day = NOW.date()
    values = {"refill_due_on": day, "booked": False, "reason": "",
              "nurses": (plan.Recipient("n", "en"),), **more}  # fmt: skip
    return plan.Facts(pump="p", input_version=3, today=day, status=status, **values)  # type: ignore[arg-type]


def test_after_an_outage_only_the_most_urgent_milestone_goes() -> None:
    owed = plan.promises(facts(Status.ALARM))
    assert [(p.key.milestone, p.superseded) for p in owed] == [
        ("window", plan.LATER_MILESTONE), ("overdue", plan.LATER_MILESTONE), ("alarm", ""),
    ]  # fmt: skip
    assert plan.promises(facts(Status.ALARM, booked=True)) == []
    assert plan.promises(facts(Status.NOT_DUE)) == []
    [owed_now] = plan.promises(facts(Status.UNKNOWN, reason="no_fill"))
    assert owed_now.key.milestone == "unknown"
    assert plan.promises(facts(Status.UNKNOWN, reason="recalculating")) == []


def test_a_promise_keeps_its_row_and_gets_a_new_one_only_when_it_was_taken_back() -> None:
    [promise] = plan.promises(facts(Status.DUE))
    stamp = promise.key.stamp
    row = plan.Sent(promise.key, f"{stamp}.v3", live=True, pending=False)
    assert plan.version_for(promise, 3, []) == f"{stamp}.v3"
    assert plan.version_for(promise, 9, [row]) == f"{stamp}.v3", "sent once for this date"
    gone = plan.Sent(promise.key, f"{stamp}.v3", live=False, pending=False)
    assert plan.version_for(promise, 3, [gone]) == f"{stamp}.v3.1", "booked, then cancelled"


def test_an_obligation_is_read_as_it_was_written() -> None:
    obligation = Obligation(plan.REFILL, "0f8b7c1e-3a52-4d0e-9a3b-1f0d6c9a7b21")
    assert obligation.text == "refill:0f8b7c1e-3a52-4d0e-9a3b-1f0d6c9a7b21"
    assert Obligation.read(obligation.text) == obligation
    assert obligation.text.startswith(prefix_of(plan.REFILL))


def test_why_a_message_is_not_wanted_any_more() -> None:
    due = facts(Status.DUE)
    [promise] = plan.promises(due)
    key = promise.key
    assert plan.why_not(due, key) == ""
    assert plan.why_not(None, key) == "off_the_list"
    assert plan.why_not(due, replace(key, recipient="m")) == "recipient_gone"
    assert plan.why_not(due, replace(key, stamp="2026-01-01")) == "date_changed"
    assert plan.why_not(facts(Status.DUE, booked=True), key) == "booked"
    assert plan.why_not(facts(Status.NOT_DUE), key) == "not_owed"
    family = replace(key, obligation=Obligation(plan.VISIT, "a"))
    assert plan.why_not(facts(Status.DUE, booked=True), family) == "not_owed"
    assert plan.why_not(facts(Status.ALARM), key) == plan.LATER_MILESTONE


def test_mail_settings_are_read_and_checked() -> None:
    read = mail.read({"EMAIL_URL": "smtp+tls://u%40x:p%3Aw@mx.example.org"}, "https://itb.example")
    assert (read.host, read.port, read.user, read.password) == ("mx.example.org", 587, "u@x", "p:w")
    assert (read.starttls, read.ssl, read.timeout) == (True, False, 10)
    assert read.sender == "reminders@itb.example"
    for wrong in (
        {"EMAIL_URL": "imap://x"}, {"EMAIL_TIMEOUT": "0"}, {"EMAIL_FROM": "a b@c"},
        {"EMAIL_PORT": "x"},
    ):  # fmt: skip
        with pytest.raises(MisconfiguredError, match=next(iter(wrong))):
            mail.read(wrong, "")
