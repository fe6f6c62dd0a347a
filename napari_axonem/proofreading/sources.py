"""The voxels behind a project: its own pyramids, and the image and affinities it refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from napari_axonem.errors import EditError
from napari_axonem.geometry import Box, Grid, Nm, Zyx, zyx
from napari_axonem.proofreading.folder import Folder
from napari_axonem.proofreading.refinement import Refinement, write_child
from napari_axonem.volumes import LazyArray, Pyramid, Volume, open_affinities, open_volume


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

    @classmethod
    def open(cls, folder: Folder, settings: Mapping[str, object], *, writable: bool) -> Sources:
        """Open the arrays that a project's settings name."""
        fragments = Pyramid.open(folder.fragments, writable=writable)
        image, affinities = settings.get("image"), settings.get("affinities")
        return cls(
            fragments=fragments,
            truth=Pyramid.open(folder.truth) if folder.truth.exists() else None,
            image=None
            if image is None
            else open_volume(str(image), voxel_size=fragments.volume.grid.voxel_size),
            affinities=None if affinities is None else open_affinities(str(affinities)),
        )

    @property
    def grid(self) -> Grid:
        """Voxel size and origin in nm."""
        return self.fragments.volume.grid

    def fragment_at(self, position_nm: Nm) -> int:
        """Return the fragment at a position in nm; 0 for background or outside."""
        voxel = self.grid.to_voxel(position_nm)
        box = Box(zyx(voxel), zyx(voxel + 1))
        if not self.fragments.volume.box.contains(box.start):
            return 0
        return int(self.fragments.volume.read(box)[0, 0, 0])

    def nearest_fragment(self, position_nm: Nm, reach_nm: float) -> tuple[Zyx, int]:
        """Return the fragment nearest to a position, and its nearest voxel.

        Distances are in nm, so that thick sections count as far as they are.

        Raises
        ------
        EditError
            The position is outside, or no fragment lies within `reach_nm`.
        """
        whole = self.fragments.volume.box
        voxel = zyx(self.grid.to_voxel(position_nm))
        where = "point {:g},{:g},{:g} nm".format(*position_nm)
        if not whole.contains(voxel):
            raise EditError(f"it lies outside of the volume of {whole.stop} voxels", where=where)
        fragment = self.fragment_at(position_nm)
        if fragment:
            return voxel, fragment
        size = np.asarray(self.grid.voxel_size)
        box = Box(voxel, zyx(np.add(voxel, 1))).grow(zyx(reach_nm // size)).intersect(whole)
        labels = self.fragments.volume.read(box)
        candidates = np.argwhere(labels)
        away = np.linalg.norm((candidates + box.start - np.asarray(voxel)) * size, axis=1)
        if len(away) == 0 or away.min() > reach_nm:
            raise EditError(
                f"there is no object within {reach_nm:g} nm", where=where, remedy="point at one"
            )
        nearest = candidates[int(away.argmin())]
        return zyx(nearest + box.start), int(labels[tuple(nearest)])

    def write_child(self, refinement: Refinement) -> None:
        """Write the voxels of a refinement at all scales; doing it twice does no harm."""
        box = refinement.box
        labels = self.fragments.volume.read(box)
        write_child(labels, box, refinement)
        self.fragments.write(box, labels)
        self.fragments.refresh_levels(box)
