"""A patient's page, and what is decided and kept on it."""
