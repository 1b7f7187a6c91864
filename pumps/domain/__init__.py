"""The pump as numbers: its limits and the path to the catheter tip. Pure."""
