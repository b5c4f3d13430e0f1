"""Makes the bundled cases under `testdata/`: `python -m tests.builders.bundled_case [FOLDER]`.

Everything is invented: hosts, people, addresses (documentation ranges), log records, and inert text
where a program
would lie. The bytes are the same on every run. `truth.json` beside the evidence says what happened.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tests.builders.classic_story import classic_iso
from tests.builders.collection import Collection
from tests.builders.vendor_story import vendor_install

STORIES: dict[str, Callable[[], Collection]] = {
    "classic-iso": classic_iso,
    "vendor-install": vendor_install,
}
TESTDATA = Path(__file__).resolve().parents[2] / "testdata"


def write_all(folder: Path) -> None:
    """Write every case below `folder`; what lay in a case's place is removed first."""
    for name, story in STORIES.items():
        target = folder / name
        if target.exists():
            shutil.rmtree(target)
        story().write(target)


if __name__ == "__main__":
    write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else TESTDATA)
