"""Blocks over workers: results, journals, stopping, failures, clusters, workers that die."""

import json
import os
import signal
from functools import partial
from pathlib import Path

import pytest
from distributed import LocalCluster

from napari_axonem.blockwise import Journal, Team, journal_about
from napari_axonem.errors import BlockError, SettingsError, StorageError, VolumeError
from napari_axonem.geometry import Box

ABOUT = {"what": "test", "shape": [1, 2, 3]}


def square(n):
    return n * n


def mark(folder, n):
    """Leave a trace in a file, and the process that did it."""
    (folder / f"{n}.{os.getpid()}").touch()
    return n


def fail(n):
    if n == 3:
        raise VolumeError("chunk is damaged", where="a.zarr", remedy="mend it")
    if n == 5:
        raise ValueError("unforeseen")
    return n


def die_once(folder, n):
    """Kill the worker, the first time that the seventh item is worked on."""
    if n == 7:
        try:
            (folder / "died").touch(exist_ok=False)
        except FileExistsError:
            return n
        os.kill(os.getpid(), signal.SIGKILL)
    return n


class StopError(Exception):
    """Raised by a user who has seen enough."""


def stop_after(steps):
    def progress(done, total, doing):
        if done >= steps:
            raise StopError

    return progress


@pytest.fixture(scope="module")
def team():
    """Two processes, started once."""
    with Team(workers=2, few=0) as team:
        yield team


@pytest.fixture(params=["here", "processes"])
def any_team(request, team):
    if request.param == "processes":
        yield team
    else:
        with Team(workers=1) as here:
            yield here


def test_every_item_once(any_team):
    steps = []
    found = list(
        any_team.run(square, range(20), lambda *said: steps.append(said), doing="squaring")
    )
    assert sorted(found) == [(n, n * n) for n in range(20)]
    assert steps == [(n, 20, "squaring") for n in range(21)]


def test_nothing_to_do(any_team):
    assert list(any_team.run(square, [])) == []


def test_both_processes_work_and_not_this_one(team, tmp_path):
    list(team.run(partial(mark, tmp_path), range(40)))
    workers = {name.suffix for name in tmp_path.iterdir()}
    assert len(workers) == 2
    assert f".{os.getpid()}" not in workers


def test_few_items_stay_in_this_process(tmp_path):
    with Team(workers=2, few=3) as team:
        list(team.run(partial(mark, tmp_path), range(3)))
    assert {name.suffix for name in tmp_path.iterdir()} == {f".{os.getpid()}"}


def test_few_are_under_way_at_a_time(team, tmp_path):
    """While nobody takes results, only two blocks a worker are handed in."""
    results = team.run(partial(mark, tmp_path), range(100))
    next(results)
    results.close()
    assert len(list(tmp_path.iterdir())) <= 4


def test_our_errors_come_back_as_they_were(any_team):
    with pytest.raises(VolumeError) as caught:
        list(any_team.run(fail, range(4)))
    error = caught.value
    assert (error.seen, error.where, error.remedy) == ("chunk is damaged", "a.zarr", "mend it")


def test_other_errors_name_the_block(any_team):
    with pytest.raises(BlockError, match=r"^5: ValueError: unforeseen$"):
        list(any_team.run(fail, [4, 5]))
    with pytest.raises(BlockError, match=r"Box\(start=\(0, 0, 0\), stop=\(1, 1, 1\)\): TypeError"):
        list(any_team.run(square, [Box((0, 0, 0), (1, 1, 1))]))


def test_stopping_leaves_nothing_in_the_background(any_team, tmp_path):
    with pytest.raises(StopError):
        list(any_team.run(partial(mark, tmp_path), range(200), stop_after(5)))
    there = len(list(tmp_path.iterdir()))
    assert 5 <= there < 200
    list(any_team.run(square, range(50)))  # were others still queued, they would run before these
    assert len(list(tmp_path.iterdir())) == there


