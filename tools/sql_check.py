"""Parse every SQL file of the package with DuckDB and check its header comment.

Run: python tools/sql_check.py
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def faults(path: Path) -> list[str]:
    """What is wrong with one file: no statement, a syntax error, no header."""
    import duckdb

    text = path.read_text(encoding="utf-8")
    found = [] if text.startswith("--") else ["expected a header comment, found none"]
    try:
        statements = duckdb.extract_statements(text)
    except duckdb.Error as e:
        return [*found, str(e).strip()]
    if not statements:
        found.append("expected a statement, found none")
    return found


def main() -> int:
    """Print each fault as path: text; 1 if there is one."""
    files = sorted((ROOT / "forensic_iso").rglob("*.sql"))
    bad = [(f, fault) for f in files for fault in faults(f)]
    for file, fault in bad:
        print(f"{file.relative_to(ROOT)}: {fault}", file=sys.stderr)
    print(f"{len(files)} SQL files, {len(bad)} faults")
    return 1 if bad or not files else 0


if __name__ == "__main__":
    raise SystemExit(main())
