"""The embedded stack: PostgreSQL and Valkey from wheels, for the demo and for the tests.

Nothing in here runs in production: `manage_env` refuses to start a server there, and the image
does not carry the wheels. See docs/runbooks/embedded-stack.md.
"""
