"""The voxels behind a project: its own pyramids, and the image and affinities it refers to."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import EditError, VolumeError
from napari_axonem.geometry import Box, Grid, Nm, Zyx, zyx
from napari_axonem.proofreading.record.folder import Folder
from napari_axonem.proofreading.tables.refinement import Refinement, write_child
from napari_axonem.volumes import LazyArray, Pyramid, Volume, open_affinities, open_volume
from napari_axonem.wording import point_words

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sources:
    """The arrays of an open project, all on one grid."""

    fragments: Pyramid
    """Fragment ids, uint32, dense."""

    truth: Pyramid | None
    """Ids of true objects, uint32, dense; None without truth."""

    image: Volume | None
    """The EM image; None without one."""

    affinities: LazyArray | None
    """Affinities, shape (3, z, y, x); None without them."""

    problems: tuple[str, ...] = ()
    """Why the image or the affinities could not be opened; the project works without them."""

    @classmethod
    def open(cls, folder: Folder, settings: Mapping[str, object], *, writable: bool) -> Sources:
        """Open the arrays that a project's settings name.

        The image and the affinities lie outside of the project: when they were moved or are out
        of reach, the project opens without them.

        Raises
        ------
        VolumeError
            The project's own pyramids cannot be read.
        """
        fragments = Pyramid.open(folder.fragments, writable=writable)
        problems: list[str] = []

        def tried(role: str, opener: Callable[[str], T]) -> T | None:
            location = settings.get(role)
            try:
                return None if location is None else opener(str(location))
            except VolumeError as error:
                problems.append(f"without its {role}: {error}")
                return None

        size = fragments.volume.grid.voxel_size
        image = tried("image", lambda location: open_volume(location, voxel_size=size))
        affinities = tried("affinities", open_affinities)
        return cls(
            fragments=fragments,
            truth=Pyramid.open(folder.truth) if folder.truth.exists() else None,
            image=image,
            affinities=affinities,
            problems=tuple(problems),
        )

    @property
    def grid(self) -> Grid:
        """Voxel size and origin in nm."""
        return self.fragments.grid

    def fragment_at(self, position_nm: Nm) -> int:
        """Return the fragment at a position in nm; 0 for background or outside."""
        volume = self.fragments.volume  # opened anew each time it is asked for
        voxel = volume.grid.to_voxel(position_nm)
        box = Box(zyx(voxel), zyx(voxel + 1))
        if not volume.box.contains(box.start):
            return 0
        return int(volume.read(box)[0, 0, 0])

    def nearest_fragment(
        self, position_nm: Nm, reach_nm: float, gone: npt.NDArray[np.bool_]
    ) -> tuple[Zyx, int]:
        """Return the fragment nearest to a position, and its nearest voxel.

        Distances are in nm, so that thick sections count as far as they are.

        Parameters
        ----------
        gone
            Whether each fragment counts as background, shape (fragments + 1,).

        Raises
        ------
        EditError
            The position is outside, no fragment lies within `reach_nm`, or the one at the position
            was made after the project was opened.
        """
        volume = self.fragments.volume
        whole = volume.box
        voxel = zyx(volume.grid.to_voxel(position_nm))
        where = point_words(position_nm)
        if not whole.contains(voxel):
            ranges = volume.grid.ranges_nm(whole)
            raise EditError(f"it lies outside of the volume, which is {ranges} nm", where=where)
        fragment = int(volume.read(Box(voxel, zyx(np.add(voxel, 1))))[0, 0, 0])
        require_known(fragment, len(gone), where)
        if fragment and not gone[fragment]:
            return voxel, fragment
        size = np.asarray(volume.grid.voxel_size)
        box = Box(voxel, zyx(np.add(voxel, 1))).grow(zyx(reach_nm // size)).intersect(whole)
        labels = volume.read(box)
        there = (labels > 0) & (labels < len(gone))
        there[there] = ~gone[labels[there]]
        candidates = np.argwhere(there)
        away = np.linalg.norm((candidates + box.start - np.asarray(voxel)) * size, axis=1)
        if len(away) == 0 or away.min() > reach_nm:
            raise EditError(
                f"there is no object within {reach_nm:g} nm", where=where, remedy="point at one"
            )
        nearest = candidates[int(away.argmin())]
        return zyx(nearest + box.start), int(labels[tuple(nearest)])

    def write_children(self, refinements: Sequence[Refinement]) -> None:
        """Write the voxels of refinements, in their order, at all scales.

        Doing it twice does no harm. When this returns they are on disk, and not only in the
        system's cache: the log says next that they are, and a power cut must not make that untrue.
        """
        for box, near in _together(refinements):
            labels = self.fragments.volume.read(box)
            for refinement in near:
                write_child(labels, box, refinement)
            self.fragments.write(box, labels)
            self.fragments.refresh_levels(box)
            for path in chunk_files(self.fragments, box):
                with suppress(FileNotFoundError), path.open("rb+") as file:  # none where all is 0
                    os.fsync(file.fileno())


def _together(refinements: Sequence[Refinement]) -> Iterator[tuple[Box, list[Refinement]]]:
    """Yield refinements in their order, those that lie close together with a box of them all."""
    waiting: list[Refinement] = []
    box = Box((0, 0, 0), (0, 0, 0))
    for refinement in refinements:
        both = box.union(refinement.box)
        if waiting and both.size <= 2 * (box.size + refinement.box.size):
            waiting.append(refinement)
            box = both
            continue
        if waiting:
            yield box, waiting
        waiting, box = [refinement], refinement.box
    if waiting:
        yield box, waiting


def require_known(fragment: int, known: int, where: str) -> None:
    """Raise `EditError` where a fragment is none of the `known` first ones."""
    if fragment >= known:
        raise EditError(
            f"fragment {fragment} was cut since the project was opened",
            where=where,
            remedy="open the project again; if it says the same then, 'project verify' tells what "
            "is wrong",
        )


def chunk_files(pyramid: Pyramid, box: Box) -> Iterator[Path]:
    """Yield the files of all chunks, at all levels, that depend on a box of the finest level."""
    for array, factor in zip(pyramid.arrays, pyramid.factors, strict=True):
        size = np.multiply(array.chunks, factor)
        first = np.floor_divide(box.start, size)
        count = np.floor_divide(np.subtract(box.stop, 1), size) - first + 1
        folder = pyramid.path / array.path
        for place in np.ndindex(*count.tolist()):
            index = tuple((first + place).tolist())
            yield folder / array.metadata.encode_chunk_key(index)
