"""The clinic's settings, its people and its API clients."""
