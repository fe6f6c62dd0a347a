"""A phantom: all its voxels as functions of place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Box, Grid, Zyx, blocks
from napari_axonem.volumes.phantom.affinities import affinities, partners
from napari_axonem.volumes.phantom.anatomy import build
from napari_axonem.volumes.phantom.arrays import Floats, Ids
from napari_axonem.volumes.phantom.fields import Labels
from napari_axonem.volumes.phantom.noise import SmoothNoise
from napari_axonem.volumes.phantom.planting import PlantedMistake, plant
from napari_axonem.volumes.phantom.sampling import Artefact, Sampling, draw_artefacts
from napari_axonem.volumes.phantom.sections import Sections
from napari_axonem.volumes.phantom.settings import PhantomSettings
from napari_axonem.volumes.phantom.texture import Painter

VOXELS_AT_ONCE = 1 << 20
"""Voxels that are rendered together: bounds the memory beyond the result to about 200 MB."""


@dataclass(frozen=True, slots=True)
class PhantomBlock:
    """The voxels of a box of a phantom, axes (z, y, x)."""

    image: npt.NDArray[np.uint8]
    truth: Ids
    fragments: Ids

    affinities: Floats
    """Shape (3, z, y, x), 0..1: affinity c of a voxel is to its neighbour one lower along
    axis c; at the volume's lower faces to what would be there."""


class Phantom:
    """A synthetic EM volume of axons, with truth and an imperfect segmentation.

    Equal settings give equal voxels, whatever boxes they are rendered in. Fragment ids are
    1..n, truth ids 1..m, and each has at least one voxel in the volume. Fragments nest in the
    truth, except those of planted mistakes of the kind ``merged_fragment``, and where
    `PhantomSettings.boundary_noise` makes them leak.

    Making one takes memory in proportion to the length of its neurites, about 300 bytes for each
    110 nm: some 1.5 GB for 12 billion voxels of 40×8×8 nm. It takes about half as long as
    rendering them.

    Raises
    ------
    SettingsError
        The volume is too small to hold a neurite.
    """

    def __init__(self, settings: PhantomSettings | None = None) -> None:
        self.settings = settings = settings or PhantomSettings()
        self.grid = Grid(settings.voxel_size)
        self.artefacts: tuple[Artefact, ...] = draw_artefacts(settings)
        self._sampling = Sampling(settings, self.artefacts)
        anatomy = build(settings, self._sampling)
        planting = plant(anatomy, settings, self.grid)
        self._field = anatomy.field.with_fragments(planting.fragment_of_piece)
        self._painter = Painter(settings, anatomy)
        self._sections = Sections(settings, self.artefacts)
        self._partner = partners(planting)
        self._doubt = SmoothNoise(settings.seed, "doubt", period=64, spacing=16.0, blur=(1.6,))
        self.planted: tuple[PlantedMistake, ...] = planting.mistakes
        self.segment_of_fragment: Ids = planting.segment_of_fragment
        """The imperfect segmentation: the segment of each fragment id, from 0."""
        self.truth_of_fragment: Ids = planting.truth_of_fragment
        """The truth of each fragment id, from 0; of a fused one, that of its longer part."""
        self.n_truth = int(anatomy.truth_of_chain.max())

    @property
    def shape(self) -> Zyx:
        """Extent (z, y, x) in voxels."""
        return self.settings.shape

    @property
    def n_fragments(self) -> int:
        """Number of fragments."""
        return len(self.segment_of_fragment) - 1

    def render(self, box: Box) -> PhantomBlock:
        """Return the voxels of `box`.

        Raises
        ------
        VolumeError
            The box is not inside of the volume.
        """
        if box != box.intersect(Box.of_shape(self.shape)):
            raise VolumeError(
                f"box {box.start}..{box.stop} is not inside the shape {self.shape}",
                where="phantom",
            )
        whole = PhantomBlock(
            image=np.empty(box.shape, dtype=np.uint8),
            truth=np.empty(box.shape, dtype=np.uint32),
            fragments=np.empty(box.shape, dtype=np.uint32),
            affinities=np.empty((3, *box.shape), dtype=np.float32),
        )
        for part in blocks(box.relative_to(box.start), _part_shape(box.shape)):
            block = self._render(part.shift(box.start))
            whole.image[part.slices] = block.image
            whole.truth[part.slices] = block.truth
            whole.fragments[part.slices] = block.fragments
            whole.affinities[(slice(None), *part.slices)] = block.affinities
        return whole

    def _render(self, box: Box) -> PhantomBlock:
        larger = Box((box.start[0] - 1, box.start[1] - 1, box.start[2] - 1), box.stop)
        lattice = self._sampling.lattice(larger)
        places = self._sampling.warped_lattice(lattice)
        labels = self._field.in_box(lattice, places)
        lattice = self._sampling.lattice(box)
        sections = range(larger.start[0], larger.stop[0])
        missing = np.array([z in self._sections.missing for z in sections])
        noise = self._doubt.on_lattice(*lattice)
        low, inner = (slice(None), slice(1, None), slice(1, None)), (slice(1, None),) * 3
        image = self._painter.paint(
            Labels(*(getattr(labels, name)[low] for name in Labels.__slots__)),
            lattice,
            (places[0][low], places[1][low], places[2][low]),
        )
        for nth, section in enumerate(sections[1:]):
            if section in self._sections.blurred:
                image[nth] = self._out_of_focus(section, box)
        return PhantomBlock(
            image=self._sections.record(image, box),
            truth=labels.truth[inner],
            fragments=labels.fragment[inner],
            affinities=affinities(labels, noise, self._partner, missing),
        )

    def _out_of_focus(self, section: int, box: Box) -> Floats:
        """Return a section (h, w) of `box` out of focus, painted with what lies around."""
        around = Box((section, *box.start[1:]), (section + 1, *box.stop[1:])).grow(
            (0, self._sections.halo, self._sections.halo)
        )
        below = Box((section - 1, *around.start[1:]), around.stop)
        both = self._sampling.lattice(below)
        places = self._sampling.warped_lattice(both)
        labels = self._field.in_box(both, places)
        image = self._painter.paint(labels, self._sampling.lattice(around), places)
        return self._sections.focus(image[0])


def _part_shape(shape: Zyx) -> Zyx:
    """Return the shape of the parts in which a box of `shape` is rendered."""
    z = min(shape[0], 32)
    side = max(64, int(np.sqrt(VOXELS_AT_ONCE / max(1, z))))
    return z, min(max(1, shape[1]), side), min(max(1, shape[2]), side)
