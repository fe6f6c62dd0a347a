"""Joining the fragments of a graph by the affinity of what touches.

Works on tables alone, so that segmentation and proofreading can both stand on it.
`merge_scores` computes once at which score every pair of fragments joins; a `MergeTree` then
gives the segments at any threshold in milliseconds.
"""

from napari_axonem.agglomeration.linkage import merge_scores
from napari_axonem.agglomeration.mergetree import MergeTree

__all__ = ["MergeTree", "merge_scores"]
