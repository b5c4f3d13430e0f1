"""A folder that is handed over: made once, each file whole or not there, with a manifest of hashes."""

import hashlib
import json
from pathlib import Path
from urllib.parse import quote

from forensic_iso.errors import SystemFault, UsageError

MANIFEST = "manifest.json"


def claim(out: Path, force: bool) -> None:
    """Make the folder of a hand-over.

    Raises:
        UsageError: it holds files already and `force` is not set.
        SystemFault: it cannot be made.
    """
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
    except OSError as e:
        raise SystemFault(f"making the folder {out}: {e.strerror}; give another --out") from e


def put(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".part")
    fresh.write_bytes(content)
    fresh.replace(path)


def write_manifest(out: Path, about: dict[str, object]) -> None:
    """Hash and length of each file of the folder, beside what is said of them."""
    files = []
    for path in sorted(p for p in out.rglob("*") if p.is_file() and p.name != MANIFEST):
        with path.open("rb") as f:
            digest = hashlib.file_digest(f, "sha256").hexdigest()
        files.append(
            {
                "path": path.relative_to(out).as_posix(),
                "bytes": path.stat().st_size,
                "sha256": digest,
            }
        )
    put(out / MANIFEST, (json.dumps({**about, "files": files}, indent=1) + "\n").encode())


def safe_name(value: str) -> str:
    """A file name that any system takes: what is no letter, digit, dot or dash stands as %XX of its UTF-8."""
    out = quote(value, safe="").replace("~", "%7E").replace("*", "%2A")
    return f"%2E{out[1:]}" if out.startswith(".") else out[:150] or "%"
