"""The reservoir as numbers. Pure."""
