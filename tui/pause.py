"""Garbage is collected between two pages, not in the midst of one: a full collection takes longer than a paint."""

import gc

DUE = 8
"""Collections of the middle generation after which a full one is due; Python's own comes after 10."""


def keep_what_is_loaded() -> None:
    """Leave what was loaded so far out of all later collections: modules live as long as the program."""
    gc.freeze()


def collect_if_due() -> None:
    """Collect now, while a page is looked at, rather than while the next one is painted."""
    if gc.get_count()[2] >= DUE:
        gc.collect()
