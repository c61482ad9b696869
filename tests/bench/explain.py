"""`make explain`: the plan of every SELECT that the suite logged, on the seeded site, and what the lists read.

Run the suite with `ARGS="-p tests.bench.sqllog"` first. The exit code tells whether a statement examines more
than 5,000 rows or sorts more than 2,000 without standing in exceptions.tsv.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learnomy_wp.kernel import db
from tests.bench import rowsread, sqllog
from tests.bench.ground import Ground
from wp_schema.prefix import with_prefixes

MOST_EXAMINED, MOST_SORTED = 5000, 2000
EXCEPTIONS = Path(__file__).with_name("exceptions.tsv")


@dataclass(frozen=True)
class Finding:
    """A statement that does more than it may."""

    sql: str
    what: str


def main() -> int:
    """Explain, count, print, and say by the exit code whether all is well."""
    parser = argparse.ArgumentParser(prog="make explain ARGS=...", description=__doc__)
    parser.add_argument("--scale", type=int, default=20)
    parser.add_argument("--dir", type=Path, help="the bench site's folder")
    parser.add_argument("--log", type=Path, default=sqllog.FOLDER, help="folder of what the suite logged")
    options = parser.parse_args()
    from tests.bench.__main__ import folder_of

    ground = Ground.prepare(options.scale, options.dir or folder_of(options.scale))
    logged = statements(options.log)
    with ground.runtime.request_stack(), db.blog(1):
        findings, failed = _explain(ground, logged)
        pages = [page for walked in rowsread.lists() for page in rowsread.count(walked)]
    over = [page for page in pages if not page.is_within]
    reasons = exceptions()
    bad = [found for found in findings if _reason(found, reasons) is None]
    for found in findings:
        reason = _reason(found, reasons)
        print(f"{'excepted' if reason else 'OVER'}: {found.what}: {found.sql[:160]}{f' ({reason})' if reason else ''}")
    for page in over:
        print(f"OVER: {page.name}, {page.position} page: {page.read} rows read for {page.rows}")
    print(
        f"{len(logged)} SELECTs, {failed} could not be explained, {len(findings)} over the limits "
        f"({len(findings) - len(bad)} excepted); {len(pages)} pages of lists counted, {len(over)} over"
    )
    return 1 if bad or over or not logged else 0


def statements(folder: Path) -> list[dict[str, Any]]:
    """The distinct statements of every process's log."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            logged = json.loads(line)
            found.setdefault(sqllog.shape(logged["sql"]), logged)
    return list(found.values())


def exceptions() -> list[tuple[str, str]]:
    """(text, reason) of each line."""
    lines = [line for line in EXCEPTIONS.read_text().splitlines() if line and not line.startswith("#")]
    return [(text, reason) for text, _, reason in (line.partition("\t") for line in lines)]


def _reason(found: Finding, known: list[tuple[str, str]]) -> str | None:
    return next((reason for text, reason in known if text in found.sql), None)


def _explain(ground: Ground, logged: list[dict[str, Any]]) -> tuple[list[Finding], int]:
    findings: list[Finding] = []
    failed = 0
    for one in logged:
        sql = with_prefixes(one["sql"], "wp_", "wp_")
        parameters = one["parameters"]
        bound = parameters if isinstance(parameters, dict) else tuple(parameters)
        driver = db.current().read.dialect.loaded_dbapi
        try:
            with db.current().read.connect() as connection, closing(connection.connection.cursor()) as cursor:
                cursor.execute(f"EXPLAIN {sql}", bound)
                columns = [column[0] for column in cursor.description]
                plan = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
                found = list(_excess(plan))
                if found and "FOR UPDATE" not in sql:
                    found = _truly(cursor, sql, bound, found)
        except (driver.Error, TypeError, ValueError):
            failed += 1
            continue
        findings += [Finding(" ".join(sql.split()), what) for what in found]
    return findings, failed


def _truly(cursor: Any, sql: str, bound: Any, found: list[str]) -> list[str]:
    """What an execution shows: EXPLAIN counts the rows that a LIMIT leaves unread."""
    cursor.execute(rowsread.RESET)
    cursor.execute(sql, bound)
    cursor.fetchall()
    cursor.execute(rowsread.STATUS.replace("%%", "%"))
    read = sum(int(value) for _, value in cursor.fetchall())
    limit = MOST_SORTED if all(what.startswith("sorts") for what in found) else MOST_EXAMINED
    return [f"{what}; an execution read {read}" for what in found] if read > limit else []


def _excess(plan: list[dict[str, Any]]) -> Iterator[str]:
    for step in plan:
        rows = int(str(step.get("rows") or 0).split()[0])  # "1 (0%)" where a filter of row ids is used
        extra = str(step.get("Extra") or "")
        if rows > MOST_EXAMINED:
            yield f"examines {rows} rows of {step['table']} ({step['type']}, {step['key'] or 'no index'})"
        elif rows > MOST_SORTED and "filesort" in extra:
            yield f"sorts {rows} rows of {step['table']}"


if __name__ == "__main__":
    sys.exit(main())
