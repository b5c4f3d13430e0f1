"""A folder that is handed over: made once, each file whole or not there, with a manifest of hashes."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import duckdb

from forensic_iso import __version__
from forensic_iso.errors import SystemFault, UsageError

MANIFEST = "manifest.json"
TOOL = f"forensic-iso {__version__}"
SHOWN = 5
LONGEST = 150
"""Characters of a name: some of those that a system takes are left for endings such as `.indicators.jsonl`."""


def claim(con: duckdb.DuckDBPyConnection, out: Path, force: bool) -> None:
    """Make the folder of a hand-over of a case; with `force`, what a former one left in it goes, other files stay.

    Raises:
        UsageError: it holds files already and `force` is not set, or it lies in the case's evidence.
        SystemFault: it cannot be made.
    """
    _keep_off_evidence(con, out)
    try:
        if out.exists() and not out.is_dir():
            raise UsageError(
                f"writing to {out}: expected a folder, found a file; give another --out"
            )
        if out.is_dir() and any(out.iterdir()) and not force:
            raise UsageError(
                f"writing to {out}: expected an empty folder, found files; give another --out, or --force"
            )
        out.mkdir(parents=True, exist_ok=True)
        _drop_former(out)
    except OSError as e:
        raise SystemFault(f"making the folder {out}: {e.strerror}; give another --out") from e


def _keep_off_evidence(con: duckdb.DuckDBPyConnection, out: Path) -> None:
    """Nothing is written to a folder that was handed in, and a manifest that lies there lets nothing be removed."""
    place = out.resolve()
    given = con.execute("SELECT DISTINCT given FROM source WHERE given IS NOT NULL").fetchall()
    for (path,) in given:
        if "\0" in path:
            continue  # no folder has such a name
        evidence = Path(path).resolve()
        if evidence.is_dir() and place.is_relative_to(evidence):
            raise UsageError(
                f"writing to {out}: it lies in the evidence {path}, which is never changed; give another --out"
            )


def put(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".part")
    fresh.write_bytes(content)
    fresh.replace(path)


def write_manifest(out: Path, about: dict[str, object], written: Iterable[str]) -> None:
    """Hash and length of each file that was written, beside what is said of them; other files of the folder are no part of it.

    Args:
        out: the folder.
        about: what is said of the files.
        written: their paths below the folder, with slashes.
    """
    files = [
        {"path": name, "bytes": (out / name).stat().st_size, "sha256": _sha256(out / name)}
        for name in sorted(set(written), key=lambda n: Path(n))
    ]
    told = {**about, "tool": TOOL, "files": files}
    put(out / MANIFEST, (json.dumps(told, indent=1) + "\n").encode())


def strangers(out: Path) -> str:
    """Says which files of the folder its manifest does not hold; empty where there are none."""
    known = {MANIFEST, *(name for name, _ in _listed(out))}
    names = (p.relative_to(out).as_posix() for p in out.rglob("*") if not p.is_dir())
    others = sorted(n for n in names if n not in known)
    if not others:
        return ""
    more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
    return (
        f"other files stay in {out} and are not in its manifest: {', '.join(others[:SHOWN])}{more}"
    )


def _drop_former(out: Path) -> None:
    """Remove what a former hand-over wrote here and nobody changed: it must not be taken for a part of this one."""
    for name, digest in _listed(out):
        path = out / name
        inside = path.resolve().is_relative_to(out.resolve())
        if inside and path.is_file() and not path.is_symlink() and _sha256(path) == digest:
            path.unlink()
            for folder in path.relative_to(out).parents[:-1]:
                if not any((out / folder).iterdir()):
                    (out / folder).rmdir()
    (out / MANIFEST).unlink(missing_ok=True)


def _listed(out: Path) -> list[tuple[str, str]]:
    """Paths and hashes of the folder's manifest, if it is one of this tool."""
    try:
        told = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        ours = str(told["tool"]).startswith("forensic-iso ")
        return [(str(f["path"]), str(f["sha256"])) for f in told["files"]] if ours else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _sha256(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def safe_name(value: str) -> str:
    """A file name that any system takes: what is no letter, digit, dot or dash stands as %XX of its UTF-8.

    Names that differ give names that differ: a long one is cut and ends in a part of its hash.
    """
    raw = value.encode("utf-8", "surrogatepass")  # names of files may hold bytes that are no UTF-8
    out = quote(raw, safe="").replace("~", "%7E").replace("*", "%2A")
    if out.startswith("."):
        out = f"%2E{out[1:]}"
    if out.endswith("."):
        out = f"{out[:-1]}%2E"  # Windows drops a dot at the end
    if len(out) > LONGEST:
        digest = hashlib.sha256(raw).hexdigest()[:16]
        out = f"{out[: LONGEST - 17]}~{digest}"  # no other name holds a tilde
    return out or "%"
