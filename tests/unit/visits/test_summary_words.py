"""The paper's fixed text is plain, and its dates and doses are exact and in words."""

import hashlib
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dosing.domain import programs
from visits.domain import summary
from visits.domain import summary_words as words
from visits.domain.summary_dose import Dose, changed, dose_of, lines_of, schedule_of

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = ROOT / "templates" / "summary" / "document.html"
LONGEST, HARDEST = 20, Fraction(13, 2)  # words in a sentence; the reading grade
BANNED = {
    "reservoir", "intrathecal", "withdrawal", "overdose", "titration", "bolus", "basal",
    "spasticity",
    "interrogation", "programmer", "concentration", "administer", "prior", "physician", "utilize",
    "approximately", "discontinue", "symptoms", "adverse", "emergent", "concomitant",
}  # fmt: skip
AT = datetime(2026, 11, 22, 17, 20, tzinfo=UTC)


def sentences() -> list[str]:
    """What the words and the template say by themselves, without what is filled in."""
    text = TEMPLATE.read_text().partition("<!--paper-->")[2]
    text = re.sub(r"</(h\d|p|li|th|td|caption)>", ". ", text)
    text = re.sub(r"\{[{%].*?[%}]\}|<[^>]+>", " ", text)
    found = re.split(r"[.:!?]\s+", " ".join([*(one + " " for one in words.FIXED), text]))
    return [one for one in (" ".join(sentence.split()) for sentence in found) if len(one) > 3]


def syllables(word: str) -> int:
    """A count by vowel groups: rough, and the same on every day."""
    bare = re.sub(r"e$", "", word.lower()) if len(word) > 3 else word.lower()
    return max(1, len(re.findall(r"[aeiouy]+", bare)))


def grade(found: list[str]) -> Fraction:
    """Flesch–Kincaid's grade."""
    spoken = [word for one in found for word in re.findall(r"[A-Za-z']+", one)]
    assert len(spoken) > 100, "nothing was read"
    per_sentence = Fraction(len(spoken), len(found))
    per_word = Fraction(sum(map(syllables, spoken)), len(spoken))
    return Fraction("0.39") * per_sentence + Fraction("11.8") * per_word - Fraction("15.59")


def test_the_fixed_text_reads_at_the_sixth_grade() -> None:
    found = sentences()
    assert "When does the pump run low?" in " ".join(words.FIXED)
    assert any("Call right away, day or night" in one for one in found)
    assert [one for one in found if len(one.split()) > LONGEST] == []
    said = {word.lower() for one in found for word in re.findall(r"[A-Za-z]+", one)}
    assert said & BANNED == set()
    assert 0 < grade(found) <= HARDEST


