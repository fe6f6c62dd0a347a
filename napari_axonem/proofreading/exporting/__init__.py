"""Export: what a project has come to, in the formats of others.

``corrected`` gives the corrected segmentation as a volume, which everything else here reads:
``labels`` writes it, ``shapes`` makes meshes and skeletons of its objects, ``crops`` gives places
that a person has checked to training. ``tables`` writes the fragment table and the edits.
"""

from napari_axonem.proofreading.exporting.corrected import corrected_source, corrected_volume
from napari_axonem.proofreading.exporting.labels import export_labels

__all__ = ["corrected_source", "corrected_volume", "export_labels"]
