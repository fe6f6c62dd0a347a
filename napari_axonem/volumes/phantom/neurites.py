"""Where the neurites run: bundles of axons in layers, strays, dendrites, branches, spines.

Layers of one direction each are stacked like a woven cloth, so that bundles cross and touch and
yet each can be packed densely in its own section. Strays, branches and spines then push their
way in (`relaxation`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_axonem.volumes.phantom.arrays import Doubles
from napari_axonem.volumes.phantom.chains import SPACING, Chains, Kind, join
from napari_axonem.volumes.phantom.hashing import generator
from napari_axonem.volumes.phantom.relaxation import pack_discs, relax
from napari_axonem.volumes.phantom.settings import PhantomSettings

SURROUND = 450.0
"""Neurites are laid out that far beyond the volume in nm, so that its faces look like the rest."""

SMALLEST_RADIUS = 50.0
LARGEST_RADIUS = 500.0
BOUTON_LENGTH = 170.0
"""Standard deviation in nm of the swelling of a bouton along its axon."""

RELAXATION_STEPS = 40
THIN_AT = 0.2
"""No radius is above this share of the volume's shortest edge: small volumes have thin neurites."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """A direction and two axes across it, unit vectors (z, y, x)."""

    along: Doubles
    up: Doubles
    across: Doubles


