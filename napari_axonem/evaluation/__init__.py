"""Compare a segmentation with the truth: scores, and where the errors are.

`overlaps` counts which segment shares how many voxels with which true object, and `scores`
turns such a table into variation of information and adapted Rand. `cells` goes over all voxels
once and keeps, besides the counts, where pieces lie and where they touch; from that `mistakes`
lists false splits and false merges, worst first, without reading a voxel again. `standing` keeps
scores and list up to date through edits. `skeletons` and `erl` do the run lengths.
"""
