"""What a path that was dropped, chosen or typed means to us."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from napari_axonem.errors import VolumeError
from napari_axonem.proofreading.record.folder import SUFFIX, Folder
from napari_axonem.volumes import list_volumes
from napari_axonem.volumes.containers import store_above
from napari_axonem.volumes.kinds import parts_inside

_OURS = re.compile(
    r"\.(?:axonem|zarr|zarr\.zip|n5|precomputed|h5|hdf5|hdf|he5)[/\\]?$", re.IGNORECASE
)
"""Names that say by themselves that napari's own reader should not have them."""

_SHARED = re.compile(r"\.(?:tif|tiff|btf|nrrd|nhdr|nii|nii\.gz)$", re.IGNORECASE)
"""Names that volumes share with photographs and with other kinds of images."""

_TEMPORARY = "napari-axonem-"
"""So begin the names of our folders in the temporary folder of this machine."""

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+://")


def is_remote(path: str) -> bool:
    """Tell whether this is the address of something that is not on this machine."""
    return _REMOTE.match(path) is not None and not path.lower().startswith("file://")


def is_ours(path: str) -> bool:
    """Tell by name alone, without a look at the disk, that it is a volume or a project."""
    if is_remote(path):
        return _SHARED.search(path) is None  # such files are not read from afar
    return _OURS.search(path) is not None


def is_project(path: str) -> bool:
    """Tell whether a path is that of a project."""
    return Path(path).suffix == SUFFIX


def volumes_at(path: str) -> list[str]:
    """Return the locations of all volumes that a path means; those of its labels for a project.

    Raises
    ------
    VolumeError
        There is no such file, no format claims it, or it is damaged.
    """
    if is_project(path):
        folder = Folder(Path(path))
        found = [str(p) for p in (folder.fragments, folder.truth) if p.exists()]
        if not found:
            raise VolumeError("no project is here", where=path, remedy="check the path")
        return found
    if not is_remote(path) and not os.path.lexists(path):
        return [path]  # an array inside of a file, or an error when it is opened
    return [f"{path}:{name}" if name else path for name in list_volumes(path)] or [path]


def brief(location: str) -> str:
    """Return a location without the folders around it: ``file.h5:dataset``."""
    length = len("/".join(parts_inside(location)))
    return location.rstrip("/")[-length:] if length else location


def short_name(location: str) -> str:
    """Return the last part of a location: the name of the array, else that of the file."""
    return Path(location.replace(":", "/")).name


def temporary_folder() -> Path:
    """Return a new folder for what nobody has named a place for."""
    return Path(tempfile.mkdtemp(prefix=_TEMPORARY))


def destination_for(location: str) -> Path:
    """Return the project that is offered for a volume: beside it.

    Here where nothing can be put beside it, as it is remote, or nothing should, as it lies in a
    temporary folder.
    """
    folder = Path.cwd()
    if is_remote(location):
        name = parts_inside(location)[0]
    else:
        drive, tail = os.path.splitdrive(location)
        path = Path(drive + tail.split(":")[0]).absolute()
        path = store_above(path) or path  # nothing is put into a store of somebody else's
        name = path.name
        folder = folder if _is_temporary(path) else path.parent
    return folder / f"{name.split('.')[0]}{SUFFIX}"


def _is_temporary(path: Path) -> bool:
    """Tell whether a path is in one of our temporary folders."""
    ours = Path(tempfile.gettempdir()).absolute()
    return any(p.parent == ours and p.name.startswith(_TEMPORARY) for p in path.parents)
