"""A process that edits a project until it is killed, saying what was confirmed."""

from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from napari_axonem.errors import EditError
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.project import Project


def edit_for_ever(path: Path, seed: int, confirmed: Connection) -> None:
    """Do random edits; send the id of each operation once its call has returned."""
    random = np.random.default_rng(seed)
    with Project(path) as project:
        confirmed.send(0)
        while True:
            try:
                operation = _random_edit(project, random)
            except EditError:
                continue
            confirmed.send(operation.id)


def _random_edit(project: Project, random: np.random.Generator):
    kind = random.choice(["merge", "merge", "split", "split", "undo", "redo"])
    if kind == "undo":
        return project.undo()
    if kind == "redo":
        return project.redo()
    points = [_random_point(project, random) for _ in range(2)]
    if kind == "merge":
        return project.merge(points)
    return project.split(project.plan_split(points[:1], points[1:]))


def _random_point(project: Project, random: np.random.Generator) -> Nm:
    shape, size = project.sources.fragments.shape, project.sources.grid.voxel_size
    z, y, x = ((random.integers(n) + 0.5) * s for n, s in zip(shape, size, strict=True))
    return z, y, x
