"""Which neurite and which fragment every voxel belongs to, and how deep inside it lies."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from napari_axonem.volumes.phantom.arrays import Bools, Doubles, Floats, Ids, Ints
from napari_axonem.volumes.phantom.nearest import (
    Nearest,
    candidates_of,
    nearest_at,
    nearest_in_box,
)
from napari_axonem.volumes.phantom.noise import SmoothNoise
from napari_axonem.volumes.phantom.pieces import Pieces
from napari_axonem.volumes.phantom.sampling import Sampling
from napari_axonem.volumes.phantom.settings import PhantomSettings
from napari_axonem.volumes.phantom.tubes import Tubes, measure

GAP = 40.0
"""Neurites swell by that much in nm to close the space between them; wider space is glia's."""

GLIA_REACH = 150.0
"""How far glia spreads beyond the radius of its own tubes, in nm."""

LIMIT = 120.0
"""Scores of neurites from here on do not matter, in nm: space without a neurite."""

GLIA_LIMIT = GLIA_REACH + 60.0
"""The same for glia; the rest beyond its reach shows the membrane that it meets."""

POINTS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Labels:
    """What places of any shape belong to."""

    tube: Ints
    """The tube whose centreline they are nearest to."""

    along: Floats
    """Where on that tube, in nm."""

    truth: Ids
    fragment: Ids
    piece: Ints

    depth: Floats
    """Distance to the membrane of the neurite or glia, in nm."""

    beyond: Ints
    """The nearest tube of another neurite, -1 where there is none near."""


class Field:
    """The labels of a phantom as a function of place.

    Parameters
    ----------
    tubes
        With the truth as owner, from 1.
    glia
        For each tube whether it is glia.
    """

    def __init__(
        self,
        settings: PhantomSettings,
        sampling: Sampling,
        tubes: Tubes,
        glia: Bools,
        pieces: Pieces,
    ) -> None:
        self.sampling = sampling
        self.tubes = tubes
        self.pieces = pieces
        self.leak = settings.boundary_noise * float(min(settings.voxel_size))
        self.neurites = candidates_of(tubes, np.flatnonzero(~glia), LIMIT)
        self.glia = candidates_of(tubes, np.flatnonzero(glia), GLIA_LIMIT)
        self._void_members = np.flatnonzero(glia) if glia.any() else np.arange(len(tubes))
        self._void_tree = cKDTree(tubes.middle[self._void_members])
        self._noise = SmoothNoise(
            settings.seed, "faces", period=48, spacing=45.0, blur=(2.2, 1.0), components=2
        )

    def with_fragments(self, fragment: Ids) -> Field:
        """Return the same with other ids: `fragment` has one for each piece."""
        other = copy.copy(self)
        other.pieces = dataclasses.replace(self.pieces, fragment=fragment)
        return other

    def in_box(
        self,
        lattice: tuple[Doubles, Doubles, Doubles],
        places: tuple[Floats, Floats, Floats],
    ) -> Labels:
        """Return the labels of all voxels of a box, from where they look (`Sampling`)."""
        size = self.sampling.voxel_size
        neurite = nearest_in_box(self.neurites, places, size)
        glia = nearest_in_box(self.glia, places, size)
        faces = self._noise.on_lattice(*lattice)
        leaks = self._noise.on_lattice(*lattice, component=1) if self.leak else None
        return self._label(neurite, glia, places, faces, leaks)

    def at(self, voxels: Ints) -> Labels:
        """Return the labels of single `voxels` (n, 3): the same as in a box."""
        parts = [
            self._at(voxels[i : i + POINTS_AT_ONCE])
            for i in range(0, max(1, len(voxels)), POINTS_AT_ONCE)
        ]
        return Labels(
            *(
                np.concatenate([getattr(part, field.name) for part in parts])
                for field in dataclasses.fields(Labels)
            )
        )

    def _at(self, voxels: Ints) -> Labels:
        points = self.sampling.positions(voxels)
        places = self.sampling.warped(points)
        neurite = nearest_at(self.neurites, places)
        glia = nearest_at(self.glia, places)
        faces = self._noise.at(points)
        leaks = self._noise.at(points, component=1) if self.leak else None
        return self._label(neurite, glia, (places[:, 0], places[:, 1], places[:, 2]), faces, leaks)

    def _label(
        self,
        neurite: Nearest,
        glia: Nearest,
        places: tuple[Floats, Floats, Floats],
        faces: Floats,
        leaks: Floats | None,
    ) -> Labels:
        # Depth inside glia: positive where it wins, minus the distance to it elsewhere.
        inward = np.minimum(neurite.score - np.float32(GAP), np.float32(GLIA_REACH) - glia.score)
        is_glia = inward > 0
        tube = np.where(is_glia, glia.tube, neurite.tube).astype(np.int64)
        along = np.where(is_glia, glia.along, neurite.along)
        between = (neurite.second - neurite.score) / 2
        edge = np.float32(LIMIT) - neurite.score
        depth = np.where(
            is_glia,
            np.minimum(inward, (glia.second - glia.score) / 2),
            np.minimum(np.minimum(between, edge), -inward),
        )
        void = tube < 0
        if void.any():
            points = np.stack([coordinate[void] for coordinate in places], axis=1)
            tube[void] = self._void_members[self._void_tree.query(points)[1]]
            depth[void] = np.float32(GAP)
        piece = self.pieces.find(tube, along, faces)
        truth = self.tubes.owner[tube].astype(np.uint32)
        fragment = self.pieces.fragment[piece]
        if leaks is not None:
            leaky = ~is_glia & (between <= depth) & (neurite.second_tube >= 0)
            leaky &= depth < self.leak * leaks
            self._spill(fragment, leaky, neurite, places, faces)
        beyond = neurite.second_tube.astype(np.int64)
        return Labels(tube, along, truth, fragment, piece, depth, beyond)

    def _spill(
        self,
        fragment: Ids,
        leaky: Bools,
        neurite: Nearest,
        places: tuple[Floats, Floats, Floats],
        faces: Floats,
    ) -> None:
        """Give the places `leaky` to the fragment on the other side of the membrane."""
        tube = neurite.second_tube[leaky].astype(np.int64)
        z, y, x = (
            coordinate[leaky] - self.tubes.start[tube, axis]
            for axis, coordinate in enumerate(places)
        )
        along = measure(z, y, x, self.tubes, tube)[1]
        fragment[leaky] = self.pieces.fragment[self.pieces.find(tube, along, faces[leaky])]
