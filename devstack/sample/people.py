"""Invented people: names, 555 numbers and example.org addresses."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from patients.services import CaregiverEntry

FAMILY = (
    "Alder", "Begay", "Costa", "Díaz", "Eide", "Flores", "Garcia", "Hansen", "Ito", "Kaur",
    "Lund", "Moreau", "Nguyễn", "Novak", "O'Neil", "Okafor", "Park", "Petrov", "Pratt", "Reyes",
    "Rossi", "Silva", "Smith-Jones", "Tsosie", "Yazzie", "Young",
)  # fmt: skip
GIVEN = (
    "Aiyana", "Ana", "Bea", "Caleb", "Duc", "Elías", "Esra", "Greta", "Hana", "Ivy", "Jonas",
    "Juan", "Kofi", "Leila", "Liam", "Mateo", "Mei", "Milo", "Nia", "Noor", "Omar", "Otto", "Paz",
    "Priya", "Ruth", "Sofía", "Tomás", "Wren", "Yusuf", "Zoë",
)  # fmt: skip
LANGUAGES = ("English", "English", "English", "Spanish", "Spanish", "Vietnamese")
DIAGNOSES = (
    "Spastic quadriplegic cerebral palsy",
    "Spastic diplegic cerebral palsy",
    "Secondary dystonia",
    "Spinal cord injury",
    "Traumatic brain injury",
    "Hereditary spastic paraplegia",
)
RELATIONS = ("Mother", "Father", "Grandmother", "Foster parent")


@dataclass(frozen=True, slots=True)
class Person:
    """An invented patient."""

    family_name: str
    given_name: str
    date_of_birth: date
    language: str
    diagnosis: str
    caregiver: CaregiverEntry


def invent(chance: random.Random, number: int, today: date) -> Person:
    """The invented patient of that number: between 4 and 20 years old."""
    return Person(
        family_name=chance.choice(FAMILY),
        given_name=chance.choice(GIVEN),
        date_of_birth=today - timedelta(days=chance.randrange(7 * 365, 20 * 365)),
        language=chance.choice(LANGUAGES),
        diagnosis=chance.choice(DIAGNOSES),
        caregiver=CaregiverEntry(
            relationship=chance.choice(RELATIONS),
            phone=f"801-555-{number:04d}",
            email=f"family{number}@example.org" if number % 3 else "",
        ),
    )
