"""Slow, naive second answers, written from the text alone. They never import the application."""
