"""The refill board as a nurse meets it at 07:30."""

import io
import re
from datetime import date, timedelta

import pypdf
import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Clinic, User
from alarms.models import Projection
from followup.services.settling import exclude
from tests import factories

from . import support
from .conftest import NARROW, SeatOf

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_state_is_shown_in_words_and_passes_axe(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    factories.pump(clinic, family_name="Nofill")
    support.named(clinic, "Emptied", -8)
    support.named(clinic, "Beeping", -1, alarm_ml=None)
    support.named(clinic, "Latecomer", 4)
    support.booked(support.named(clinic, "Window", 12), 3, by=nurse)
    support.named(clinic, "Calm", 55)
    support.doubtful(clinic)
    support.refused_row(clinic, by=nurse)
    seat = seat_of(nurse)
    page = seat.open("/?tab=all")
    rows = page.locator("[data-rows] tbody tr")
    expect(rows).to_have_count(7)
    expect(rows.nth(0)).to_contain_text("treat as due")
    expect(rows.nth(0)).to_contain_text("No refill is recorded")
    expect(rows.nth(1)).to_contain_text("Alarm printed")
    expect(rows.nth(2)).to_contain_text("empty since")
    expect(rows.nth(3)).to_contain_text("−1 day")
    expect(rows.nth(3)).to_contain_text("Alarm volume assumed: 2 mL")
    expect(rows.nth(4)).to_contain_text("refill 3 days late")
    expect(rows.nth(5)).to_contain_text("before the alarm")
    expect(rows.nth(6)).to_contain_text("window opens")
    expect(page.locator("section.refused:not(#loud-work)")).to_contain_text(
        "Line 12 of the roster was not imported"
    )
    expect(page.locator("section.refused:not(#loud-work)")).to_contain_text(
        "Daily Dose: 350,000 mcg/day is outside"
    )
    expect(page.locator(".blind")).to_contain_text(
        ["have never been fully checked", "has never looked for what became due"]
    )
    expect(page).to_have_title("Refills · ITB clinic")
    seat.check()


@pytest.mark.usefixtures("checked_now")
def test_the_banner_is_gone_after_a_complete_sweep(seat_of: SeatOf, nurse: User) -> None:
    page = seat_of(nurse).open("/")
    expect(page.locator(".blind")).to_have_count(0)
    expect(page.locator(".proof")).to_contain_text("0 active pumps")


def test_search_keys_and_enter(seat_of: SeatOf, nurse: User, clinic: Clinic) -> None:
    support.named(clinic, "Kaur", 55)
    support.named(clinic, "Kaur", 56)
    support.named(clinic, "Park", 57)
    seat = seat_of(nurse)
    page = seat.open("/")
    page.keyboard.press("/")
    expect(page.locator("#words")).to_be_focused()
    page.keyboard.type("kaur")
    expect(page.locator("[data-rows] tbody tr")).to_have_count(2)
    expect(page.locator("#board-said")).to_have_text("2 pumps in this list")
    expect(page).to_have_url(re.compile(r"search=~[0-9a-f]{16}$"))
    assert "kaur" not in page.url
    expect(page.locator("#words")).to_be_focused()
    page.keyboard.press("ArrowDown")
    first = page.evaluate("document.activeElement.href")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.href") != first
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.href") == first
    page.keyboard.press("Enter")
    page.wait_for_url("**/patients/**")
    page.click(".back")
    expect(page.locator("#words")).to_have_value("kaur")
    expect(page.locator("[data-rows] tbody tr")).to_have_count(2)
    assert seat.said == []


def test_letters_can_be_turned_off(seat_of: SeatOf, nurse: User, clinic: Clinic) -> None:
    support.named(clinic, "Kaur", 5)
    page = seat_of(nurse).open("/")
    page.click(".menus details:last-child summary")
    page.click("[data-keys-toggle]")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#words")).not_to_be_focused()
    page.reload()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.tagName") == "BODY"


def test_without_script_search_and_filters_work(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    support.named(clinic, "Kaur", 55)
    support.named(clinic, "Park", 5)
    page = seat_of(nurse, script=False).open("/")
    page.fill("#words", "kaur")
    page.press("#words", "Enter")
    expect(page.locator("[data-rows] tbody tr")).to_have_count(1)
    expect(page.locator("[data-rows] tbody tr")).to_contain_text("KAUR")
    expect(page.locator(".hidden-urgent")).to_contain_text("1 more urgent pump is not in this list")
    page.click("text=Show what is to do now")
    expect(page.locator("[data-rows] tbody tr")).to_contain_text("PARK")


def test_pages_of_fifty_go_on_and_back(seat_of: SeatOf, nurse: User, clinic: Clinic) -> None:
    for number in range(51):
        support.named(clinic, f"Name{number:02d}", 30)
    page = seat_of(nurse).open("/?tab=all")
    expect(page.locator("[data-rows] tbody tr")).to_have_count(50)
    page.click("[rel=next]")
    expect(page.locator("[data-rows] tbody tr")).to_have_count(1)
    expect(page.locator(".board-foot")).to_contain_text("Showing 51–51 of 51")
    page.click("[rel=prev]")
    expect(page.locator(".board-foot")).to_contain_text("Showing 1–50 of 51")


def test_the_whole_list_prints_and_a_part_says_that_it_is_one(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    for number in range(51):
        support.named(clinic, f"Name{number:02d}", 30)
    for number in range(6):
        support.refused_row(clinic, by=nurse, row=12 + number)
    seat = seat_of(nurse)
    page = seat.open("/?tab=all")
    said = on_paper(page)
    assert f"{clinic.name} · All: 51 pumps, as of" in said
    assert "Only a part of the list: pumps 1 to 50 of 51." in said
    assert "5 of 6 are shown" in said
    assert "NAME50" not in said
    page.get_by_role("link", name="Show all 51").click()
    expect(page.locator("[data-rows] tbody tr")).to_have_count(51)
    said = on_paper(page)
    assert "NAME50" in said
    assert "Only a part" not in said
    seat.check()
    page.click("text=Show 50 at a time")
    expect(page.locator("[data-rows] tbody tr")).to_have_count(50)


def on_paper(page: Page) -> str:
    """What the sheets say, in one line."""
    sheets = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
    return " ".join(" ".join(sheet.extract_text() for sheet in sheets).split())


@pytest.mark.parametrize("address", ["/?tab=all", "/appointments/?tab=coming"])
def test_nothing_on_paper_is_smaller_than_nine_points(
    seat_of: SeatOf, nurse: User, clinic: Clinic, address: str
) -> None:
    support.booked(support.named(clinic, "Kaur", 12), 3, by=nurse)
    support.named(clinic, "Ito", -1, alarm_ml=None)
    support.refused_row(clinic, by=nurse)
    seat = seat_of(nurse)
    page = seat.open(address)
    page.set_viewport_size({"width": 1040, "height": 720})  # a sheet of paper across
    page.emulate_media(media="print")
    assert smallest(page) >= 9
    page.evaluate("document.querySelector('link[href*=\"/print.\"]').disabled = true")
    assert smallest(page) < 9, "this measures nothing"


def smallest(page: Page) -> float:
    """The size in points of the smallest text that shows; of a drawing, as it is drawn."""
    found: float = page.evaluate(
        """() => {
          const sizes = [];
          const main = document.querySelector("main");
          const walk = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
          while (walk.nextNode()) {
            const el = walk.currentNode.parentElement;
            if (!walk.currentNode.textContent.trim() || !el.checkVisibility()) continue;
            if (el.closest(".visually-hidden") || !el.getClientRects().length) continue;
            const svg = el.closest("svg");
            const scale = svg ? svg.getScreenCTM().a : 1;
            sizes.push(parseFloat(getComputedStyle(el).fontSize) * scale * 0.75);
          }
          return Math.round(Math.min(...sizes) * 100) / 100;
        }"""
    )
    return found


def test_a_pump_that_may_be_empty_soon_is_marked_in_its_place(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    today = support.in_days(clinic, 0)
    for name, days in (("Window", 14), ("Kaur", 15)):
        pump = support.named(clinic, name, days)
        early = today + timedelta(days=1 if name == "Kaur" else 8)
        Projection.objects.filter(pump=pump).update(earliest_empty_date=early)
    seat = seat_of(nurse)
    page = seat.open("/")
    rows = page.locator("[data-rows] tbody tr")
    expect(rows.nth(0)).to_contain_text("WINDOW")  # the order is the contract's
    expect(rows.nth(0).locator(".near")).to_have_count(0)
    expect(rows.nth(1)).to_have_class("is-due may-run-dry")
    expect(rows.nth(1).locator(".near")).to_have_text("may be empty tomorrow")
    expect(rows.nth(1).locator(".near")).to_have_css("color", "rgb(179, 38, 30)")
    seat.check()


def test_empty_states_lead_on(seat_of: SeatOf, nurse: User, clinic: Clinic) -> None:
    seat = seat_of(nurse)
    expect(seat.open("/").locator(".empty-state")).to_contain_text("No pumps yet")
    seat.check()
    support.named(clinic, "Calm", 55)
    page = seat.open("/")
    expect(page.locator(".empty-state")).to_contain_text("Nobody is due")
    expect(page.locator(".empty-state")).to_contain_text("Next: CALM, Sofía")
    page.fill("#words", "nobody")
    expect(page.locator(".empty-state")).to_contain_text("No pump on the list matches “nobody”")
    seat.check()
    page = seat.open("/?tab=all&due_before=2020-01-01")
    page.click("text=Clear the filters")
    expect(page.locator(".empty-state")).to_contain_text("Nobody is due")


def test_excluded_pumps_have_their_own_list_and_are_found(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    support.named(clinic, "Listed", 5)
    exclude(
        pump=support.named(clinic, "Elsewhere", 5),
        reason="In hospital elsewhere",
        ends_on=support.in_days(clinic, 6),
        by=nurse,
        now=timezone.now(),
    )
    seat = seat_of(nurse)
    page = seat.open("/")
    expect(page.locator(".proof")).to_contain_text("1 active pump on the list")
    expect(page.locator(".proof")).to_contain_text("1 excluded")
    page.fill("#words", "elsewhere")
    page.click("text=1 excluded pump matches")
    expect(page.locator("[data-rows] tbody tr")).to_contain_text("In hospital elsewhere")
    expect(page.locator("[data-rows] tbody tr .late")).to_contain_text("refill by")
    expect(page.locator("[data-rows] tbody tr")).to_contain_text("alarm ")
    seat.check()


def test_a_filter_of_the_form_shows_as_a_chip(seat_of: SeatOf, nurse: User, clinic: Clinic) -> None:
    support.named(clinic, "Kaur", 5)
    support.named(clinic, "Park", 55)
    seat = seat_of(nurse)
    page = seat.open("/?tab=all")
    page.click(".filter summary")
    page.get_by_label("Overdue").check()
    page.fill("[name=due_before]", date(2099, 1, 2).isoformat())
    expect(page.locator(".echo")).to_have_text("Fri 02-Jan-2099")
    page.click(".filter button[type=submit]")
    expect(page.locator("[data-rows] tbody tr")).to_have_count(1)
    expect(page.locator(".chips")).to_contain_text("Refill by 02-Jan-2099 or earlier")
    seat.check()
    page.click("text=Clear all")
    expect(page.locator(".chips")).to_have_count(0)


def test_it_prints_as_a_table_without_the_frame(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    support.named(clinic, "Kaur", 5)
    seat = seat_of(nurse)
    page = seat.open("/")
    page.set_viewport_size({"width": 730, "height": 1000})  # a sheet of paper upright
    assert seat.visible_in_print("table.board thead th")
    assert seat.visible_in_print("text=KAUR")
    assert seat.visible_in_print(".print-only")
    for hidden in (".topbar", ".tabs", ".search", "td.go", ".page-head .actions"):
        assert not seat.visible_in_print(hidden), hidden


def test_on_paper_the_list_begins_on_the_first_sheet(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    support.named(clinic, "Kaur", 5)
    support.refused_row(clinic, by=nurse)
    page = seat_of(nurse).open("/")
    first = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages[0]
    said = first.extract_text()
    assert "Line 12" in said
    assert "KAUR" in said
    assert "past the alarm" in said  # what the colours mean
    assert first.mediabox.width > first.mediabox.height


def test_on_a_phone_every_list_is_in_sight_and_the_words_sit_in_their_buttons(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    support.doubtful(clinic)
    seat = seat_of(nurse)
    seat.page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    page = seat.open("/")
    for tab in page.locator(".tabs a").all():
        box = tab.bounding_box()
        assert box is not None
        assert box["x"] >= 0, tab.inner_text()
        assert box["x"] + box["width"] <= NARROW["width"], tab.inner_text()
    for button in page.locator(".board .go .btn").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] < 40, "stretched: its words are at the top"
