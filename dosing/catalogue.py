"""The drugs that a new clinic starts with, with the source of each figure."""

from decimal import Decimal
from typing import Final

DEFAULT_CONCENTRATIONS_MCG_PER_ML: Final = (Decimal(500), Decimal(1000), Decimal(2000))
PRODUCT_SOURCE: Final = "US labels of intrathecal baclofen: marketed concentration"
STABILITY_DAYS: Final = 180
STABILITY_SOURCE: Final = (
    "Label figure quoted by the in-vivo stability study of 2023 (PMID 38043050): "
    "at most 180 days in SynchroMed II"
)
# Where each family's limit comes from: nothing was published of SynchroMed III.
STABILITY_SOURCES: Final = {
    "SynchroMed II": STABILITY_SOURCE,
    "SynchroMed III": (
        f"{STABILITY_SOURCE}. Taken over from SynchroMed II until a SynchroMed III figure is found"
    ),
}
