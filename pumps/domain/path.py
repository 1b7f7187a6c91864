"""The fluid path from the reservoir to the catheter tip (docs/calculations.md, Bridge)."""

from decimal import Decimal


def path_ml(tubing_ml: Decimal, catheter_cm: Decimal, ml_per_cm: Decimal) -> Decimal:
    """Volume between the reservoir and the tip, in mL; `tubing_ml` is 0 when already primed."""
    return tubing_ml + catheter_cm * ml_per_cm
