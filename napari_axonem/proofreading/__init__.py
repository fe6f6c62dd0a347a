"""Proofreading: a project, its fragment graph, the log, and the edits on them.

`project` is the face: open, merge, split, undo, redo. `creation` makes a project in one pass over
the voxels, `folder` and `sources` say what lies where, `lock` keeps it to one writer.

An edit is planned (`merging`; `splitting` with `mincut`, `fragmentcut` and `voxelcut`), put into
the `log` as an `operation`, and applied to the `state`: the `graph` of `edges`, the tables of
cells, and the `history`. A cut inside a fragment is a `refinement`.

`export` writes labels, `verification` computes everything anew, `simulation` is a proofreader as
a script.
"""
