"""What `net4moe study` does, with the rooms loaded."""

from typing import Any


def studied(*a: Any, **k: Any) -> None: ...
