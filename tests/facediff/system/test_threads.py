"""How many threads torch takes: fewer for a moment, without anybody else's taking fewer for good."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest
import torch

from facediff.system.threads import count_threads, keep_threads, one_thread, take_threads


@pytest.fixture(autouse=True)
def three() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def ask_a_new_thread() -> int:
    seen: list[int] = []
    other = Thread(target=lambda: seen.append(torch.get_num_threads()))
    other.start()
    other.join()
    return seen[0]


def test_small_layers_run_on_one_thread_and_others_get_theirs_back() -> None:
    with pytest.raises(ZeroDivisionError), one_thread():
        assert torch.get_num_threads() == 1
        _ = 1 / 0
    assert torch.get_num_threads() == count_threads() == ask_a_new_thread() == 3


def test_what_is_everybodys_is_told_while_a_thread_takes_fewer() -> None:
    with one_thread(), one_thread():
        assert count_threads() == 3
    assert count_threads() == 3


def test_two_that_take_fewer_at_once_leave_all_to_those_to_come() -> None:
    """The second begins and ends while the first has one thread, or would restore one for everybody."""
    first_has, second_had = Event(), Event()

    def first() -> None:
        with one_thread():
            first_has.set()
            second_had.wait(10)

    def second() -> int:
        first_has.wait(10)
        with one_thread():
            second_had.set()
            begun.result(10)
        return torch.get_num_threads()

    with ThreadPoolExecutor(2) as pool:
        begun = pool.submit(first)
        assert pool.submit(second).result(10) == 3
    assert ask_a_new_thread() == 3


def test_a_thread_of_a_pool_keeps_its_share() -> None:
    with keep_threads() as most, ThreadPoolExecutor(1, initializer=take_threads, initargs=(2,)) as pool:
        assert most == 3
        assert pool.submit(torch.get_num_threads).result() == 2
    assert ask_a_new_thread() == 3
