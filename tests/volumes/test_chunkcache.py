"""The cache of chunks, and the threads that fill it."""

from concurrent.futures import wait
from threading import Event, Thread

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_axonem.volumes.looking.chunkcache import RECENT, ChunkCache, Key
from napari_axonem.volumes.looking.decoding import Decoders, Job


def key(number: int, owner: int = 1) -> Key:
    return Key(owner, 0, (number, 0, 0))


def chunk(size: int) -> np.ndarray:
    return np.zeros(size, np.uint8)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["get", "put", "ahead", "forget"]),
            st.integers(0, 5),
            st.integers(1, 2),
            st.integers(1, 60),
        )
    )
)
def test_the_bound_holds_and_what_is_kept_is_what_was_put(steps) -> None:
    cache, last = ChunkCache(100), {}
    for what, number, owner, size in steps:
        name = key(number, owner)
        if what == "get":
            for found, voxels in cache.get([name]).items():
                assert voxels is last[found]
        elif what == "forget":
            cache.forget(owner, lambda k, n=number: k.piece[0] == n)
            assert cache.missing([name]) == [name]
        else:
            voxels = chunk(size)
            if cache.put(name, voxels, ahead=what == "ahead"):
                last[name] = voxels
        kept = [last[k] for k in last if not cache.missing([k])]
        assert sum(v.nbytes for v in kept) == cache.bytes <= cache.limit


def test_what_was_used_last_stays() -> None:
    cache = ChunkCache(30)
    for number in range(3):
        cache.put(key(number), chunk(10))
    cache.get([key(0)])
    cache.put(key(3), chunk(10))
    assert cache.missing(map(key, range(4))) == [key(1)]


def test_what_is_fetched_ahead_does_not_drive_out_what_is_looked_at() -> None:
    cache = ChunkCache(30)
    for number in range(3):
        cache.put(key(number), chunk(10))
    cache.get(map(key, range(3)))
    assert not cache.put(key(3), chunk(10), ahead=True)
    assert cache.put(key(4), chunk(10)), "what is asked for now always has room"
    for _ in range(RECENT):
        cache.get([key(1)])
    assert cache.put(key(5), chunk(10), ahead=True), "the others were not looked at for long"
    assert cache.missing([key(1)]) == []


def test_a_chunk_larger_than_the_cache_is_not_kept() -> None:
    cache = ChunkCache(30)
    cache.put(key(0), chunk(10))
    assert not cache.put(key(1), chunk(31))
    assert cache.missing([key(0)]) == []


def test_a_single_repeated_value_takes_no_room() -> None:
    cache = ChunkCache(30)
    assert cache.put(key(0), np.broadcast_to(np.uint8(0), (64, 64, 64)))
    assert cache.bytes == 1


def test_threads_may_share_it() -> None:
    cache, wrong = ChunkCache(40), []

    def use(seed: int) -> None:
        for number in np.random.default_rng(seed).integers(0, 8, 400).tolist():
            for found, voxels in cache.get([key(number)]).items():
                if voxels[0] != found.piece[0]:
                    wrong.append(found)
            cache.put(key(number), np.full(10, number, np.uint8), ahead=seed % 2 == 0)

    threads = [Thread(target=use, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert cache.bytes <= cache.limit


def jobs(done: list[str], names: str, group: object = None) -> list[Job]:
    return [Job(lambda n=n: done.append(n), group) for n in names]


def run_all(decoders: Decoders) -> None:
    while decoders.run_next():
        pass


def test_what_is_looked_at_overtakes_what_is_fetched_ahead() -> None:
    done, decoders = [], Decoders(0)
    decoders.ahead(jobs(done, "xy"))
    decoders.urgent(jobs(done, "ab"))
    assert decoders.run_next()
    decoders.urgent(jobs(done, "cd"))
    run_all(decoders)
    assert done == ["a", "c", "d", "b", "x", "y"], "the newest picture first"


def test_a_job_that_was_to_come_moves_up_and_is_done_once() -> None:
    done, decoders = [], Decoders(0)
    ahead = jobs(done, "xyz")
    decoders.ahead(ahead)
    decoders.urgent([ahead[2]])
    run_all(decoders)
    assert done == ["z", "x", "y"]


def test_dropped_jobs_are_not_done_and_nobody_waits_for_them() -> None:
    done, decoders = [], Decoders(0)
    mine, others = jobs(done, "abc", "mine"), jobs(done, "xy", "others")
    decoders.urgent(mine[:2])
    decoders.ahead([*mine[1:], *others])
    decoders.drop("mine", keep=[mine[0]])
    assert not wait([mine[1].future, mine[2].future], timeout=0).not_done
    run_all(decoders)
    assert done == ["a", "x", "y"]


def test_the_error_of_a_job_goes_to_who_waits_for_it() -> None:
    decoders = Decoders(1)
    bad, good = Job(lambda: 1 // 0, None), Job(lambda: 7, None)
    decoders.urgent([bad, good])
    assert isinstance(bad.future.exception(), ZeroDivisionError)
    assert good.future.result() == 7, "the thread goes on"
    decoders.end()


def test_nothing_keeps_the_program_from_ending() -> None:
    decoders, started, never = Decoders(1), Event(), Event()
    decoders.urgent([Job(lambda: (started.set(), never.wait()), None)])
    started.wait()
    (thread,) = decoders._threads
    assert thread.daemon
    decoders.end()
    never.set()
    thread.join()
    assert not decoders.run_next()
