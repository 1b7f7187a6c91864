"""Programs, boluses and quantities as numbers. Pure."""
