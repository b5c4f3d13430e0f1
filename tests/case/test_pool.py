"""A worker that hangs or dies costs its artifact, not the case."""

import os
import signal
from pathlib import Path

from forensic_iso.case.messages import Ended, Hashed, Task
from forensic_iso.case.pool import Pool
from forensic_iso.evidence.discover import discover
from parsers.contract import Problem
from parsers.registry import PARSERS
from tests.conftest import BUNDLED


def tasks() -> list[Task]:
    found = discover([BUNDLED], PARSERS).recognised
    return [Task(i, r.found) for i, r in enumerate(found)]


def test_each_task_ends_once() -> None:
    todo = tasks()
    with Pool(2) as pool:
        events = list(pool.run(todo))

    assert sorted(n for n, m in events if isinstance(m, Ended)) == [t.number for t in todo]
    assert sum(isinstance(m, Hashed) for _, m in events) == len(todo)


def test_growing_worker_is_ended_and_the_rest_goes_on() -> None:
    todo = tasks()[:2]
    with Pool(1, memory_bytes=1) as pool:
        events = list(pool.run(todo))

    ended = [m for _, m in events if isinstance(m, Ended)]
    assert len(ended) == 2
    assert all(m.error is None for m in ended) or any(isinstance(m, Problem) for _, m in events)


def test_unreadable_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "Security.evtx").write_bytes(b"ElfFile\0" + bytes(4088))
    found = discover([tmp_path], PARSERS).recognised[0].found
    (tmp_path / "Security.evtx").unlink()

    with Pool(1) as pool:
        events = [m for _, m in pool.run([Task(0, found)])]

    assert [m.code for m in events if isinstance(m, Problem)] == ["unreadable"]
    assert isinstance(events[-1], Ended)
    assert events[-1].error


def test_worker_that_died_idle_is_replaced_and_no_task_is_lost() -> None:
    todo = tasks()[:3]
    with Pool(1) as pool:
        pool.start(1)
        for worker in pool.pids:
            os.kill(worker, signal.SIGKILL)
            os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)
        events = list(pool.run(todo))

    ended = [m for _, m in events if isinstance(m, Ended)]
    assert [m.error for m in ended] == [None] * 3


def test_what_is_at_work_when_a_run_is_left_ends_in_the_next_one() -> None:
    todo = tasks()[:6]
    with Pool(2) as pool:
        for number, message in pool.run(todo[:4]):
            if isinstance(message, Ended):
                first = number
                break
        events = list(pool.run(todo[4:]))

    ended = sorted(n for n, m in events if isinstance(m, Ended))
    given = {first, *ended}
    assert len(given) == 1 + len(ended)
    assert {4, 5} < given
    assert 4 <= len(given)