class _Grower:
    """Collects the chains of a phantom, in nm, before they are relaxed."""

    def __init__(self, settings: PhantomSettings) -> None:
        self.settings = settings
        self.rng = generator(settings.seed, "neurites")
        self.extent = np.multiply(settings.shape, settings.voxel_size)
        self.centre = self.extent / 2
        self.half = float(np.linalg.norm(self.extent)) / 2 + SURROUND
        self.largest = float(np.clip(THIN_AT * self.extent.min(), 60.0, LARGEST_RADIUS))
        self.points: list[Doubles] = []
        self.radii: list[Doubles] = []
        self.kind: list[int] = []
        self.parent: list[int] = []

    def add(self, points: Doubles, radii: Doubles, kind: Kind, parent: int = -1) -> None:
        self.points.append(points)
        self.radii.append(radii)
        self.kind.append(int(kind))
        self.parent.append(parent)

    def chains(self) -> Chains:
        return join(self.points, self.radii, self.kind, self.parent)

    def axon_radii(self, count: int) -> Doubles:
        settings = self.settings
        radii = self.rng.lognormal(
            np.log(settings.axon_diameter / 2), settings.diameter_spread, count
        )
        return np.clip(radii, SMALLEST_RADIUS + 6.0, self.largest)

    # Trunks -----------------------------------------------------------------------------

    def layers(self) -> None:
        """Add the trunks of all layers and the strays between them."""
        rng, thickness = self.rng, self.settings.bundle_thickness
        tilt = rng.normal(0.0, 0.15, 3)
        up = _unit(np.array([0.0, 1.0, 0.0]) + tilt)
        count = int(np.ceil(2 * self.half / thickness))
        angle = rng.uniform(0, np.pi)
        lowest = -self.half + (2 * self.half - count * thickness) / 2
        for layer in range(count):
            # About 68 degrees between layers: no two of three neighbours are parallel.
            angle += np.deg2rad(68.0) + rng.normal(0.0, 0.12)
            base = _unit(np.cross(up, [0.0, 0.0, 1.0]))
            along = np.cos(angle) * base + np.sin(angle) * np.cross(up, base)
            frame = _Frame(along, up, np.cross(along, up))
            self.bundle(frame, lowest + (layer + 0.5) * thickness, thickness)
        self.strays()

    def bundle(self, frame: _Frame, height: float, thickness: float) -> None:
        """Add parallel trunks that fill a layer around `height` above the volume's centre."""
        settings, width = self.settings, 2 * self.half
        area = width * thickness * settings.fill
        kinds: list[Kind] = []
        radii: list[float] = []
        for kind, share in (
            (Kind.DENDRITE, settings.dendrite_fraction),
            (Kind.GLIA, settings.glia_fraction),
            (Kind.AXON, 1 - settings.dendrite_fraction - settings.glia_fraction),
        ):
            left = share * (1 - settings.stray_fraction) * area
            while left > 0:
                radius = self.trunk_radius(kind)
                if np.pi * radius**2 > 2 * left:  # a rare large one must not fill a thin layer
                    break
                radii.append(radius)
                kinds.append(kind)
                left -= np.pi * radius**2
        centres = pack_discs(np.asarray(radii), (thickness, width), self.rng)
        phases = self.rng.uniform(0, 2 * np.pi, (2, 3))
        for (v, w), radius, kind in zip(centres, radii, kinds, strict=True):
            self.trunk(frame, height + v, w, radius, kind, phases)

    def trunk_radius(self, kind: Kind) -> float:
        if kind is Kind.AXON:
            return float(self.axon_radii(1)[0])
        if kind is Kind.DENDRITE:
            return float(self.largest * self.rng.uniform(0.75, 1.0))
        return float(np.clip(self.rng.lognormal(np.log(130.0), 0.25), 90.0, max(self.largest, 90)))

    def trunk(
        self,
        frame: _Frame,
        v: float,
        w: float,
        radius: float,
        kind: Kind,
        phases: Doubles | None,
    ) -> None:
        """Add one neurite that crosses the volume at (v, w) of the section of its bundle."""
        s = np.arange(-self.half, self.half + SPACING, SPACING)
        wander = self.wander(s, self.settings.tortuosity)
        if phases is not None:  # the bundle bends as a whole: its packing survives
            wander += _waves(s, np.array([2400.0, 4100.0, 9000.0]), 0.03, phases)
        points = (
            self.centre
            + s[:, None] * frame.along
            + (v + wander[0])[:, None] * frame.up
            + (w + wander[1])[:, None] * frame.across
        )
        for run in _runs(self.near_volume(points)):
            if run.stop - run.start >= 3:
                self.add(points[run], self.profile(s[run], radius, kind), kind)

    def strays(self) -> None:
        """Add axons in any direction."""
        rng, settings = self.rng, self.settings
        box = self.extent + 2 * SURROUND
        mean_area = np.pi * (settings.axon_diameter / 2) ** 2 * np.exp(settings.diameter_spread**2)
        length = float(np.mean(box))
        volume = float(np.prod(box)) * settings.fill * settings.stray_fraction
        for radius in self.axon_radii(round(volume / (mean_area * length))):
            along = _unit(rng.normal(0, 1, 3))
            up = _unit(np.cross(along, _unit(rng.normal(0, 1, 3))))
            frame = _Frame(along, up, np.cross(along, up))
            through = rng.uniform(-0.5, 0.5, 3) * box
            v, w = float(through @ frame.up), float(through @ frame.across)
            self.trunk(frame, v, w, float(radius), Kind.AXON, None)

    def wander(self, s: Doubles, strength: float) -> Doubles:
        """Return a smooth random walk sideways, shape (2, n), for positions `s` along."""
        periods = self.rng.uniform([700.0, 1500.0, 3000.0], [1300.0, 2800.0, 6000.0])
        return _waves(s, periods, strength, self.rng.uniform(0, 2 * np.pi, (2, 3)))

    def near_volume(self, points: Doubles) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Tell which points lie in the volume or its surround."""
        inside: np.ndarray[tuple[int], np.dtype[np.bool_]] = np.all(
            (points > -SURROUND) & (points < self.extent + SURROUND), axis=1
        )
        return inside

    def profile(self, s: Doubles, radius: float, kind: Kind) -> Doubles:
        """Return the radius along a neurite: it varies by a tenth, and axons have boutons."""
        rng, settings = self.rng, self.settings
        period = rng.uniform(900.0, 2500.0)
        radii = radius * (1 + 0.12 * np.sin(2 * np.pi * s / period + rng.uniform(0, 6.3)))
        if kind is Kind.AXON:
            at = s[0] + rng.exponential(settings.bouton_spacing)
            while at < s[-1]:
                swelling = rng.uniform(0.4, 0.9) * radius + rng.uniform(20.0, 60.0)
                swelling = max(0.0, min(swelling, self.largest - radius))
                radii += swelling * np.exp(-(((s - at) / BOUTON_LENGTH) ** 2) / 2)
                at += 700.0 + rng.exponential(max(settings.bouton_spacing - 700.0, 100.0))
        return np.clip(radii, SMALLEST_RADIUS, LARGEST_RADIUS)

    # Branches ---------------------------------------------------------------------------

    def side_branches(self) -> None:
        """Add branches to axons and spines to dendrites."""
        trunks = self.chains()
        chain_of_point = trunks.chain_of_point
        for kind, spacing in (
            (Kind.AXON, self.settings.branch_spacing),
            (Kind.DENDRITE, self.settings.spine_spacing),
        ):
            candidates = np.flatnonzero(trunks.kind[chain_of_point] == kind)
            chosen = candidates[self.rng.random(len(candidates)) < SPACING / spacing]
            for point in chosen:
                chain = chain_of_point[point]
                first, last = trunks.start[chain], trunks.start[chain + 1] - 1
                if first < point < last:
                    tangent = _unit(trunks.points[point + 1] - trunks.points[point - 1])
                    self.side(int(point), trunks.points[point], tangent, trunks.radii[point], kind)

    def side(
        self, point: int, origin: Doubles, tangent: Doubles, radius: float, kind: Kind
    ) -> None:
        """Add one branch of an axon, or one spine, that starts at `origin`."""
        rng = self.rng
        sideways = _unit(np.cross(tangent, _unit(rng.normal(0, 1, 3))))
        if kind is Kind.AXON:
            along = _unit(tangent + rng.uniform(0.7, 1.6) * sideways)
            s = np.arange(0, rng.uniform(1500.0, 5000.0), SPACING)
            radii = self.profile(s, max(0.8 * radius, SMALLEST_RADIUS), kind)
        else:
            along = _unit(rng.uniform(-0.4, 0.4) * tangent + sideways)
            s = np.arange(0, radius + rng.uniform(350.0, 700.0), 0.6 * SPACING)
            head = min(rng.uniform(95.0, 170.0), 0.9 * self.largest)
            radii = np.full(len(s), SMALLEST_RADIUS)
            radii = radii + (head - SMALLEST_RADIUS) * np.exp(-(((s[-1] - s) / 140.0) ** 2))
        second = np.cross(along, sideways)
        up = _unit(second) if np.linalg.norm(second) > 1e-6 else _unit(np.cross(along, tangent))
        frame = _Frame(along, up, np.cross(along, up))
        wander = self.wander(s, self.settings.tortuosity)
        wander -= wander[:, :1]
        points = (
            origin
            + s[:, None] * frame.along
            + wander[0][:, None] * frame.up
            + wander[1][:, None] * frame.across
        )
        inside = self.near_volume(points)
        stop = len(s) if inside.all() else int(np.argmin(inside))
        if stop >= 4:
            self.add(points[:stop], radii[:stop], kind, point)


def grow(settings: PhantomSettings) -> Chains:
    """Return the centrelines of all neurites and glia, packed, some way beyond the volume.

    Positions are in the phantom's own space, before its warp (`sampling.Warp`).
    """
    grower = _Grower(settings)
    grower.layers()
    grower.side_branches()
    return relax(grower.chains(), RELAXATION_STEPS)


def _unit(vector: Doubles) -> Doubles:
    return vector / np.linalg.norm(vector)


def _waves(s: Doubles, periods: Doubles, strength: float, phases: Doubles) -> Doubles:
    """Return sums of sines, shape (2, n): of each period, with `strength` times its amplitude."""
    angle = 2 * np.pi * s[None, None, :] / periods[None, :, None] + phases[:, :, None]
    waves: Doubles = (strength * periods[None, :, None] * np.sin(angle)).sum(axis=1) / 2
    return waves


def _runs(keep: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[slice]:
    """Return the runs of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], keep.astype(np.int8), [0]])))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
