"""Proofreading: a project, its fragment graph, the log, and the edits on them.

`project` is the face: open it, and a method for every edit. `pointed` and `scored` are the parts of
it that know what lies at a position and how good the segments are. `keeper` puts an edit on disk
and into memory, and opens both together.

The `record` is what is on disk, `tables` what it amounts to in memory; `plans` work edits out, one
module for each kind. `creation` makes a project, `exporting` writes it for others. `states` are
what people say of objects.

`neighbours`, `solids` and `gains` answer what a window asks, `suggested` keeps suggestions.
`proposing` places the points of a repair, `verification` computes everything anew, `restoring`
makes a damaged log anew, `simulation` is a proofreader as a script.
"""