def test_the_check_itself_can_fail() -> None:
    boxed = [
        "Abrupt discontinuation of intrathecal baclofen regardless of the cause has resulted in "
        "sequelae that include high fever altered mental status exaggerated rebound "
        "spasticity and muscle rigidity that in rare cases has advanced to rhabdomyolysis"
    ] * 5
    assert grade(boxed) > 15


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("summary-1.css", "7e32d1db36b0744224e9fc35032698a8df4569edb385e56ad55a223c76dbf814"),
        ("summary-2.css", "f01a6b3660d80729b973f3b2d728d2fcdb0157d9637e42854b1d40557b42d767"),
        ("summary-3.css", "c3cc2f03f00146ab77960423f8d8225000ec2bdcb130e8bab0e34337900ba9d4"),
    ],
)
def test_a_paper_keeps_its_stylesheet(name: str, digest: str) -> None:
    """Whoever changes the look adds summary-4.css: papers printed before link one of these."""
    assert hashlib.sha256((ROOT / "static" / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize(
    ("minute", "said"),
    [(0, "midnight"), (1440, "midnight"), (720, "noon"), (5, "12:05 a.m."), (725, "12:05 p.m."),
     (570, "9:30 a.m."), (1439, "11:59 p.m.")],
)  # fmt: skip
def test_times(minute: int, said: str) -> None:
    assert words.clock(minute) == said


@pytest.mark.parametrize(
    ("days", "said"),
    [(programs.WEEK, "Every day"), (("mon", "tue", "wed"), "Monday to Wednesday"),
     (("sat", "sun"), "Saturday and Sunday"), (("sun",), "Sunday"),
     (("mon", "wed", "fri"), "Monday, Wednesday and Friday")],
)  # fmt: skip
def test_days(days: tuple[str, ...], said: str) -> None:
    assert words.days_of(days) == said


def header() -> dict[str, Any]:
    return {"effective_at": AT, "utc_offset_minutes": -420}


def simple(dose: str) -> programs.Program:
    return programs.SimpleContinuous(**header(), daily_dose_mcg=Decimal(dose))


def dose(program: programs.Program) -> Dose:
    return dose_of(program, Decimal(2000), Decimal("0.048"))


def test_what_is_said_of_a_change() -> None:
    low, high = dose(simple("100.1")), dose(simple("600"))
    assert lines_of(low) == ("100.1 micrograms (mcg) a day",)
    assert changed(low, high) == words.HIGHER
    assert changed(high, low) == words.LOWER
    assert changed(high, dose(simple("600"))) == words.NO_CHANGE
    assert changed(None, high) == ""
    stopped = dose(programs.Stopped(**header()))
    assert stopped.state == words.STOPPED
    assert changed(high, stopped) == ""


def test_lowest_speed_says_what_it_still_gives() -> None:
    lowest = dose(programs.MinimumRate(**header()))
    assert lowest.state == words.LOWEST
    assert lines_of(lowest) == ("96 micrograms (mcg) a day",)


def test_a_periodic_bolus_is_told_without_its_name() -> None:
    periodic = programs.PeriodicBolus(
        **header(), basal_mcg_per_hour=Decimal(10), bolus_mcg=Decimal(50), bolus_minutes=10,
        interval_minutes=360, first_minute=120, basal_suspended=False,
    )  # fmt: skip
    [group] = schedule_of(dose(periodic))
    assert group["steps"] == (
        ("Every 6 hours, first at 2:00 a.m.", "50 micrograms (mcg) in 10 minutes"),
        ("All the time", "10 micrograms (mcg) an hour"),
    )
    assert group["total"] == "440 micrograms (mcg) a day"


def told(**changes: Any) -> summary.Told:
    clinic = summary.Clinic(
        name="Clinic", place="Floor 1", phone_day="1", phone_night="2",
        zone=ZoneInfo("America/Denver"),
    )  # fmt: skip
    values: dict[str, Any] = {
        "given_name": "Sofía", "family_name": "Díaz", "born": date(2009, 2, 21),
        "spoken": "English",
        "clinic": clinic, "visit_at": AT, "seen_by": "R. Alder",
        "dates": summary.Dates(known=True, alarm=date(2027, 1, 24), refill_by=date(2027, 1, 17)),
    }  # fmt: skip
    return summary.Told(**{**values, **changes})


def test_an_appointment_after_the_alarm_is_said_out_loud() -> None:
    late = datetime(2027, 1, 24, 16, tzinfo=UTC)
    made = summary.summarise(told(next_visit_at=late), today=date(2026, 11, 22))
    assert made.date_note == words.VISIT_TOO_LATE
    in_time = datetime(2027, 1, 23, 16, tzinfo=UTC)
    made = summary.summarise(told(next_visit_at=in_time), today=date(2026, 11, 22))
    assert made.date_note == ""
    assert made.boxes[0].note == "9:00 a.m., Floor 1"


@pytest.mark.parametrize(
    ("today", "note"),
    [(date(2027, 1, 24), words.TODAY), (date(2027, 1, 25), words.PAST)],
)
def test_a_day_that_has_passed_is_not_waited_for(today: date, note: str) -> None:
    made = summary.summarise(told(), today=today)
    assert [box.note for box in made.boxes] == ["Call us today to book.", note]


def test_without_an_alarm_date_the_refill_date_stands() -> None:
    dates = summary.Dates(known=True, refill_by=date(2027, 4, 1))
    made = summary.summarise(told(dates=dates), today=date(2026, 11, 22))
    assert made.boxes[1].note == words.NO_ALARM_FIRST
    assert made.refill_by == "Thursday, April 1, 2027"


def test_unknown_dates_hide_even_those_that_were_handed_in() -> None:
    dates = summary.Dates(known=False, alarm=date(2027, 1, 24), refill_by=date(2027, 1, 17))
    made = summary.summarise(told(dates=dates), today=date(2026, 11, 22))
    assert made.unknown == words.UNKNOWN_DATES
    assert "2027" not in str(summary.as_json(made))


@pytest.mark.parametrize(
    ("spoken", "line"),
    [("", ""), ("English", ""), ("en-US", ""), ("Spanish", "Please use an interpreter: Spanish."),
     (" ASL ", "Please use an interpreter: ASL.")],
)  # fmt: skip
def test_the_interpreters_line(spoken: str, line: str) -> None:
    assert summary.interpreter_for(spoken) == line
