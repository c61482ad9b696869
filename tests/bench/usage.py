"""Processor time of a site's processes: what a request costs, whatever else the machine does."""

from __future__ import annotations

import os
from pathlib import Path

from learnomy_site import servers

from tests.site import Site

PARTS = ("api", "worker", "php-fpm", "nginx")
_TICKS = os.sysconf("SC_CLK_TCK")


def seconds(site: Site) -> dict[str, float]:
    """Processor seconds of each part so far, its child processes included."""
    theirs = servers.of(site.layout)
    parts = [theirs.mariadb(), theirs.redis(), *(site.part(name) for name in PARTS)]
    sessions = {part.pid(): part.name for part in parts if part.pid() is not None}
    used = dict.fromkeys((part.name for part in parts), 0.0)
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        name = sessions.get(int(fields[3]))  # each part leads a session of its own
        if name is not None:
            used[name] += (int(fields[11]) + int(fields[12])) / _TICKS
    return used
