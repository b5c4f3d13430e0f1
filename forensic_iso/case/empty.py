"""The empty case: made once by thousands of statements, then kept beside Python's bytecode and copied.

Kept only where Python keeps bytecode, under a name that holds the hash of what it was made from and of its own bytes:
another schema, another DuckDB or a damaged copy is never taken. Where nothing can be kept, each case is made anew.
"""

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator
from importlib.util import cache_from_source
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from forensic_iso.case import schema

_DIGITS = 32


def place(target: Path) -> None:
    """Put an empty case at the path, which must not exist; not yet safe against a kill, so rename it afterwards.

    Raises:
        OSError, duckdb.Error: it cannot be written.
    """
    script = schema.script()
    blank = _kept(script)
    if blank is not None:
        target.write_bytes(blank)
        return
    _make(target, script)
    if not sys.dont_write_bytecode:
        _keep(target.read_bytes(), script)


def prepare() -> Path | None:
    """Make the empty case and keep it, if that is not yet done: for an installation. None: it cannot be kept."""
    script = schema.script()
    if _kept(script) is None:
        with TemporaryDirectory() as folder:
            fresh = Path(folder) / "case.duckdb"
            _make(fresh, script)
            _keep(fresh.read_bytes(), script)
    return next(_candidates(script), None)


def _folder() -> Path:
    return Path(cache_from_source(__file__)).parent


def _key(script: str) -> str:
    return hashlib.sha256(f"{duckdb.__version__}\0{script}".encode()).hexdigest()[:_DIGITS]


def _candidates(script: str) -> Iterator[Path]:
    return _folder().glob(f"empty-{_key(script)}-*.duckdb")


def _kept(script: str) -> bytes | None:
    for path in _candidates(script):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        if path.stem.endswith(hashlib.sha256(content).hexdigest()[:_DIGITS]):
            return content
    return None


def _keep(content: bytes, script: str) -> None:
    """Keep it for the next case. A folder that cannot be written costs time, nothing else."""
    folder, digest = _folder(), hashlib.sha256(content).hexdigest()[:_DIGITS]
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        older = list(folder.glob("empty-*"))
        fresh = folder / f"empty-{os.getpid()}.new"
        fresh.write_bytes(content)
        fresh.rename(folder / f"empty-{_key(script)}-{digest}.duckdb")
        for path in older:
            path.unlink(missing_ok=True)


def _make(target: Path, script: str) -> None:
    with duckdb.connect(str(target)) as con:
        # thousands of COMMENT statements: each would be optimised and scheduled over threads
        con.execute("SET threads = 1; PRAGMA disable_optimizer")
        con.execute("BEGIN")
        con.execute(script)
        con.execute("COMMIT")
        con.execute("CHECKPOINT")


if __name__ == "__main__":
    if prepare() is None:
        sys.stderr.write("the empty case cannot be kept: each new case takes a second longer\n")
