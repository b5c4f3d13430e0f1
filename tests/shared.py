"""Where the shared evidence lies, if it is there. Tests that need it skip with a message that names it."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
REAL = SHARED / "evidence/real"
HOSTILE = SHARED / "evidence/hostile"
CASES = SHARED / "evidence/cases"

needs_shared = pytest.mark.skipif(
    not REAL.is_dir(), reason="needs the folder ../shared (real evidence), which is not there"
)
