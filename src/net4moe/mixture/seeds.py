"""Seeds that depend on what is made, not on when: the same call has the same seed in any order."""

import hashlib

__all__ = ["seed_of"]


def seed_of(root: int, *parts: str | int) -> int:
    """Derive a seed from 0 to 2^31 - 1 for one call of a run."""
    text = "\x1f".join(str(part) for part in (root, *parts))
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:4]) & 0x7FFFFFFF
