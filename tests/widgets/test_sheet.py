"""Small pictures of errors, the pace of the work, and what is fetched ahead."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_axonem.widgets.parts import colours
from napari_axonem.widgets.picture.portrait import OPACITY, portrait
from napari_axonem.widgets.session.pace import PAUSE_S, repairs_an_hour
from napari_axonem.widgets.session.session import Session

from .conftest import nm
from .hand import Hand

MAIN = (0.2, 0.9, 0.3)


def mistake(session: Session, kind: str):
    return next(r.mistake for r in session.review.queue.rows if r.mistake.kind == kind)


def tinted(picture: np.ndarray, rgb) -> np.ndarray:
    """Tell which pixels can be a mixture of grey with a colour."""
    grey = (picture - OPACITY * 255 * np.asarray(rgb)) / (1 - OPACITY)
    return np.ptp(grey, axis=2) <= 5


def hexadecimal(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def test_a_picture_shows_both_sides_where_they_are(session: Session) -> None:
    error = mistake(session, "false_split")
    picture = portrait(session.place.sight.layers.portrayed(), error, MAIN, side=96)
    assert picture.shape == (96, 96, 3)
    first, second = tinted(picture, MAIN), tinted(picture, hexadecimal(colours.FALSE_SPLIT))
    assert first.sum() > 100
    assert second.sum() > 100
    left, right = sorted((np.argwhere(first)[:, 1].mean(), np.argwhere(second)[:, 1].mean()))
    assert left < 48 < right, "the slab is cut in the middle of the picture"
    assert not (first & second).any()


def test_the_foreign_part_of_a_false_merge_is_coloured(session: Session) -> None:
    error = mistake(session, "false_merge")
    picture = portrait(session.place.sight.layers.portrayed(), error, MAIN, side=96)
    own, foreign = tinted(picture, MAIN), tinted(picture, hexadecimal(colours.FALSE_MERGE))
    assert min(own.sum(), foreign.sum()) > 100
    rows = np.argwhere(own)[:, 0].mean() - np.argwhere(foreign)[:, 0].mean()
    above = error.truth[0] < error.truth[1]  # slab 2 lies above slab 3
    assert (rows > 0) == above


def test_a_sitting_ends_with_a_pause() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    steady = [start + timedelta(seconds=30 * n) for n in range(5)]

    def pace(*times: datetime) -> float | None:
        return repairs_an_hour(reversed(times))

    assert pace(*steady) == pytest.approx(120)
    later = [t + timedelta(seconds=120 + PAUSE_S + 1) for t in steady[:3]]
    assert pace(*steady[:2]) is None, "too short to tell"
    assert pace(*steady, *later) == pytest.approx(120)
    assert pace(*steady, later[0]) is None
    assert pace() is None
    assert pace(start, start) is None


def test_the_share_counts_edits_and_marks(session: Session) -> None:
    pace = session.review.pace()
    assert (pace.settled, pace.left, pace.share) == (0, 2, 0.0)
    session.go_to(0)
    session.review.mark("done")
    session.project.merge([nm(6, 14, 20), nm(6, 14, 60)])
    pace = session.review.pace()
    assert pace.settled == 2 - (pace.left == 1)
    assert pace.share > 0
    session.review.keep_to_view()
    assert session.review.pace() is None, "of a part it cannot be told"


def test_the_share_follows_what_is_taken_back(session: Session) -> None:
    project, places = session.project, [nm(6, 14, 20), nm(6, 14, 60)]
    settled = []
    for edit in (
        lambda: project.merge(places),
        project.undo,
        project.redo,
        lambda: project.go_to(0),
        lambda: project.mark("here"),
        lambda: project.merge(places),
    ):
        edit()
        settled.append(session.review.pace().settled)
    assert settled == [1, 0, 1, 0, 0, 1]


@pytest.mark.window
def test_the_sheet_shows_the_next_errors_and_goes_there(hand: Hand, project_path: Path) -> None:
    session, dock = hand.session, hand.dock("Errors")
    session.open_project(project_path)
    sheet = dock.view.sheet
    hand.until(lambda: dock.control.sheet.is_complete)
    assert sheet.count() == 2
    rows = session.review.queue.rows
    for at in range(2):
        image = sheet.item(at).icon().pixmap(64, 64).toImage()
        seen = {image.pixelColor(x, y).name() for x in range(64) for y in range(64)}
        assert len(seen) > 50, "a picture, and not the blank one"
    before = sheet.item(0).icon().pixmap(64, 64).toImage()
    hand.press(Qt.Key.Key_C)
    hand.until(lambda: dock.control.sheet.is_complete)
    assert sheet.item(0).icon().pixmap(64, 64).toImage() != before, "objects have other colours"
    place = sheet.visualItemRect(sheet.item(1)).center()
    QTest.mouseClick(sheet.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.review.queue.current.key == rows[1].key
    hand.show()
    assert sheet.count() == 1, "it begins with the current one"
    hand.push("Errors", dock.view.pictures)
    assert sheet.isHidden()
    session.step(-1)
    hand.show()
    hand.push("Errors", dock.view.pictures)
    hand.until(lambda: dock.control.sheet.is_complete)
    assert sheet.count() == 2
    session.close_project()
    assert sheet.count() == 0


@pytest.mark.window
def test_the_next_error_is_fetched_ahead(hand: Hand, project_path: Path, monkeypatch) -> None:
    session = hand.session
    session.open_project(project_path)
    asked = []
    planes = session.place.sight.layers._fragments
    monkeypatch.setattr(planes, "foresee", lambda box, level: asked.append((box, level)))
    session.go_to(0)
    hand.until(lambda: bool(asked))
    box, level = asked[-1]
    following = session.review.queue.step(1).mistake
    voxel = session.project.sources.grid.to_voxel(following.position_nm)
    factor = planes.volume.factors[level]
    assert box.contains(tuple(int(v) // f for v, f in zip(voxel, factor, strict=True)))
