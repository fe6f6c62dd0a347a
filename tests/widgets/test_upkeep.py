"""The list of errors kept up to date equals the list made anew."""

from collections import Counter
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_axonem.errors import EditError
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.proofreading.creation import CreateSettings, create_project
from napari_axonem.proofreading.project import Project
from napari_axonem.widgets.upkeep import updated

SHAPE = (10, 40, 40)


def cells(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return the Voronoi cells of random points."""
    points = rng.uniform(0, SHAPE, (count, 3)) * (4, 1, 1)
    voxels = np.stack(np.indices(SHAPE), axis=-1)[..., None, :] * np.array([4, 1, 1])
    nearest = np.linalg.norm(voxels - points, axis=-1).argmin(axis=-1)
    return (nearest + 1).astype(np.uint32)


def what(mistakes: list[Mistake]) -> Counter[tuple[object, ...]]:
    """Return errors without the last digits of their gain."""
    return Counter(
        (m.kind, m.segments, m.truth, m.size_voxels, round(m.gain_voi, 9)) for m in mistakes
    )


def edit(project: Project, rng: np.random.Generator) -> None:
    """Do something at random, if it is possible."""
    places = [tuple(p) for p in rng.uniform(0, np.array(SHAPE) * 8, (2, 3))]
    edits = (
        lambda: project.merge(places),
        lambda: project.split(project.plan_split(places[:1], places[1:])),
        project.undo,
        project.redo,
    )
    with suppress(EditError):
        edits[rng.choice(4, p=(0.5, 0.2, 0.2, 0.1))]()


@pytest.mark.parametrize("seed", range(3))
def test_the_list_follows_edits(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    source = tmp_path / "cells.h5"
    with h5py.File(source, "w") as file:
        file["gt"], file["watershed"] = cells(rng, 8), cells(rng, 20)
    path = tmp_path / "cells.axonem"
    settings = CreateSettings(
        fragments=f"{source}:watershed", truth=f"{source}:gt", voxel_size=(8.0, 8.0, 8.0)
    )
    create_project(path, settings)
    with Project(path) as project:
        changed: set[int] = set()
        project.changed.connect(
            lambda op: changed.update((*op.segments_before, *op.segments_after))
        )
        listed = project.mistakes()
        assert len(listed) > 5
        for _ in range(40):
            changed.clear()
            edit(project, rng)
            listed = updated(project, listed, frozenset(changed))
            assert what(listed) == what(project.mistakes())
            gains = [m.gain_voi for m in listed]
            assert gains == sorted(gains, reverse=True)
        assert len(project.operations) > 10


def test_nothing_changed(tmp_path: Path, project_path: Path) -> None:
    with Project(project_path) as project:
        listed = project.mistakes()
        assert updated(project, listed, frozenset()) == listed
