"""Meshes of the objects in a volume of labels, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_axonem.blockwise import Journal, Team
from napari_axonem.evaluation.meshes.pieces import Mesh, Piece, joined, surfaces
from napari_axonem.geometry import Box, blocks
from napari_axonem.progress import Progress, silent
from napari_axonem.volumes.chunking import natural_block
from napari_axonem.volumes.volume import Volume

_BLOCK_BYTES = 2**26


@dataclass(frozen=True, slots=True)
class _Work:
    """Finds the surfaces in a block and keeps them in a file."""

    labels: Volume
    folder: Path

    def __call__(self, item: tuple[int, Box]) -> list[int]:
        """Do block `item`; return the ids of its objects."""
        number, box = item
        found = surfaces(self.labels, box)
        if found:
            arrays = {f"{i}{part}": a for i, p in found.items() for part, a in zip("vf", p)}  # noqa: B905
            with _file(self.folder, number).open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
        return sorted(found)


def meshes(
    labels: Volume,
    stage: Path,
    most_error: float = 0.0,
    progress: Progress = silent,
    team: Team | None = None,
    journal: Journal | None = None,
) -> Iterator[tuple[int, Mesh]]:
    """Yield the id and the mesh of each object of a volume, in the order of ids.

    Parameters
    ----------
    labels
        Volume of unsigned ids; 0 is no object. Its levels are small when pickled.
    stage
        Folder for the surfaces of blocks until all of them are known.
    most_error
        By how many nm vertices may move so that there are fewer triangles; 0 keeps all.
    team
        Who works on the blocks; this process where it is None.
    journal
        Blocks in it are not worked on again, as long as `stage` is kept with it.
    """
    boxes = list(enumerate(blocks(labels.box, natural_block(labels, _BLOCK_BYTES))))
    where: dict[int, list[int]] = {}
    work = _Work(labels, stage)
    for number, ids in (team or Team(1)).run(work, boxes, progress, "finding surfaces", journal):
        for one in ids:
            where.setdefault(one, []).append(number)
    for done, one in enumerate(sorted(where), start=1):
        pieces = [_piece(stage, number, one) for number in sorted(where[one])]
        yield one, joined(pieces, labels.grid, most_error)
        progress(done, len(where), "joining surfaces")


def _piece(stage: Path, number: int, one: int) -> Piece:
    with np.load(_file(stage, number), allow_pickle=False) as stored:
        return stored[f"{one}v"], stored[f"{one}f"]


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number}.npz"
