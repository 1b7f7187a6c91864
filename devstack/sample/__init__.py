"""Demo clinics with invented patients, made through the services like real ones."""
