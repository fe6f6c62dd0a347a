"""How the command says how far it is, to a terminal and to a file."""

import io
import itertools

import pytest

from napari_axonem.cli import reporting
from napari_axonem.cli.reporting import progress_for


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the clock says, in seconds."""
    now = [100.0]
    monkeypatch.setattr(reporting.time, "monotonic", lambda: now[0])
    monkeypatch.delenv(reporting.PROGRESS_VARIABLE, raising=False)
    return now


def test_a_terminal_sees_one_line_that_moves(clock: list[float]) -> None:
    stream = Terminal()
    progress = progress_for(stream)
    progress(0, 4, "reading")
    clock[0] += 2
    progress(1, 4, "reading")
    assert stream.getvalue().split("\r\x1b[K")[1:] == [
        "reading: 0/4",
        "reading: 1/4, 0.5/s, 6 s left",
    ]
    progress(4, 4, "reading")
    assert stream.getvalue().endswith("\r\x1b[K"), "nothing of it stays"


def test_a_file_gets_few_lines(clock: list[float]) -> None:
    stream = io.StringIO()
    progress = progress_for(stream)
    for done in range(36_001):  # ten hours, a step a second
        progress(done, 36_000, "training")
        if done == 59:
            assert not stream.getvalue(), "what is short says nothing"
        clock[0] += 1
    lines = stream.getvalue().splitlines()
    assert lines[0] == "training: 60/36000, 1/s, 35940 s left"
    steps = [int(line.split(":")[1].split("/")[0]) for line in lines]
    gaps = [b - a for a, b in itertools.pairwise(steps)]
    assert min(gaps) == 60
    assert gaps == sorted(gaps), "fewer and fewer"
    assert len(lines) < 120


def test_work_that_is_taken_up_again_was_not_that_fast(clock: list[float]) -> None:
    stream = Terminal()
    progress = progress_for(stream)
    progress(90, 100, "writing")
    clock[0] += 5
    progress(95, 100, "writing")
    assert stream.getvalue().endswith("writing: 95/100, 1/s, 5 s left")
