"""The image: what an electron microscope would show of the labels.

Grey levels are those of a section stained with heavy metals: light cytoplasm with fine grain,
dark membranes, grey mitochondria with cristae, rings of vesicles in boutons, dots or lines of
microtubules, dense synapses where a bouton meets a dendrite.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from napari_axonem.volumes.phantom.anatomy import Anatomy
from napari_axonem.volumes.phantom.arrays import Array, Bools, Doubles, Floats, Ints
from napari_axonem.volumes.phantom.chains import Kind
from napari_axonem.volumes.phantom.fields import Labels
from napari_axonem.volumes.phantom.hashing import uniform
from napari_axonem.volumes.phantom.nearest import candidates_of, nearest_in_box
from napari_axonem.volumes.phantom.noise import SmoothNoise
from napari_axonem.volumes.phantom.organelles import Dots, mitochondria
from napari_axonem.volumes.phantom.settings import PhantomSettings

MEMBRANE = 10.0
"""Depth in nm at which a membrane's darkness has fallen to 1/e: about 17 nm wide in all."""

DARK = 52.0
"""Grey level of a membrane."""

MITOCHONDRION_LIMIT = 20.0
"""Scores of mitochondria from here on do not show, in nm."""


class Painter:
    """Paints the content of a phantom without the noise of its sections."""

    def __init__(self, settings: PhantomSettings, anatomy: Anatomy) -> None:
        seed = settings.seed
        self.voxel_size = np.asarray(settings.voxel_size)
        self.tubes = anatomy.tubes
        mito = mitochondria(anatomy.chains, anatomy.truth_of_chain, seed)
        self.mitochondria = candidates_of(mito, np.arange(len(mito)), MITOCHONDRION_LIMIT)
        self.grain = SmoothNoise(seed, "grain", period=96, spacing=9.0, blur=(1.3, 0.6))
        self.patches = SmoothNoise(
            seed, "patches", period=48, spacing=40.0, blur=(2.5,), components=2
        )
        self.vesicles = Dots(seed, "vesicles", 3, 64.0, 0.55)
        self.ribosomes = Dots(seed, "ribosomes", 3, 62.0, 0.09)
        self.microtubules = Dots(seed, "microtubules", 2, 56.0, 0.35)
        self._tables(settings, anatomy)

    def _tables(self, settings: PhantomSettings, anatomy: Anatomy) -> None:
        """Say of each tube how its inside looks."""
        chains, seed = anatomy.chains, settings.seed
        chain = chains.chain_of_point[self.tubes.point]
        kind = chains.kind[chain]
        truth = self.tubes.owner
        thickness = np.array([np.median(chains.radii[a:b]) for a, b in _pairs(chains.start)])
        swollen = self.tubes.radius + self.tubes.taper * self.tubes.length / 2
        wide = (swollen > 1.22 * thickness[chain]) & (swollen > 85.0)
        self.bouton: Bools = (kind == Kind.AXON) & wide
        self.postsynaptic: Bools = kind == Kind.DENDRITE
        base = np.array([176.0, 188.0, 196.0])[kind] + 24.0 * (uniform(seed, 1, truth) - 0.5)
        dark = (uniform(seed, 2, truth) < 0.07) & (kind != Kind.DENDRITE)
        self.brightness: Floats = np.where(dark, base - 42.0, base).astype(np.float32)
        self.grainy: Floats = np.array([17.0, 15.0, 10.0], dtype=np.float32)[kind]
        self.has_microtubules: Bools = kind != Kind.GLIA
        self.has_ribosomes: Bools = kind == Kind.DENDRITE
        # Two axes across each tube, alike along a chain, in which microtubules keep their place.
        reference = uniform(seed, 3, chain[:, None], np.arange(3)) - 0.5
        across = np.cross(self.tubes.direction, reference)
        across /= np.maximum(np.linalg.norm(across, axis=1), 1e-6)[:, None]
        self.first: Floats = across.astype(np.float32)
        self.second: Floats = np.cross(self.tubes.direction, across).astype(np.float32)
        self.offset: Floats = (1600.0 * uniform(seed, 4, chain)).astype(np.float32)

    def paint(
        self,
        labels: Labels,
        lattice: tuple[Doubles, Doubles, Doubles],
        places: tuple[Floats, Floats, Floats],
    ) -> Floats:
        """Return grey levels of a box, of which labels and places have one more section below.

        Parameters
        ----------
        labels, places
            Of n + 1 sections, the first of which is not painted.
        lattice
            Of the n sections to paint.

        Returns
        -------
        Shape (n, h, w), about 30 to 220, not clipped.
        """
        darkness = self._membranes(labels)
        labels = Labels(*(getattr(labels, name)[1:] for name in Labels.__slots__))
        places = (places[0][1:], places[1][1:], places[2][1:])
        grain = self.grain.on_lattice(*lattice)
        patches = self.patches.on_lattice(*lattice)
        tube = labels.tube
        image = self.brightness[tube] + self.grainy[tube] * grain
        image += np.float32(9.0) * patches
        self._add_microtubules(image, labels, places)
        self._add_dots(image, labels, places, patches)
        self._add_mitochondria(image, labels, places, grain, patches)
        self._thicken(darkness, labels, self.patches.on_lattice(*lattice, component=1))
        image += darkness * (np.float32(DARK) + np.float32(14.0) * grain - image)
        return image

    def _membranes(self, labels: Labels) -> Floats:
        """Return how dark membranes are, 0..1, averaged over the thickness of the sections.

        The profile across a membrane is a Gaussian of depth. A section shows its mean over its
        thickness, which smears membranes that lie obliquely, as in tissue.
        """
        thickness = self.voxel_size[0]
        depth, below = labels.depth[1:], labels.depth[:-1]
        # Across a border, depth counts negative on the other side.
        same = labels.truth[1:] == labels.truth[:-1]
        slope = np.where(same, np.abs(depth - below), depth + below) / np.float32(thickness)
        reach = np.clip(slope, 0.05, 1.0) * np.float32(0.45 * thickness / MEMBRANE)
        scaled = depth * np.float32(1 / MEMBRANE)
        near = scaled < reach + 3
        darkness = np.zeros(depth.shape, dtype=np.float32)
        a, b = scaled[near], reach[near]
        mean = (special.erf(a + b) - special.erf(a - b)) / b
        darkness[near] = mean * np.float32(np.sqrt(np.pi) / 4)
        return darkness

    def _thicken(self, darkness: Floats, labels: Labels, patches: Floats) -> None:
        """Darken the membranes of synapses: where a bouton and a dendrite face each other."""
        close = np.flatnonzero((labels.depth < 45.0) & (labels.beyond >= 0))
        tube, beyond = labels.tube.flat[close], labels.beyond.flat[close]
        sends = self.bouton[tube] & self.postsynaptic[beyond]
        receives = self.postsynaptic[tube] & self.bouton[beyond]
        chosen = sends | receives
        close, receives = close[chosen], receives[chosen]
        depth = labels.depth.flat[close]
        width = np.where(receives, np.float32(30.0), np.float32(14.0))
        strength = np.clip(2.5 * patches.flat[close] + 0.6, 0.0, 1.0)
        dense = strength * np.exp(-np.square(depth / width))
        darkness.flat[close] = np.maximum(darkness.flat[close], dense)

    def _add_microtubules(
        self, image: Floats, labels: Labels, places: tuple[Floats, Floats, Floats]
    ) -> None:
        where = np.flatnonzero((labels.depth > 22.0) & self.has_microtubules[labels.tube])
        tube, along = labels.tube.flat[where], labels.along.flat[where]
        away = [
            coordinate.flat[where] - self.tubes.start[tube, axis]
            for axis, coordinate in enumerate(places)
        ]
        # A point before the tube's start is measured from there: along is 0.
        for axis in range(3):
            away[axis] -= along * self.tubes.direction[tube, axis]
        across = tuple(
            sum(away[axis] * frame[tube, axis] for axis in range(3)) + self.offset[tube]
            for frame in (self.first, self.second)
        )
        distance = self.microtubules.distance(across)
        image.flat[where] -= np.float32(52.0) * np.exp(-np.square(distance / np.float32(8.0)))

    def _add_dots(
        self,
        image: Floats,
        labels: Labels,
        places: tuple[Floats, Floats, Floats],
        patches: Floats,
    ) -> None:
        """Add vesicles to boutons and ribosomes to dendrites."""
        blind = 0.4 * float(self.voxel_size[0])
        inside = labels.depth > 24.0
        where = np.flatnonzero(inside & self.bouton[labels.tube] & (patches > -0.35))
        local = tuple(coordinate.flat[where] for coordinate in places)
        ring = (self.vesicles.distance((local[0], local[1], local[2]), blind) - 15.0) / 7.0
        image.flat[where] -= np.float32(70.0) * np.exp(-np.square(ring))
        where = np.flatnonzero(inside & self.has_ribosomes[labels.tube])
        local = tuple(coordinate.flat[where] for coordinate in places)
        dot = self.ribosomes.distance((local[0], local[1], local[2]), blind) / 10.0
        image.flat[where] -= np.float32(75.0) * np.exp(-np.square(dot))

    def _add_mitochondria(
        self,
        image: Floats,
        labels: Labels,
        places: tuple[Floats, Floats, Floats],
        grain: Floats,
        patches: Floats,
    ) -> None:
        nearest = nearest_in_box(self.mitochondria, places, self.voxel_size)
        mito = self.mitochondria.tubes
        where = np.flatnonzero(nearest.tube >= 0)
        tube = nearest.tube.flat[where]
        where = where[mito.owner[tube] == labels.truth.flat[where]]
        tube, along = nearest.tube.flat[where], nearest.along.flat[where]
        # A squeezed neurite squeezes its mitochondrion: it stays clear of the membrane.
        inward = np.minimum(-nearest.score.flat[where], labels.depth.flat[where] - 18.0)
        fold = along + np.float32(55.0) * patches.flat[where] + 0.3 * inward
        cristae = np.square(np.sin(fold * np.float32(np.pi / 42.0)))
        matrix = 112.0 - 26.0 * cristae * (inward > 12.0) + 16.0 * grain.flat[where]
        cover = np.clip(inward / 6.0 + 0.5, 0.0, 1.0)
        wall = np.exp(-np.square(inward / 8.0))
        grey = image.flat[where]
        grey += cover * (matrix - grey)
        grey += 0.8 * wall * (np.float32(DARK) - grey)
        image.flat[where] = grey


def _pairs(start: Ints) -> Array:
    return np.stack([start[:-1], start[1:]], axis=1)
