"""Synthetic EM volumes of axons, with truth and an imperfect segmentation.

Modules, each standing on those before: `settings`, `arrays`, `hashing` (random numbers by name),
`neighbours` (balls that touch), `chains` (centrelines), `relaxation` (packing), `neurites`
(layout), `noise`, `sampling` (voxel to place: artefacts and warp), `tubes` and `nearest` (the
nearest centreline), `pieces` (fragments along a neurite), `fields` (labels of a box), `anatomy`
(only what has voxels), `contacts`, `planting` (errors), `affinities`, `organelles`, `texture`
and `sections` (the image), `phantom`, `writing`.
"""

from napari_axonem.volumes.phantom.phantom import Phantom, PhantomBlock
from napari_axonem.volumes.phantom.planting import PlantedMistake
from napari_axonem.volumes.phantom.sampling import Artefact
from napari_axonem.volumes.phantom.settings import PhantomSettings
from napari_axonem.volumes.phantom.writing import write_phantom

__all__ = [
    "Artefact",
    "Phantom",
    "PhantomBlock",
    "PhantomSettings",
    "PlantedMistake",
    "write_phantom",
]
