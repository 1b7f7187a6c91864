"""The embedded stack, tried for real: its own servers in folders of their own."""
