"""The licence gate refuses strong copyleft, and the run-time closure passes it."""

from importlib.metadata import PackageNotFoundError, distribution

import pytest

from tools.licences import ROOT, closure, forbidden, licence


@pytest.mark.parametrize(
    "statement",
    [
        "GPL-3.0-only",
        "AGPL-3.0-or-later",
        "License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
        "GNU Affero General Public License v3",
        "MIT AND GPL-3.0-or-later",
    ],
)
def test_strong_copyleft_is_refused(statement: str) -> None:
    assert forbidden(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "MIT",
        "LGPL-3.0-only",
        "GNU Lesser General Public License v3 or later (LGPLv3+)",
        "MPL-2.0",
        "Apache Software License",
    ],
)
def test_permissive_and_lesser_licences_pass(statement: str) -> None:
    assert not forbidden(statement)


def test_the_run_time_closure_passes() -> None:
    try:
        distribution(ROOT)
    except PackageNotFoundError:
        pytest.skip(f"{ROOT} is not installed; install the checkout with `pip install -e .`")

    names = closure(ROOT)

    assert {"duckdb", "polars", "textual"} <= names
    assert [n for n in sorted(names) if forbidden(licence(n))] == []
