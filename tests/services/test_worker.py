"""One thread does one thing after the other."""

from __future__ import annotations

import threading
from functools import partial

import pytest
import pytest_twisted
from ledger_cases import real_reactor
from twisted.internet.defer import gatherResults

from clientmigration.net.worker import Worker


@pytest_twisted.ensureDeferred
async def test_all_is_done_in_order_in_one_thread_that_is_not_ours() -> None:
    done, ended = list[tuple[int, int]](), list[int]()
    worker = Worker(real_reactor(), "a worker", lambda: ended.append(threading.get_ident()))

    def noted(n: int) -> int:
        done.append((n, threading.get_ident()))
        return n

    answers = [worker.do(partial(noted, n)) for n in range(50)]
    assert await gatherResults(answers) == [*range(50)]
    assert [n for n, _ in done] == [*range(50)]
    worker.close()
    (thread,) = {where for _, where in done}
    assert thread != threading.get_ident()
    assert ended == [thread]


@pytest_twisted.ensureDeferred
async def test_what_fails_harms_nothing_that_comes_after_it() -> None:
    worker = Worker(real_reactor(), "a worker", lambda: None)
    failing, good = worker.do(lambda: 1 // 0), worker.do(lambda: 7)
    with pytest.raises(ZeroDivisionError):
        await failing
    assert await good == 7
    worker.close()


@pytest_twisted.ensureDeferred
async def test_what_was_asked_is_done_before_it_ends() -> None:
    worker, held = Worker(real_reactor(), "a worker", lambda: None), threading.Event()
    done = list[int]()
    worker.do(held.wait)
    asked = [worker.do(partial(done.append, n)) for n in range(5)]
    held.set()
    worker.close()
    assert done == [*range(5)]
    await gatherResults(asked)
