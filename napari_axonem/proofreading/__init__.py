"""Proofreading: a project, its fragment graph, the log, and the edits on them.

`project` is the face: open it, and a method for every edit. `pointed` and `scored` are the parts of
it that know what lies at a position and how good the segments are. `keeper` puts an edit on disk
and into memory, and opens both together.

On disk: `folder` says what lies where, `log` holds every operation (`operation`, `rows`; `glance`
reads single columns of it), `sources` the voxels; `snapshots` make opening fast, `lock` keeps it to
one writer. `backups` are copies of the log, the `echo` has what comes after them, by their `marks`;
`restoring` makes the log anew of both, and `highest` tells where voxels know more than it.
`creation` makes it all, `exporting` writes it for others.

In memory: `state` is what tables and log amount to: the `graph` over the `edgestore`, `members` of
segments, the `celltable`, the `history`, and `followed` skeletons. A cut inside a fragment is a
`refinement`. `states` are what people say of objects.

One module plans each kind of edit: `merging`, `splitting` (with `mincut`, `fragmentcut` and
`voxelcut`), `branching`, `detaching`, `painting` (with `carving`), `thresholding`, `turning`. The
`network` of a cut has a cheapest one, which `shrinking` it does not change.

`neighbours`, `solids` and `gains` answer what a window asks, `suggested` keeps suggestions.
`proposing` places the points of a repair, `verification` computes everything anew, `simulation` is
a proofreader as a script.
"""
