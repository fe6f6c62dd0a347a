"""Blockwise work: one function over many blocks, on dask.

A `Team` runs a picklable function over a list of blocks: in this process, in processes of this
machine, or on a cluster of dask.distributed. Only a few blocks are under way at any time, so that
memory stays bounded whatever their number, and results come back as they finish. A `Journal`
keeps in a file what is finished, so that work that was cut off goes on where it was::

    with Team(workers) as team, Journal(path, settings) as journal:
        for index, result in team.run(function, boxes, progress, "looking", journal):
            ...
"""

from napari_axonem.blockwise.journal import Journal, journal_about
from napari_axonem.blockwise.team import Team

__all__ = ["Journal", "Team", "journal_about"]
