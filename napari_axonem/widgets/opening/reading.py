"""What happens when a volume is opened: its layers, and the question for its voxel size.

What is remote is opened beside the window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from napari.layers import Layer
from napari.utils.notifications import show_info
from napari.viewer import Viewer

from napari_axonem.errors import VoxelSizeUnknownError
from napari_axonem.geometry import Nm
from napari_axonem.volumes import describe
from napari_axonem.widgets.opening.asking import ANSWERS, question_of
from napari_axonem.widgets.opening.axonem_layers import layers_of_blocks
from napari_axonem.widgets.opening.locations import (
    brief,
    is_project,
    is_remote,
    volumes_at,
)
from napari_axonem.widgets.opening.notices import tell
from napari_axonem.widgets.opening.volume_layer import volume_layer
from napari_axonem.widgets.opening.voxel_size_form import Given, Question
from napari_axonem.widgets.parts.beside import Beside


def open_in(viewer: Viewer, path: str, told: Callable[[Exception], None] = tell) -> None:
    """Add the layers of all volumes that `path` means; for use in the thread of a window.

    Parameters
    ----------
    viewer
        Where to.
    path
        File, folder or address.
    told
        Called with each error.
    """
    for layer in layers_in(viewer, path, told):
        viewer.add_layer(layer)


def layers_in(
    viewer: Viewer | None, path: str, told: Callable[[Exception], None]
) -> Iterator[Layer]:
    """Yield the layers of what can be opened now, and tell of what cannot.

    What is remote is added to the viewer when it is there.
    """
    if viewer is not None and is_remote(path):
        show_info(f"opening {brief(path)} beside the window ({path})")
        _fetch(viewer, lambda: _try_all(path), told)
        return
    for tried in _try_all(path):
        attempt: _Attempt | None = tried
        if tried.question is not None:
            given = _answer(tried.question)
            attempt = None if given is None else _try(tried.location, given)
        if attempt is None:
            continue
        if attempt.layer is None:
            told(attempt.problem)
        else:
            yield attempt.layer


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    """How it went to open a volume."""

    location: str
    problem: Exception
    layer: Layer | None = None
    question: Question | None = None


def _try_all(path: str) -> list[_Attempt]:
    """Try to open all volumes that a path means."""
    try:
        blocks = _blocks(path)
        if blocks:
            return [_Attempt(path, Exception(), layer=layer) for layer in blocks]
        return [_try(location) for location in volumes_at(path)]
    except Exception as error:  # in a window nothing may get through to napari
        return [_Attempt(path, error)]


def all_layers(path: str, voxel_size: Nm | None = None) -> list[Layer]:
    """Return the layers of all volumes that a path means.

    Parameters
    ----------
    path
        File, folder or address; training blocks are taken for volumes like any other where
        `voxel_size`, in nm (z, y, x), says what only those need.

    Raises
    ------
    AxonemError
        Something cannot be opened, or its voxel size is not known.
    """
    blocks = _blocks(path) if voxel_size is None else []
    return blocks or [volume_layer(location, voxel_size) for location in volumes_at(path)]


def _blocks(path: str) -> list[Layer]:
    return [] if is_remote(path) or is_project(path) else layers_of_blocks(path)


def _try(location: str, given: Given | None = None) -> _Attempt:
    """Try to open a volume; also used in threads."""
    nothing = Exception()
    try:
        if given is None:
            return _Attempt(location, nothing, layer=volume_layer(location))
        layer = volume_layer(location, given.voxel_size, given.origin)
        return _Attempt(location, nothing, layer=layer)
    except VoxelSizeUnknownError as error:
        return _Attempt(location, error, question=question_of(describe(location)))
    except Exception as error:  # in a window nothing may get through to napari
        return _Attempt(location, error)


def _answer(question: Question) -> Given | None:
    """Ask for a voxel size; None, and a notice, where nobody gives one."""
    given = ANSWERS.ask(question)
    if given is None:
        show_info(f"{question.name} was not opened: no voxel size was given")
    return given


def _fetch(
    viewer: Viewer, work: Callable[[], list[_Attempt]], told: Callable[[Exception], None]
) -> None:
    """Open something beside the window, and add its layers when they are there."""
    attempts: list[_Attempt] = []
    beside = Beside()

    def done() -> None:
        for attempt in attempts:
            if attempt.question is not None:
                given = _answer(attempt.question)
                if given is not None:
                    _fetch_again(viewer, attempt.location, given, told)
            elif attempt.layer is None:
                told(attempt.problem)
            else:
                viewer.add_layer(attempt.layer)
        beside.deleteLater()

    beside.compute(lambda: attempts.extend(work()), done)


def _fetch_again(
    viewer: Viewer, location: str, given: Given, told: Callable[[Exception], None]
) -> None:
    _fetch(viewer, lambda: [_try(location, given)], told)
