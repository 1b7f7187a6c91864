"""Pump models and drugs, each figure with its source."""
