"""Where clicks on a project lead to."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from napari_axonem.errors import EditError
from napari_axonem.geometry import Nm, zyx
from napari_axonem.proofreading.plans.fragmentcut import Surroundings
from napari_axonem.proofreading.plans.splitting import Pick
from napari_axonem.proofreading.record.operation import Colour, Point
from napari_axonem.proofreading.scored import Scored
from napari_axonem.proofreading.tables.sources import require_known
from napari_axonem.wording import number_words, point_words

REACH_NM = 60.0
"""How far from a click on background a fragment may lie to be taken for the one meant."""


class Pointed(Scored):
    """The part of a project that knows what lies at a position."""

    def pick(self, position_nm: Nm, colour: Colour | None = None) -> Pick:
        """Return the fragment at a position, or next to it when it is background.

        Raises
        ------
        EditError
            The position is outside of the volume or far from any fragment.
        """
        gone = self.keeper.state.graph.deleted
        voxel, fragment = self.keeper.sources.nearest_fragment(position_nm, REACH_NM, gone)
        return Pick(Point(position_nm, colour), fragment, voxel)

    def require_objects(self, positions_nm: Iterable[Nm]) -> None:
        """Refuse positions on background, for who cannot see which object `pick` would take.

        Raises
        ------
        EditError
            There is no object at a position; it says which one is the nearest, and where.
        """
        grid = self.keeper.sources.grid
        for position in positions_nm:
            near = self.pick(position)
            if near.voxel != zyx(grid.to_voxel(position)):
                place = number_words(grid.to_nm(near.voxel))
                raise EditError(
                    f"there is no object; the nearest is "
                    f"{self.keeper.state.graph.segment[near.fragment]} at {place} nm",
                    where=point_words(position),
                    remedy="give a position inside of the one that is meant",
                )

    def segment_at(self, position_nm: Nm) -> int:
        """Return the segment at a position (z, y, x) in nm; 0 for background or outside.

        Raises
        ------
        EditError
            The fragment there was made after the project was opened.
        """
        segment = self.keeper.state.graph.segment
        fragment = self.keeper.sources.fragment_at(position_nm)
        require_known(fragment, len(segment), point_words(position_nm))
        return int(segment[fragment])

    def _pick_in(self, segment: int) -> Pick:
        """Return a place inside of an object."""
        cells = self.keeper.state.cells
        if (
            not 0 < segment < len(self.keeper.state.graph.segment)
            or self.keeper.state.graph.segment[segment] != segment
        ):
            raise EditError(f"there is no object {segment}", remedy="it may have been edited")
        voxel = zyx(cells.point[int(np.searchsorted(cells.fragment, segment))])
        z, y, x = (float(v) for v in self.keeper.sources.grid.to_nm(voxel))
        return Pick(Point((z, y, x)), segment, voxel)

    def _picks(self, positions_nm: Iterable[Nm]) -> list[Pick]:
        return [self.pick(position) for position in positions_nm]

    def surroundings(self) -> Surroundings:
        """Return the voxels that a cut inside a fragment looks at."""
        sources = self.keeper.sources
        return Surroundings(
            sources.fragments.volume,
            None if sources.truth is None else sources.truth.volume,
            sources.image,
            sources.affinities,
            self.keeper.state.cells,
        )
