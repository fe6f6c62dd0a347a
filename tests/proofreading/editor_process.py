"""A process that edits and exports a project until it is killed, saying what was confirmed."""

from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from napari_axonem.errors import EditError
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.exporting import export_labels
from napari_axonem.proofreading.plans.painting import Brush
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record import backups
from napari_axonem.proofreading.record.operation import Kind, Operation

KINDS = ("merge", "split", "undo", "redo", "cut off", "delete", "isolate", "paint", "erase", "go")
EXPORT_EVERY = 4


def edit_for_ever(path: Path, seed: int, exports: Path, confirmed: Connection) -> None:
    """Do random edits; send the id of each operation once its call has returned.

    Now and then the labels are exported, under a name that says after which operation. Where the
    seed is odd, no cut is followed by a copy of the database.
    """
    random = np.random.default_rng(seed)
    if seed % 2:
        backups.SMALL_BYTES = 0
    with Project(path) as project:
        confirmed.send(0)
        while True:
            try:
                operation = _random_edit(project, random)
            except EditError:
                continue
            confirmed.send(operation.id)
            if operation.id % EXPORT_EVERY == 0:
                suffix = random.choice(["h5", "zarr"])
                export_labels(project, exports / f"{operation.id}.{suffix}")


def _random_edit(project: Project, random: np.random.Generator) -> Operation:
    one, other = (_random_point(project, random) for _ in range(2))
    brush = Brush((one,), float(random.uniform(5, 40)))
    match random.choice(KINDS, p=[0.2, 0.2, 0.15, 0.1, 0.05, 0.05, 0.05, 0.1, 0.05, 0.05]):
        case "merge":
            return project.merge([one, other])
        case "split":
            return project.split(project.plan_split([one], [other]))
        case "cut off":
            return project.split(project.plan_cut_off(one), Kind.CUT_OFF)
        case "delete":
            return project.delete([one])
        case "isolate":
            return project.isolate([one])
        case "paint":
            return project.paint(other, brush)
        case "erase":
            return project.erase(brush)
        case "go":
            return project.go_to(int(random.integers(len(project.operations) + 1)))
        case "undo":
            return project.undo()
        case _:
            return project.redo()


def _random_point(project: Project, random: np.random.Generator) -> Nm:
    shape, size = project.sources.fragments.shape, project.sources.grid.voxel_size
    z, y, x = ((random.integers(n) + 0.5) * s for n, s in zip(shape, size, strict=True))
    return z, y, x
