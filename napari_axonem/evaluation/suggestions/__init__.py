"""Suggestions: likely errors of a segmentation, found without ground truth.

`suggest` lists them, likeliest first. Modules, each standing on those before: `suggestion` (the
value), `contrast` (what the image says of a contact), `shapes` (courses near a contact), `joins`
(missing merges), `cores` (parts of a segment between membranes), `cuts` (false merges between
them), `weak` (edges of an agglomeration near its threshold), `suggest`, `segments` (those of a
project as a volume).
"""

from napari_axonem.evaluation.suggestions.segments import segments_of
from napari_axonem.evaluation.suggestions.suggest import LIMIT, MIN_VOXELS, suggest
from napari_axonem.evaluation.suggestions.suggestion import Suggestion
from napari_axonem.evaluation.suggestions.weak import Agglomeration

__all__ = ["LIMIT", "MIN_VOXELS", "Agglomeration", "Suggestion", "segments_of", "suggest"]
