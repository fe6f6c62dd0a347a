"""What an edit would do, worked out without changing anything: a module for each kind of edit.

`merging`; `splitting` between fragments (`mincut`: a `network` has a cheapest cut, which
`shrinking` it does not change) and inside of one (`fragmentcut`, `voxelcut`); `branching`,
`detaching`, `painting` (with `carving`), `thresholding`, `turning`.
"""
