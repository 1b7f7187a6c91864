"""What this desk adds to the frame and to the audit log."""

from accounts.policies import Action
from itbclinic.pages.shared.desk import Desk, Entry

DESK = Desk(
    entry=Entry("Catalogue", "catalogue", Action.READ_CATALOGUE),
    events={
        "catalogue.pump_model_saved": "Saved a pump model",
        "catalogue.pump_models_seeded": "Seeded the pump models",
        "catalogue.drug_saved": "Saved a drug",
        "catalogue.drugs_seeded": "Seeded the drugs",
    },
    subjects={
        "pump_model": "Pump model",
        "drug_product": "Drug",
    },
)
