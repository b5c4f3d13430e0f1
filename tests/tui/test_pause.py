"""Garbage is collected between pages once it is due, and not before."""

import gc
import weakref

import pytest

from tui.pause import DUE, collect_if_due


class Ring:
    def __init__(self) -> None:
        self.me = self


@pytest.mark.parametrize(("count", "gone"), [(DUE - 1, False), (DUE, True)])
def test_a_full_collection_waits_until_it_is_due(
    monkeypatch: pytest.MonkeyPatch, count: int, gone: bool
) -> None:
    monkeypatch.setattr("tui.pause.gc.get_count", lambda: (0, 0, count))
    gc.disable()
    try:
        ring = weakref.ref(Ring())

        collect_if_due()

        assert (ring() is None) is gone
    finally:
        gc.enable()


def test_it_is_due_before_python_collects_by_itself() -> None:
    assert gc.get_threshold()[2] > DUE
