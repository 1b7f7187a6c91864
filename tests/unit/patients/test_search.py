"""What somebody types to find a patient, read into what must be found."""

import pytest

from patients.domain.search import Wanted, fold, read


def words(*found: str) -> list[Wanted]:
    return [Wanted((word,)) for word in found]


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("Zoë", "zoe"),
        ("NGUYỄN", "nguyen"),
        ("O’Neil", "oneil"),
        ("Sørensen", "sorensen"),
        ("Đặng", "dang"),
        ("Łukasz", "lukasz"),
        ("STRAẞE", "strasse"),
        ("Irmak İpek Yıldız", "irmak ipek yildiz"),
        ("Jean\u2011Luc", "jean-luc"),
    ],
)
def test_names_lose_what_people_leave_out(typed: str, folded: str) -> None:
    assert fold(typed) == folded


def test_a_name_as_the_row_prints_it() -> None:
    assert read("SMITH-JONES, Leila") == words("smith-jones", "leila")
    assert read("García,Ana") == words("garcia", "ana")


@pytest.mark.parametrize("typed", ["MRN 710041", "mrn: 710041", "MRN:710041", "mrn#710041"])
def test_the_word_mrn_is_no_word_to_look_for(typed: str) -> None:
    assert read(typed) == words("710041")


def test_a_number_that_begins_with_mrn_is_kept() -> None:
    assert read("MRN-0017") == words("mrn-0017")


@pytest.mark.parametrize(
    "typed", ["801-555-0031", "(801) 555-0031", "801 555 0031", "+1 801 555 0031", "8015550031"]
)
def test_a_phone_number_counts_by_its_digits(typed: str) -> None:
    [found] = read(typed)
    assert found.digits == "8015550031"


def test_short_numbers_are_no_phone_numbers() -> None:
    assert read("710041") == words("710041")
    assert read("Kaur 555-003") == words("kaur", "555-003")


def test_nothing_but_signs_asks_for_nothing() -> None:
    assert read(" , - ") == []
