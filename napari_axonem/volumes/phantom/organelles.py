"""What is inside of neurites: mitochondria as tubes, dots for vesicles and microtubules."""

from __future__ import annotations

import numpy as np

from napari_axonem.volumes.phantom.arrays import Array, Doubles, Floats
from napari_axonem.volumes.phantom.chains import Chains, Kind, join
from napari_axonem.volumes.phantom.hashing import generator
from napari_axonem.volumes.phantom.tubes import Tubes, tubes_of

MITOCHONDRIA_EVERY = 2900.0
"""Mean length of neurite in nm between two mitochondria, where it is wide enough."""

THINNEST_MITOCHONDRION = 48.0
"""Radius in nm below which a mitochondrion is left out."""

CLEARANCE = 32.0
"""Distance in nm of a mitochondrion from its neurite's membrane."""

ABSENT = np.float32(1e4)
"""Place, in cells, of a dot that is missing: too far away to be seen, and finite."""


def mitochondria(chains: Chains, truth_of_chain: Array, seed: int) -> Tubes:
    """Return the mitochondria of all neurites as tubes, owned by the neurite's truth.

    They follow the centreline, a little beside it, and taper at both ends.
    """
    rng = generator(seed, "mitochondria")
    points: list[Doubles] = []
    radii: list[Doubles] = []
    truth: list[int] = []
    for chain in np.flatnonzero(chains.kind != Kind.GLIA).tolist():
        part = slice(chains.start[chain], chains.start[chain + 1])
        line, width = chains.points[part], chains.radii[part]
        steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
        arc = np.concatenate([[0.0], np.cumsum(steps)])
        at = rng.uniform(0, MITOCHONDRIA_EVERY)
        while at < arc[-1]:
            length = rng.uniform(350.0, 1300.0)
            s = np.linspace(at, min(at + length, arc[-1]), max(4, round(length / 90.0)))
            local = np.stack([np.interp(s, arc, line[:, axis]) for axis in range(3)], axis=1)
            room = np.interp(s, arc, width) - CLEARANCE
            radius = min(float(np.median(room)) * rng.uniform(0.65, 0.95), rng.uniform(80.0, 150.0))
            if radius >= THINNEST_MITOCHONDRION:
                sideways = rng.normal(0, 1, 3)
                sideways /= np.linalg.norm(sideways)
                shape = np.minimum(radius, np.maximum(room, 20.0))
                ends = 1 - 0.5 * np.abs(np.linspace(-1, 1, len(s))) ** 4
                offset = np.maximum(room - shape, 0.0) * rng.uniform(0.2, 0.9)
                points.append(local + sideways * offset[:, None])
                radii.append(shape * ends)
                truth.append(int(truth_of_chain[chain]))
            at += length + rng.exponential(MITOCHONDRIA_EVERY)
    chosen = join(points, radii, [int(Kind.AXON)] * len(points), [-1] * len(points))
    return tubes_of(chosen, np.asarray(truth, dtype=np.int64))


class Dots:
    """Jittered dots that fill space periodically, some of them missing.

    The lattice on which they stand is turned at random, and two are laid over each other, so
    that the eye finds no rows.

    Parameters
    ----------
    dimensions
        2 for lines seen end on, 3 for balls.
    cell
        Distance of dots of one lattice in nm.
    share
        Share of the cells that have a dot.
    """

    PERIOD = 32

    def __init__(self, seed: int, name: str, dimensions: int, cell: float, share: float) -> None:
        rng = generator(seed, name)
        self.cell = np.float32(cell)
        cells = (2, *(self.PERIOD,) * dimensions)
        # Not near the cell's faces: a dot is seen from its own cell only.
        self.jitter = rng.uniform(0.32, 0.68, (*cells, dimensions)).astype(np.float32)
        self.jitter[rng.random(cells) >= share] = ABSENT
        turns = [np.linalg.qr(rng.normal(0, 1, (dimensions, dimensions)))[0] for _ in range(2)]
        self.turns = [(turn / cell).astype(np.float32) for turn in turns]

    def distance(self, coordinates: tuple[Floats, ...], blind: float = 0.0) -> Floats:
        """Return the distance in nm to a dot that is near, far where there is none.

        Parameters
        ----------
        coordinates
            In nm, arrays of one shape, as many as there are dimensions.
        blind
            Half the thickness in nm of a section: distances along the first coordinate count
            only beyond it.
        """
        first, second = (self._distance(which, coordinates, blind) for which in range(2))
        nearest: Floats = np.minimum(first, second)
        return nearest

    def _distance(self, which: int, coordinates: tuple[Floats, ...], blind: float) -> Floats:
        turn = self.turns[which]
        index, inside = [], []
        for row in turn:
            scaled = _combine(row, coordinates)
            low = np.floor(scaled)
            inside.append(scaled - low)
            index.append(low.astype(np.int64) % self.PERIOD)
        centre = self.jitter[(which, *index)]
        away = [place - centre[..., axis] for axis, place in enumerate(inside)]
        square = np.zeros(coordinates[0].shape, dtype=np.float32)
        for axis, column in enumerate(turn.T):
            # The transpose turns back; its length 1 / cell becomes cell.
            back = np.abs(_combine(column, tuple(away))) * self.cell**2
            if axis == 0 and blind:
                back = np.maximum(back - np.float32(blind), np.float32(0))
            square += back * back
        distance: Floats = np.sqrt(square)
        return distance


def _combine(weights: Floats, parts: tuple[Floats, ...]) -> Floats:
    """Return the weighted sum, in a fixed order of elementwise operations."""
    total: Floats = parts[0] * weights[0]
    for weight, part in zip(weights[1:], parts[1:], strict=True):
        total += part * weight
    return total
