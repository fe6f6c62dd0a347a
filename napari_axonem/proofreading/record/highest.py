"""The highest fragment that voxels may have, noted beside them before a cut writes it.

The log says which fragments there are. Where it was replaced by an older one, the voxels may have
more: the next cut would give one of these ids again, and two objects would be one for ever. The
note tells at once, without a look at the voxels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_axonem.blockwise import Team
from napari_axonem.errors import ProjectError
from napari_axonem.geometry import Box, blocks
from napari_axonem.progress import Progress, silent
from napari_axonem.proofreading.record.folder import Folder
from napari_axonem.volumes import Pyramid
from napari_axonem.volumes.chunking import natural_block
from napari_axonem.volumes.disk import replacing


def noted(folder: Folder) -> int | None:
    """Return the highest fragment that voxels may have; None where that was never noted."""
    try:
        return int(folder.highest.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def note(folder: Folder, fragment: int) -> None:
    """Note, on the disk, that voxels may have a fragment and all below it.

    Raises
    ------
    StorageError
        The disk refuses.
    """
    if fragment > (noted(folder) or 0):
        with replacing(folder.highest, overwrite=True) as path:
            path.write_text(f"{fragment}\n", encoding="ascii")


def look_up(folder: Folder, progress: Progress = silent) -> int:
    """Return the highest fragment in all voxels, read block by block, and note it.

    Raises
    ------
    VolumeError, StorageError
        The voxels cannot be read, or the disk refuses the note.
    """
    volume = Pyramid.open(folder.fragments).volume
    boxes = list(blocks(volume.box, natural_block(volume)))
    with Team() as team:
        found = dict(team.run(Highest(folder.fragments), boxes, progress, "looking at fragments"))
    highest = max(found.values(), default=0)
    note(folder, highest)
    return highest


@dataclass(frozen=True, slots=True)
class Highest:
    """Finds the highest id of blocks of a pyramid."""

    pyramid: Path

    def __call__(self, box: Box) -> int:
        """Return that of one block."""
        return int(Pyramid.open(self.pyramid).volume.read(box).max(initial=0))


def require_known(folder: Folder, known: int) -> None:
    """Refuse to edit where voxels have been cut into more than the `known` fragments of the log.

    Raises
    ------
    ProjectError
        They have.
    """
    highest = noted(folder)
    if highest is not None and highest > known:
        raise ProjectError(
            f"its voxels were cut into {highest} fragments, of which the log knows only {known}: "
            "another cut would mix up objects",
            where=folder.root,
            remedy="put the project.db that knows them back, with 'napari-axonem project restore' "
            "or from a copy of your own, or create the project anew; 'project log' lists its edits",
        )
