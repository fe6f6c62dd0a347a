"""Making a project: the passes over all voxels; everything afterwards works on tables.

`settings` says what it is made of, `build` goes through the steps, each block by block with a team
of processes and a journal: `labels` writes pyramids of dense ids, `cutting` cuts objects into
fragments, `tabulating` makes the tables, and `starting` the graph they begin with.
"""

from napari_axonem.proofreading.creation.build import create_project
from napari_axonem.proofreading.creation.settings import CreateSettings

__all__ = ["CreateSettings", "create_project"]
