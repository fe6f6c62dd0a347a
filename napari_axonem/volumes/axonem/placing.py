"""Where a file of the release lies: its voxels say nothing of it, its name does."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_axonem.geometry import Grid, Zyx
from napari_axonem.volumes.axonem.members import Member
from napari_axonem.volumes.axonem.pairing import pair_up
from napari_axonem.volumes.axonem.release import DATASET, LAYOUT, parse_file_name


def grid_by_name(location: str, shape: Zyx) -> Grid | None:
    """Return the voxel size and origin of a file of a training block, context and all.

    Parameters
    ----------
    location
        In the form that `open_volume` takes.
    shape
        Of the volume there, which tells files of the release from others of such a name.

    Returns
    -------
    None where name or shape are not those of the release, or where nothing tells the human
    from the mouse volume.
    """
    path = Path(location.removesuffix(f":{DATASET}"))
    parsed = parse_file_name(path.name)
    if parsed is None or shape != LAYOUT.shape or not path.is_file():
        return None
    beside = [Member(p) for p in sorted(path.parent.iterdir()) if parse_file_name(p.name)]
    found = pair_up(beside)
    told = [p.volume for p in (*found.pairs, *found.unlabelled) if p.offset == parsed[1]]
    if not told or told[0] is None:
        return None
    return told[0].grid.beginning_at(np.subtract(parsed[1], LAYOUT.padding).tolist())
