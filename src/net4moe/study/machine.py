"""Where something ran: programs, versions, processor."""

import contextlib
import importlib.metadata
import os
import platform
from collections.abc import Sequence

from net4moe.study.records import Version

__all__ = ["machine", "versions"]


def machine() -> str:
    """Describe this machine in one line."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def versions(packages: Sequence[str]) -> tuple[Version, ...]:
    """List Python and those of the packages that are installed, with their versions."""
    found = [Version(name="Python", version=platform.python_version())]
    for name in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.append(Version(name=name, version=importlib.metadata.version(name)))
    return tuple(found)
