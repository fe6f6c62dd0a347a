"""Which files are the image and the labels of which training block, and which are neither."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_axonem.geometry import Zyx
from napari_axonem.volumes.axonem.members import Member
from napari_axonem.volumes.axonem.release import (
    VOLUMES,
    Part,
    ReleaseVolume,
    VolumeKey,
    block_name,
    parse_file_name,
    volume_named,
)

_NAMED = re.compile(r"EM30[-_ ]([HM])(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A file that is no part of a training block."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Pair:
    """The files of one block."""

    volume: ReleaseVolume | None
    """The volume it belongs to; None where neither names nor offsets tell."""

    offset: Zyx
    """Where the annotated block begins in the whole volume, in voxels."""

    image: Member | None
    labels: Member | None

    @property
    def name(self) -> str:
        """What the block is called."""
        return block_name(self.offset)


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in a folder or zip."""

    pairs: tuple[Pair, ...]
    """By volume, then by offset."""

    unlabelled: tuple[Pair, ...]
    """Images that the release has without labels; they are passed over as well."""

    passed_over: tuple[PassedOver, ...]


def pair_up(files: Iterable[Member], volume: VolumeKey | None = None) -> Found:
    """Sort files into the blocks of the release.

    The volume that a file belongs to is told by the nearest ``EM30-H`` or ``EM30-M`` in its
    path, or else by the offsets of all files in its folder: z of 475 or 950 is human, of 350,
    675 or 700 mouse. Where a block is found twice, the first is taken.

    Parameters
    ----------
    files
        Any files.
    volume
        What to take where neither tells.
    """
    blocks: defaultdict[tuple[str, Zyx], dict[Part, list[Member]]]
    blocks = defaultdict(lambda: {"im": [], "seg": []})
    passed: list[PassedOver] = []
    named: list[tuple[Member, Part, Zyx]] = []
    for file in files:
        parsed = parse_file_name(file.name)
        if parsed is None:
            passed.append(PassedOver(str(file), _why_not(file.name)))
        else:
            named.append((file, *parsed))
    by_offsets = _told_by_offsets(named)
    fallback = "" if volume is None else volume
    for file, part, offset in named:
        key = _told_by_name(file.full) or by_offsets[file.folder] or fallback
        blocks[key, offset][part].append(file)
    pairs: list[Pair] = []
    unlabelled: list[Pair] = []
    for (key, offset), parts in sorted(blocks.items(), key=lambda item: item[0]):
        pair, others = _pair(key, offset, parts)
        passed += others
        (unlabelled if _is_known_image(pair) else pairs).append(pair)
    why = "an image without labels, as the mouse release has it: no training block"
    passed += [PassedOver(str(pair.image), why) for pair in unlabelled]
    return Found(tuple(pairs), tuple(unlabelled), tuple(passed))


def _told_by_name(path: Path) -> str:
    """Return the volume that the path names, the nearest folder first; empty where none does."""
    for part in reversed(path.absolute().parts):
        letters = _NAMED.findall(part)
        if letters:
            return next(v.key for v in VOLUMES if v.letter == letters[-1].upper())
    return ""


def _told_by_offsets(named: Sequence[tuple[Member, Part, Zyx]]) -> dict[Path, str]:
    """Return the volume that the offsets in each folder tell; empty where they do not."""
    told: defaultdict[Path, set[str]] = defaultdict(set)
    for file, _, (z, _, _) in named:
        having = [v.key for v in VOLUMES if z in {o[0] for o in (*v.offsets, *v.without_labels)}]
        told[file.folder].update(having if len(having) == 1 else [])
    return {folder: keys.pop() if len(keys) == 1 else "" for folder, keys in told.items()}


def _pair(key: str, offset: Zyx, parts: dict[Part, list[Member]]) -> tuple[Pair, list[PassedOver]]:
    """Return the block of some files, and those that are too many."""
    images, labels = parts["im"], parts["seg"]
    image = images[0] if images else None
    beside = [file for file in labels if image and file.folder == image.folder]
    label = next(iter(beside or labels), None)
    volume = volume_named("human" if key == "human" else "mouse") if key else None
    why = f"block {block_name(offset)} again: the one taken is {image or label}"
    extra = [file for file in (*images, *labels) if file not in (image, label)]
    return Pair(volume, offset, image, label), [PassedOver(str(file), why) for file in extra]


def _is_known_image(pair: Pair) -> bool:
    """Whether it is an image that the release itself has without labels."""
    known = {(v.key, o) for v in VOLUMES for o in v.without_labels}
    return (
        pair.labels is None
        and pair.volume is not None
        and ((pair.volume.key, pair.offset) in known)
    )


def _why_not(name: str) -> str:
    if name.lower() == "valid_mask.h5":
        return "comes with the mouse release; what it holds is not known, and no block needs it"
    if name.startswith("._") or name in (".DS_Store", "Thumbs.db"):
        return "left by a file manager"
    if name.lower().endswith(".zip"):
        return "a zip that cannot be read: incomplete or damaged"
    if any(name == v.prediction for v in VOLUMES):
        return "a challenge submission: check it in a folder of its own"
    return "not named as im_Z-Y-X_pad.h5 or seg_Z-Y-X_pad.h5"
