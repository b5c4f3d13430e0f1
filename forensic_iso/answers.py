"""Whether the findings of a case rest on all that was read into it: a report of half a case would say that nothing was seen."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb

from forensic_iso.case import store
from forensic_iso.errors import UsageError

STARTED, ENDED, CORRELATED, NOTHING_NEW = "ingest started", "ingest ended", "correlated", "nothing new"  # fmt: skip
"""Words of the case's log that tell how far a run came."""


def entries(case: Path) -> Iterator[dict[str, object]]:
    """Lines of the case's log; one that a full disk or a loss of power cut tells nothing."""
    if not (case / store.LOG).is_file():
        return
    for line in (case / store.LOG).read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry


def require(con: duckdb.DuckDBPyConnection, case: Path, what: str) -> None:
    """See that the case was correlated since evidence was last read into it.

    Raises:
        UsageError: it was not.
    """
    row = con.execute(
        "SELECT (SELECT count(*) FROM source WHERE kind IS NOT NULL), (SELECT count(*) FROM rule)"
    ).fetchone()
    sources, rules = row or (0, 0)
    if sources and not rules:
        found = "evidence that was read and never correlated"
    elif _read_since(case):
        found = "evidence that was read after it"
    else:
        return
    raise UsageError(
        f"{what} {case}: expected the findings of a correlation, found {found}; run `forensic-iso correlate` on the case, "
        "or the command that was interrupted once more"
    )


def _read_since(case: Path) -> bool:
    """Whether the log tells of evidence that was read after the last correlation; a case without a log tells nothing."""
    told = list(entries(case))
    ends = [i for i, e in enumerate(told) if e.get("what") in (CORRELATED, NOTHING_NEW)]
    if not ends:
        return False
    after = told[ends[-1] + 1 :]
    started = sum(e.get("what") == STARTED for e in after)
    idle = sum(e.get("what") == ENDED and "read_now=0," in str(e.get("summary")) for e in after)
    return started > idle