def test_team_goes_on_after_an_error(team):
    with pytest.raises(BlockError):
        list(team.run(fail, [5] * 10))
    assert len(list(team.run(square, range(10)))) == 10


def test_journal_keeps_what_is_finished(any_team, tmp_path):
    path, marks = tmp_path / "journal", tmp_path / "marks"
    marks.mkdir()
    work = partial(mark, marks)
    with Journal(path, ABOUT) as journal, pytest.raises(StopError):
        list(any_team.run(work, range(30), stop_after(10), "marking", journal))
    before = {name.stem for name in marks.iterdir()}
    steps = []
    with Journal(path, ABOUT) as journal:
        kept = journal.done("marking")
        found = dict(
            any_team.run(work, range(30), lambda *s: steps.append(s[0]), "marking", journal)
        )
    assert len(kept) == 10
    assert found == {n: n for n in range(30)}
    assert steps == list(range(10, 31))
    assert before <= {str(n) for n in range(30)}
    with Journal(path, ABOUT) as journal:
        assert len(list(any_team.run(fail, range(30), doing="marking", journal=journal))) == 30


def test_journal_about_something_else_is_begun_anew(tmp_path):
    path = tmp_path / "journal"
    with Journal(path, ABOUT) as journal:
        journal.add("a", 1, None)
    assert journal_about(path) == ABOUT
    with Journal(path, {"what": "other"}) as journal:
        assert journal.done("a") == {}
    assert journal_about(path) == {"what": "other"}
    assert journal_about(tmp_path / "none") is None


def test_journal_drops_what_a_crash_tore(tmp_path):
    path = tmp_path / "journal"
    with Journal(path, ABOUT) as journal:
        for item in range(5):
            journal.add("a", item, {"of": item})
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for length in range(0, len(whole) + 1, 3):
        path.write_bytes(whole[:length])
        complete = sum(len(b"".join(lines[: n + 1])) <= length for n in range(len(lines)))
        with Journal(path, ABOUT) as journal:
            kept = journal.done("a")
            assert kept == {item: {"of": item} for item in range(complete - 1)}
            journal.add("a", 9, 9)
        assert [json.loads(line) for line in path.read_bytes().splitlines()][-1]["item"] == 9


def test_journal_settles_before_it_says_so(tmp_path):
    path = tmp_path / "journal"
    sizes = []
    with Journal(path, ABOUT, lambda: sizes.append(path.stat().st_size), every=0) as journal:
        journal.add("a", 0, None)
        journal.add("a", 1, None)
    assert len(sizes) == 2
    assert sizes[0] < sizes[1] < path.stat().st_size


def test_journal_that_cannot_be_written(tmp_path):
    with pytest.raises(StorageError, match="cannot be written"):
        Journal(tmp_path / "nowhere" / "journal", ABOUT)


def test_no_scheduler():
    with (
        Team(scheduler="nonsense://1") as team,
        pytest.raises(SettingsError, match="--scheduler: no scheduler with workers at nonsense"),
    ):
        list(team.run(square, [1]))


def test_scheduler_without_workers_is_let_go(monkeypatch):
    monkeypatch.setattr("napari_axonem.blockwise.team.PATIENCE", 1)
    with LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", silence_logs=50) as cluster:
        before = set(cluster.scheduler.clients)
        team = Team(scheduler=cluster.scheduler_address)
        with team, pytest.raises(SettingsError, match="no scheduler with workers at tcp"):
            list(team.run(square, [1]))
        assert set(cluster.scheduler.clients) == before


def test_cluster_by_address_with_a_worker_that_dies(tmp_path):
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as cluster:
        with Team(scheduler=cluster.scheduler_address) as team:
            found = dict(team.run(partial(die_once, Path(tmp_path)), range(20)))
        assert found == {n: n for n in range(20)}
        assert (tmp_path / "died").exists()
