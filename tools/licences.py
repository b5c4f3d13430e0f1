"""Licence gate: nothing GPL or AGPL among what is needed at run time (LGPL by import is fine).

python -m tools.licences
"""

import re
import sys
from importlib import metadata

ROOT = "forensic-iso"
FORBIDDEN = re.compile(r"\bA?GPL|GNU (Affero )?General Public", re.IGNORECASE)
LESSER = re.compile(r"\bLGPL|Lesser General Public", re.IGNORECASE)


def closure(root: str) -> set[str]:
    """Names of the distributions needed at run time, the root included; extras left out."""
    seen: set[str] = set()
    todo = [root]
    while todo:
        name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
        if name in seen:
            continue
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # needed on another platform only
        seen.add(name)
        todo += [re.split(r"[\s;<>=!~\[(]", n, maxsplit=1)[0] for n in needs if "extra ==" not in n]
    return seen


def _field(m: metadata.PackageMetadata, name: str) -> str:
    return str(m[name]) if name in m else ""


def licence(name: str) -> str:
    """Everything the distribution's metadata says of its licence (expression, field, classifiers)."""
    m = metadata.metadata(name)
    field = (_field(m, "License")).splitlines()
    return "; ".join(
        [
            _field(m, "License-Expression"),
            field[0] if field else "",
            *(c for c in m.get_all("Classifier") or [] if c.startswith("License")),
        ]
    )


def forbidden(text: str) -> bool:
    """Whether a licence text names GPL or AGPL and not merely LGPL."""
    return bool(FORBIDDEN.search(LESSER.sub("", text)))


def main() -> int:
    """Print what offends; 1 if anything does."""
    bad = [f"{n}: {licence(n)}" for n in sorted(closure(ROOT)) if forbidden(licence(n))]
    for line in bad:
        sys.stderr.write(f"licence not allowed at run time: {line}\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
