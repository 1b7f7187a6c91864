"""API tokens: shown once when made, kept as a hash, found by that hash."""

import hashlib
import secrets

PREFIX = "itb_"


def new_token() -> str:
    """A token with 256 random bits; the prefix lets secret scanners find a leaked one."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """SHA-256 in hex. A fast hash is enough: the token is random, not a password."""
    return hashlib.sha256(token.encode()).hexdigest()
