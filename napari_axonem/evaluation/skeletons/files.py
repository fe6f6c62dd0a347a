"""Read and write skeletons in any known format."""

from __future__ import annotations

from pathlib import Path

from napari_axonem.errors import AxonemError, SkeletonError
from napari_axonem.evaluation.skeletons.formats.em_erl import EM_ERL, EM_ERL_OLDER
from napari_axonem.evaluation.skeletons.formats.hdf5 import HDF5
from napari_axonem.evaluation.skeletons.formats.precomputed import PRECOMPUTED
from napari_axonem.evaluation.skeletons.formats.source import SkeletonFormat, Stated, Unit
from napari_axonem.evaluation.skeletons.formats.swc import SWC, SWC_FOLDER
from napari_axonem.evaluation.skeletons.skeletons import Skeletons
from napari_axonem.geometry import Grid, Nm
from napari_axonem.volumes.disk import refuse_existing, replacing

FORMATS: tuple[SkeletonFormat, ...] = (
    EM_ERL_OLDER,
    EM_ERL,
    HDF5,
    PRECOMPUTED,
    SWC_FOLDER,
    SWC,
)
"""In the order in which they are asked; the first whose suffix fits is written."""


def read_skeletons(
    location: str | Path,
    *,
    voxel_size: Nm | None = None,
    origin: Nm = (0.0, 0.0, 0.0),
    unit: Unit | None = None,
) -> Skeletons:
    """Read skeletons; the content decides which format it is, the name does not.

    Parameters
    ----------
    location
        An em_erl graph (NPZ), an HDF5 file with a group for each skeleton, an SWC file or a
        folder of them, or a folder of Neuroglancer precomputed skeletons.
    voxel_size, origin
        In nm (z, y, x), for files whose positions count voxels of a size that they do not state.
    unit
        What positions count, for files that do not say: SWC.

    Raises
    ------
    SkeletonError
        There are no skeletons of a known format, they are damaged, or their unit is not known.
    """
    path = Path(location)
    stated = Stated(None if voxel_size is None else Grid(voxel_size, origin), unit)
    known = _format_of(path)
    try:
        return known.read(path, stated)
    except AxonemError:
        raise
    except Exception as error:  # a library's error about something that nobody foresaw
        raise SkeletonError(
            f"{known.name} that cannot be read ({type(error).__name__}: {error})",
            where=path,
            remedy="check that it is complete",
        ) from error


def write_skeletons(
    destination: str | Path,
    skeletons: Skeletons,
    *,
    voxel_size: Nm | None = None,
    origin: Nm = (0.0, 0.0, 0.0),
    overwrite: bool = False,
) -> None:
    """Write skeletons, all of them or nothing; the end of the name decides the format.

    Parameters
    ----------
    destination
        ``NAME.npz`` for an em_erl graph, ``NAME.older.npz`` for its older layout, ``NAME.h5``,
        ``NAME.swc`` for one SWC file, ``NAME/`` for a folder with an SWC file for each object,
        ``NAME.precomputed`` for Neuroglancer.
    voxel_size, origin
        In nm (z, y, x), for HDF5, whose positions count voxels.

    Raises
    ------
    SkeletonError
        No format has such an end, or the format cannot hold the skeletons.
    VolumeError
        There is something already and `overwrite` is false.
    StorageError
        The disk cannot be written.
    """
    path = Path(destination)
    known = _written_as(str(destination))
    grid = None if voxel_size is None else Grid(voxel_size, origin)
    with replacing(path, overwrite=overwrite) as temporary:
        known.write(temporary, skeletons, Stated(grid))


def check_destination(destination: str | Path, *, overwrite: bool = False) -> None:
    """See, before long work, whether `write_skeletons` will be able to write.

    Raises
    ------
    SkeletonError
        No format has such an end.
    VolumeError
        There is something already and `overwrite` is false.
    """
    _written_as(str(destination))
    refuse_existing(Path(destination), overwrite=overwrite)


def _format_of(path: Path) -> SkeletonFormat:
    if not path.exists():
        raise SkeletonError("no such file or folder", where=path, remedy="check the path")
    try:
        claims = (known for known in FORMATS if known.claim(path) is not None)
        found = next(claims, None)
    except OSError as error:
        raise SkeletonError(
            f"cannot be read ({error.strerror or error})",
            where=path,
            remedy="check that you may read it",
        ) from error
    if found is None:
        raise SkeletonError(
            "no skeletons of any known format",
            where=path,
            remedy=f"give one of {', '.join(_names())}",
        )
    return found


def _written_as(destination: str) -> SkeletonFormat:
    for known in FORMATS:
        if destination.lower().endswith(known.suffixes):
            return known
    *others, last = (f"{k.suffixes[0]} ({k.name})" for k in FORMATS if k is not SWC_FOLDER)
    raise SkeletonError(
        "no format of skeletons has a name that ends so",
        where=destination,
        remedy=f"give a name that ends in {', '.join(others)} or {last}, or in a slash for a "
        f"{SWC_FOLDER.name}",
    )


def _names() -> list[str]:
    return list(dict.fromkeys(known.name for known in FORMATS))
