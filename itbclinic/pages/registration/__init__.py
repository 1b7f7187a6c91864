"""Patients and pumps come and go."""
