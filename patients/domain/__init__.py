"""What is typed to find a patient, and how. Pure."""
