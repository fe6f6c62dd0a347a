"""What a user calls a training volume, opened as sources.

A place is one of

- a file or store that holds image and truth, such as ``training2.h5``; names decide which is which,
- ``IMAGE+LABELS``, two locations, where there is no file of that whole name,
- a folder of blocks of the AxonEM release, or one block's file,
- a training crop that `export` wrote: a store with image, labels and a mask of what was checked,
- ``phantom:SEED``, a synthetic volume, made when it is opened,

and may end in a part, ``[z0:z1,y0:y1,x0:x1]``, trailing axes and bounds left out at will. What lies
outside of a part is never read, not even as context.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from napari_axonem.errors import SettingsError, VolumeError
from napari_axonem.geometry import Box, Nm, Zyx, zyx
from napari_axonem.training.settings import TrainSettings
from napari_axonem.training.sources import TrainingSource, make_source
from napari_axonem.volumes import Volume, list_volumes, open_volume
from napari_axonem.volumes.axonem import AxonemBlock, blocks_at
from napari_axonem.volumes.cropping import cropped
from napari_axonem.volumes.phantom import Phantom, PhantomSettings

PART = re.compile(r"^(?P<place>.+?)\[(?P<part>[\d:,\s]*)\]$")
BOUNDS = re.compile(r"^(?P<low>\d*):(?P<high>\d*)$")
PHANTOM = "phantom:"

IMAGES = ("image", "raw", "im", "em")
TRUTHS = ("truth", "gt", "groundtruth", "neuron_ids", "labels", "corrected", "main")
CHECKED = ("checked", "mask", "reviewed")


def open_sources(
    place: str, voxel_size: Nm | None = None, *, zero_is_background: bool = True
) -> tuple[TrainingSource, ...]:
    """Open what `place` names.

    Parameters
    ----------
    voxel_size
        Takes precedence over what files say.
    zero_is_background
        Whether label 0 is known to be no object.

    Raises
    ------
    VolumeError
        There is nothing like that, or it lacks an image or labels.
    MismatchError
        Image and labels do not lie on one lattice.
    """
    found = PART.match(place)
    bare, part = (found["place"], found["part"]) if found else (place, "")
    return tuple(
        _part(source, part, place) if part else source
        for source in _open(bare, voxel_size, zero_is_background)
    )


def open_all(settings: TrainSettings) -> tuple[list[TrainingSource], list[TrainingSource]]:
    """Return what is learned from, and what is validated on.

    Raises
    ------
    SettingsError
        There is nothing to learn from, or voxel sizes differ.
    VolumeError
        A volume cannot be opened.
    """
    if not settings.volumes:
        raise SettingsError(
            "nothing to learn from",
            where="--volumes",
            remedy="name volumes with image and truth, or try --preset phantom",
        )
    sources = [s for place in settings.volumes for s in _all_of(place, settings)]
    validated = [s for place in settings.validation for s in _all_of(place, settings)]
    _same_voxels([*sources, *validated])
    return sources, validated


def _open(bare: str, voxel_size: Nm | None, zero: bool) -> tuple[TrainingSource, ...]:
    if bare.startswith(PHANTOM):
        return (_phantom(bare),)
    if "+" in bare and not Path(bare).exists():
        image, labels = bare.split("+", 1)
        return (_pair(image, labels, "", voxel_size, zero),)
    blocks = blocks_at(bare) if "://" not in bare else ()
    if blocks:
        labelled = tuple(_block(b, zero) for b in blocks if b.labels is not None)
        if labelled:
            return labelled
    image, labels, checked = _roles(bare)
    return (_pair(image, labels, checked, voxel_size, zero),)


def _all_of(place: str, settings: TrainSettings) -> tuple[TrainingSource, ...]:
    return open_sources(
        place, settings.voxel_size, zero_is_background=settings.zero == "background"
    )


def _same_voxels(sources: Sequence[TrainingSource]) -> None:
    first = sources[0]
    for source in sources[1:]:
        if not np.allclose(source.voxel_size, first.voxel_size, rtol=0.2):
            raise SettingsError(
                f"voxels of {source.voxel_size} nm, and of {first.voxel_size} nm in {first.name}",
                where=source.name,
                remedy="train on volumes of one voxel size; resample the others with convert",
            )


def _pair(
    image: str, labels: str, checked: str, voxel_size: Nm | None, zero: bool
) -> TrainingSource:
    opened = open_volume(image, voxel_size=voxel_size)
    truth = open_volume(labels, voxel_size=voxel_size)
    mask = open_volume(checked, voxel_size=voxel_size) if checked else None
    return make_source(opened, truth, checked=mask, zero_is_background=zero)


def _block(block: AxonemBlock, zero: bool) -> TrainingSource:
    assert block.labels is not None, "asked for only with labels"
    return make_source(block.image, block.labels, zero_is_background=zero)


def _phantom(place: str) -> TrainingSource:
    word = place.removeprefix(PHANTOM)
    if not word.isdecimal():
        raise VolumeError(
            f"{word!r} is no seed", where=place, remedy="write phantom:SEED, such as phantom:7"
        )
    phantom = Phantom(PhantomSettings(seed=int(word)))
    block = phantom.render(Box.of_shape(phantom.shape))

    def volume(voxels: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Volume:
        return Volume((voxels,), ((1, 1, 1),), phantom.grid, place, "phantom")

    return make_source(volume(block.image), volume(block.truth))


def _roles(place: str) -> tuple[str, str, str]:
    """Return the locations of image, labels and, where there are some, checked voxels."""
    names = list_volumes(place)
    image, labels = _named(names, IMAGES), _named(names, TRUTHS)
    if image is None or labels is None:
        what = "image" if image is None else "labels of the truth"
        raise VolumeError(
            f"no {what} among {', '.join(names[:9]) or 'its arrays'}",
            where=place,
            remedy="name both, as IMAGE+LABELS",
        )
    checked = _named(names, CHECKED)
    return _inside(place, image), _inside(place, labels), _inside(place, checked) if checked else ""


def _named(names: Iterable[str], telling: Iterable[str]) -> str | None:
    """Return the array whose last name is the most telling one."""
    words = {name: name.rstrip("/").rsplit("/", 1)[-1].lower() for name in names if name}
    for word in telling:
        hits = [name for name, last in words.items() if last == word]
        if hits:
            return min(hits, key=len)
    return None


def _inside(place: str, name: str) -> str:
    is_folder = "://" in place or Path(place).is_dir()
    return f"{place.rstrip('/')}/{name}" if is_folder else f"{place}:{name}"


def _part(source: TrainingSource, part: str, place: str) -> TrainingSource:
    """Return a source of a part alone; the rest of the image is out of reach."""
    box = _box(part, source.labels.shape)
    if box is None:
        raise VolumeError(
            f"the part [{part}] is not inside the shape {source.labels.shape}",
            where=place,
            remedy="write it as [z0:z1,y0:y1,x0:x1]",
        )
    return dataclasses.replace(
        source,
        image=cropped(source.image, box.shift(source.move)),
        labels=cropped(source.labels, box),
        checked=None if source.checked is None else cropped(source.checked, box),
        region=Box.of_shape(box.shape),
        move=(0, 0, 0),
    )


def _box(part: str, shape: Zyx) -> Box | None:
    """Return the box that a part names, None where it is none or reaches beyond the shape."""
    words = part.split(",")
    bounds = [BOUNDS.match(word.strip()) for word in words]
    if len(words) > len(shape) or not all(bounds):
        return None
    found = [(b["low"], b["high"]) for b in bounds if b] + [("", "")] * (3 - len(words))
    start = zyx([int(low or 0) for low, _ in found])
    stop = zyx([int(high or n) for (_, high), n in zip(found, shape, strict=True)])
    box = Box(start, stop)
    return box if box.size and box == box.intersect(Box.of_shape(shape)) else None
