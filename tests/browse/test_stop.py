"""A question is ended by another thread, whatever it asks."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from forensic_iso.browse.case import Case
from forensic_iso.browse.stop import Stop, Stopped

ENDLESS = (
    "SELECT count(*) FROM range(10000000000) a, range(10000000) b WHERE a.range % 7 = b.range % 5"
)


@pytest.fixture
def opened(bundled_case: Path) -> Iterator[Case]:
    case = Case(bundled_case)
    yield case
    case.close()


def test_a_query_is_interrupted_in_its_midst_and_the_next_one_answers(opened: Case) -> None:
    stop = Stop()
    threading.Timer(0.2, stop.set).start()

    with pytest.raises(Stopped), stop.over(opened):
        opened.rows(ENDLESS)

    assert opened.rows("SELECT 1") == [(1,)]


def test_what_is_stopped_before_it_begins_asks_nothing(opened: Case) -> None:
    stop = Stop()
    stop.set()

    with pytest.raises(Stopped), stop.over(opened):
        raise AssertionError("nothing is asked")


@pytest.mark.parametrize("query", ["SELECT count(*) FROM timeline", ENDLESS])
def test_a_case_is_closed_while_other_threads_ask(bundled_case: Path, query: str) -> None:
    case = Case(bundled_case)
    begin = threading.Barrier(4)

    def ask() -> None:
        begin.wait()
        with contextlib.suppress(duckdb.Error):
            case.rows(query)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    begin.wait()
    case.close()

    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
