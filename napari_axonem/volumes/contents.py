"""What volumes a file or store holds, for the user to choose from."""

from __future__ import annotations

from pathlib import Path

from napari_axonem.volumes.formats.registry import find


def list_volumes(location: str | Path) -> list[str]:
    """Return the names of the volumes inside a file or store, sorted.

    A name is what stands behind the ``:`` of a location; it is empty where the file is a
    volume by itself. Far away only those are found that the store itself names, such as the
    labels of an OME-Zarr image.

    Raises
    ------
    VolumeError
        There is no such file, no format claims it, or it is damaged.
    VolumeLostError
        It is far away and cannot be reached.
    """
    return find(location).names()
