"""What an open project consists of: what the record amounts to, in memory, and the voxels.

`state` holds all tables: the `graph` over the `edgestore`, `members` of segments, the `celltable`
and `followed` skeletons. A cut inside a fragment is a `refinement`; what comes off a segment is
`falling`. What it began with is `stored`, `snapshots` make opening fast, `sources` are the voxels.
"""
