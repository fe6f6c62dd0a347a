"""What is on disk of a project's edits, so that none is ever lost.

`folder` says what lies where, `log` holds every operation (`operation`, `rows`; `glance` reads
single columns of it) and `lock` keeps it to one writer. `history` reads the operations as a tree.
`backups` are copies of the log, the `echo` has what comes after them, by their `marks`, and
`highest` tells where voxels know more than the log.
"""
