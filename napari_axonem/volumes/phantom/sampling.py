"""From voxels to the phantom's own space: section shifts, artefacts and the warp.

Neurites are laid out as smooth round tubes. What a voxel shows is looked up at a place that is
moved by its section's shift and by a smooth warp: the profiles become irregular as in tissue,
and as the warp does not fold, whatever was connected stays so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_axonem.geometry import Box
from napari_axonem.volumes.phantom.arrays import Doubles, Floats, Ints
from napari_axonem.volumes.phantom.hashing import generator
from napari_axonem.volumes.phantom.noise import SmoothNoise
from napari_axonem.volumes.phantom.settings import PhantomSettings

WARP = 46.0
"""Largest displacement of the warp along an axis, in nm."""

ArtefactKind = Literal["missing", "shift", "blur"]


@dataclass(frozen=True, slots=True)
class Artefact:
    """A section that is not as it should be."""

    section: int
    """Index along z."""

    kind: ArtefactKind

    shift_nm: tuple[float, float] = (0.0, 0.0)
    """By how much (y, x) image and truth are displaced, in nm."""


def draw_artefacts(settings: PhantomSettings) -> tuple[Artefact, ...]:
    """Return the artefacts of a phantom by section; the first and last section have none."""
    rng = generator(settings.seed, "artefacts")
    sections = settings.shape[0]
    free = rng.permutation(np.arange(1, max(1, sections - 1))).tolist()
    rates: tuple[tuple[ArtefactKind, float], ...] = (
        ("missing", settings.missing_rate),
        ("shift", settings.shift_rate),
        ("blur", settings.blur_rate),
    )
    artefacts = []
    for kind, rate in rates:
        for _ in range(min(round(rate * sections), len(free))):
            shift = (0.0, 0.0)
            if kind == "shift":
                angle, size = (
                    rng.uniform(0, 2 * np.pi),
                    rng.uniform(0.5, 1) * settings.largest_shift,
                )
                shift = (float(size * np.sin(angle)), float(size * np.cos(angle)))
            artefacts.append(Artefact(free.pop(), kind, shift))
    return tuple(sorted(artefacts, key=lambda artefact: artefact.section))


class Sampling:
    """Where in nm each voxel of the phantom looks."""

    def __init__(self, settings: PhantomSettings, artefacts: tuple[Artefact, ...]) -> None:
        self.voxel_size = np.asarray(settings.voxel_size)
        self.shape = settings.shape
        self.shift = np.zeros((settings.shape[0], 2))
        for artefact in artefacts:
            # The content moves by the shift, so a voxel looks the other way.
            self.shift[artefact.section] = np.negative(artefact.shift_nm)
        # Grains of about 400 and 150 nm: with 46 nm at most the warp hardly ever folds.
        self.warp = SmoothNoise(
            settings.seed, "warp", period=80, spacing=40.0, blur=(3.9, 1.5), components=3
        )

    def lattice(self, box: Box) -> tuple[Doubles, Doubles, Doubles]:
        """Return heights (n,), rows (n, h) and columns (n, w) in nm of the sections of `box`."""
        z, y, x = (
            (np.arange(a, b) + 0.5) * size
            for a, b, size in zip(box.start, box.stop, self.voxel_size, strict=True)
        )
        shift = self.section_shift(np.arange(box.start[0], box.stop[0]))
        return z, y[None, :] + shift[:, :1], x[None, :] + shift[:, 1:]

    def section_shift(self, sections: Ints) -> Doubles:
        """Return the shift (y, x) in nm of `sections`, shape (n, 2); 0 outside the volume."""
        inside = (sections >= 0) & (sections < self.shape[0])
        return np.where(inside[:, None], self.shift[np.where(inside, sections, 0)], 0.0)

    def positions(self, voxels: Ints) -> Doubles:
        """Return the places in nm where `voxels` (n, 3) look, before the warp."""
        points: Doubles = (voxels + 0.5) * self.voxel_size
        points[:, 1:] = points[:, 1:] + self.section_shift(voxels[:, 0])
        return points

    def warped_lattice(
        self, lattice: tuple[Doubles, Doubles, Doubles]
    ) -> tuple[Floats, Floats, Floats]:
        """Return coordinates z, y, x in the phantom's own space, each of shape (n, h, w)."""
        z, y, x = lattice
        dz, dy, dx = (WARP * self.warp.on_lattice(z, y, x, axis) for axis in range(3))
        return (
            (z[:, None, None] + dz).astype(np.float32),
            (y[:, :, None] + dy).astype(np.float32),
            (x[:, None, :] + dx).astype(np.float32),
        )

    def warped(self, points: Doubles) -> Floats:
        """Return where `points` (n, 3) in nm lie in the phantom's own space."""
        moved = [points[:, axis] + WARP * self.warp.at(points, axis) for axis in range(3)]
        return np.stack(moved, axis=1).astype(np.float32)

    def unwarped(self, points: Doubles) -> Doubles:
        """Return the places whose warp is `points`, to a few nm, by fixed-point iteration."""
        guess = points
        for _ in range(4):
            moved = [WARP * self.warp.at(guess, axis) for axis in range(3)]
            guess = points - np.stack(moved, axis=1).astype(np.float64)
        return guess

    def voxels(self, points: Doubles) -> Ints:
        """Return the voxels (n, 3) that look nearest to `points` in the phantom's own space.

        They need not be inside the volume.
        """
        places = self.unwarped(np.asarray(points, dtype=np.float64))
        section = np.floor(places[:, 0] / self.voxel_size[0]).astype(np.int64)
        places[:, 1:] -= self.section_shift(section)
        voxels: Ints = np.floor(places / self.voxel_size).astype(np.int64)
        return voxels

    def inside(self, voxels: Ints, margin: int = 0) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Tell which voxels (n, 3) are in the volume, `margin` voxels from its faces."""
        answer: np.ndarray[tuple[int], np.dtype[np.bool_]] = np.all(
            (voxels >= margin) & (voxels < np.asarray(self.shape) - margin), axis=1
        )
        return answer
