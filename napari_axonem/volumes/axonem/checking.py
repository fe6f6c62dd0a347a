"""Look whether training blocks in a folder or zip are those of the release, and sound."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Grid, Zyx
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.volumes.axonem.members import members, opened
from napari_axonem.volumes.axonem.pairing import Pair, PassedOver, pair_up
from napari_axonem.volumes.axonem.release import (
    DATASET,
    LAYOUT,
    VOLUMES,
    Layout,
    Part,
    VolumeKey,
    block_name,
    file_name,
)
from napari_axonem.volumes.axonem.stored import dataset_listing, main_level
from napari_axonem.volumes.axonem.voxels import Tally, tally
from napari_axonem.volumes.lazy import Level

_NO_GRID = Grid((30.0, 8.0, 8.0))
"""Only chooses how much is read at once, where the volume is not known."""


@dataclass(slots=True)
class BlockReport:
    """What was found of one block."""

    name: str
    volume: VolumeKey | None = None
    image: str = ""
    """Its file; empty where there is none."""

    labels: str = ""
    image_dtype: str = ""
    labels_dtype: str = ""
    """The type as it was found: the release does not state it."""

    objects: int | None = None
    """How many ids there are, without 0; None where the labels could not be read."""

    labelled_voxels: int | None = None
    held_out: bool = False
    """Whether others hold it out from training."""

    known_ids: int | None = None
    """How many ids a block is said to hold that lies in a cell body; None for other blocks."""

    missing_tiles: tuple[tuple[int, int], ...] = ()
    """Sections of the whole volume with labelled voxels where the image is exactly 0, and how many
    such voxels."""

    problems: list[str] = field(default_factory=list)
    """Why it cannot be used; empty for a sound block."""

    notes: list[str] = field(default_factory=list)
    """What a user should know."""

    @property
    def dirt_confirmed(self) -> bool | None:
        """Whether a block known as dirty holds as many ids as is said; None for other blocks."""
        if self.known_ids is None or self.objects is None:
            return None
        return self.known_ids == self.objects


@dataclass(frozen=True, slots=True)
class ReleaseReport:
    """What was found in a folder or zip."""

    root: Path
    blocks: tuple[BlockReport, ...]
    missing: dict[VolumeKey, tuple[str, ...]]
    """The blocks of each volume that are not there."""

    passed_over: tuple[PassedOver, ...]

    @property
    def is_sound(self) -> bool:
        """Whether every block that is there can be used."""
        return not any(block.problems for block in self.blocks)


def check_release(
    root: Path,
    volume: VolumeKey | None = None,
    progress: Progress = silent,
    layout: Layout = LAYOUT,
) -> ReleaseReport:
    """Find the training blocks in a folder or zip and look at every voxel of them.

    One block is open at a time. A zip's members are read in place where it stores them, and
    unpacked to a temporary file where it compresses them, the two files of a block at a time.

    Parameters
    ----------
    root
        A folder, searched at any depth, also inside of zips in it; or a zip.
    volume
        Which volume blocks belong to where neither names nor offsets tell.

    Raises
    ------
    VolumeError
        There is no block at all, or `root` cannot be read.
    StorageError
        There is no room to unpack a member of a zip.
    """
    found = pair_up(members(root), volume)
    if not found.pairs:
        seen = found.passed_over[:3]
        raise VolumeError(
            "no training block" + (f" among {len(found.passed_over)} files" if seen else ""),
            where=root,
            remedy=f"name a folder or zip with files such as {file_name('im', (0, 0, 0))} "
            f"and {file_name('seg', (0, 0, 0))}",
        )
    reports = tuple(
        _check(pair, layout) for pair in tracked(found.pairs, progress, "checking blocks")
    )
    present = {(p.volume, p.offset) for p in found.pairs}
    missing: dict[VolumeKey, tuple[str, ...]] = {
        v.key: tuple(block_name(o) for o in v.offsets if (v, o) not in present) for v in VOLUMES
    }
    return ReleaseReport(root, reports, missing, found.passed_over)


def _check(pair: Pair, layout: Layout) -> BlockReport:
    report = BlockReport(
        pair.name,
        volume=None if pair.volume is None else pair.volume.key,
        image="" if pair.image is None else str(pair.image),
        labels="" if pair.labels is None else str(pair.labels),
    )
    report.problems += _about_place(pair)
    if pair.volume is not None:
        report.held_out = pair.offset == pair.volume.held_out
        report.known_ids = pair.volume.known_ids(pair.offset)
    with contextlib.ExitStack() as files:
        image = _open(files, pair, "im", report)
        labels = _open(files, pair, "seg", report)
        image = _checked_image(image, report, layout)
        labels = _checked_labels(labels, report, layout)
        if labels is not None:
            grid = _NO_GRID if pair.volume is None else pair.volume.grid
            _report_voxels(report, *tally(labels, image, grid, layout), pair.offset)
    return report


def _about_place(pair: Pair) -> list[str]:
    if pair.volume is None:
        return [
            "cannot be told to be of the human or the mouse volume; put it in a folder named "
            "EM30-H or EM30-M, or pass --volume human or --volume mouse"
        ]
    if pair.offset in pair.volume.offsets:
        return []
    elsewhere = [v.key for v in VOLUMES if pair.offset in v.offsets]
    hint = f", but one of the {elsewhere[0]} volume" if elsewhere else ""
    return [f"no block of the {pair.volume.key} volume is at {pair.name}{hint}"]


def _open(files: contextlib.ExitStack, pair: Pair, part: Part, report: BlockReport) -> Level | None:
    what, other = ("image", "labels") if part == "im" else ("labels", "image")
    member = pair.image if part == "im" else pair.labels
    if member is None:
        missing = file_name(part, pair.offset)
        report.problems.append(f"{other} without {what}: {missing} is missing")
        return None
    try:
        file = files.enter_context(opened(member))
        others = [name for name in dataset_listing(file, member) if name != DATASET]
        level = main_level(file, member)
    except VolumeError as error:
        report.problems.append(f"{what}: {error}")
        return None
    if others:
        report.notes.append(f"{what}: other datasets are not read ({', '.join(others[:6])})")
    return level


def _checked_image(image: Level | None, report: BlockReport, layout: Layout) -> Level | None:
    if image is None:
        return None
    report.image_dtype = str(image.dtype)
    if image.dtype != "uint8":
        report.problems.append(f"image of type {image.dtype}, not uint8")
    return _shaped(image, "image", report, layout)


def _checked_labels(labels: Level | None, report: BlockReport, layout: Layout) -> Level | None:
    if labels is None:
        return None
    report.labels_dtype = str(labels.dtype)
    if labels.dtype.kind not in "iu":
        report.problems.append(f"labels of type {labels.dtype}, not integers")
        return None
    return _shaped(labels, "labels", report, layout)


def _shaped(level: Level, what: str, report: BlockReport, layout: Layout) -> Level | None:
    if level.shape == layout.shape:
        return level
    report.problems.append(f"{what} of shape {_by(level.shape)}, not {_by(layout.shape)}")
    return None


def _by(shape: Zyx) -> str:
    return " x ".join(map(str, shape))


def _report_voxels(report: BlockReport, found: Tally, broken: str, offset: Zyx) -> None:
    if broken:
        report.problems.append(broken)
        return
    report.objects, report.labelled_voxels = len(found.ids), found.labelled
    report.missing_tiles = tuple((offset[0] + z, int(n)) for z, n in enumerate(found.missing) if n)
    if found.outside_box is not None:
        report.problems.append(
            f"{found.outside:,} labelled voxels outside of the annotated block, within voxels "
            f"{found.outside_box.start}..{found.outside_box.stop} of the file"
        )
    if found.negative:
        report.problems.append("labels with negative ids")
    if not found.ids:
        report.problems.append("no labelled voxel in the annotated block")
    if report.known_ids is not None:
        agrees = "as known" if report.dirt_confirmed else f"not {report.known_ids} as known"
        report.notes.append(f"lies inside a cell body; {len(found.ids)} ids, {agrees}")
    if report.missing_tiles:
        total = sum(n for _, n in report.missing_tiles)
        sections = [str(z) for z, _ in report.missing_tiles]
        report.notes.append(
            f"{total:,} labelled voxels where the image is 0, in {len(sections)} sections of "
            f"the volume ({', '.join(sections[:8])}{' …' if len(sections) > 8 else ''}): "
            "leave them out of the loss"
        )
