"""The window: docks, layers and keys of the napari plugin.

A *view* is a Qt widget that emits what the user wants and has setters; it knows nothing of
projects. A *session* owns the project of one viewer, and everything a user can do is a method
of it or its parts, without Qt. A *control* knows one session and one view.

Session: `session` (made of `workplace`, `review` with `queue` and `identity`, `editor`
with `drafts` and `planning`, `score`), `sight` (what is shown of it), `clicks`, `keys`.

Picture: `layers` with `tables`, `focus`, `disagreement` over `planes` as `lazy` levels;
`volume_layers` lay volumes out in nm, `late` draws again what came late and tells of what cannot
be read; `marks`, `framing`, `colours`.

Opening: `opening` is what napari calls to read, `reader` makes the layer of a volume,
`axonem_layers` those of a training block, `writer` saves; `locations` says what a path means,
`precedence` makes ours the reader of our formats, `asking` brings up the `voxel_size_form`
(`triple_edit`), `notices` tell of errors in one line, `beside` works in a thread; `samples` and
`axonem_samples` are `awaited` from a child process.

Docks: `docks` and `desk` put together `project_view` and `new_project_view` with
`volume_control`, `errors_view` (`error_table`) with `errors_control`, `proofread_view`
(`score_view`, `curve`, `history_view`) with `proofread_control`, `export_view` with
`export_control`, and `keys_view`; `child` and `job_view` run long work, `window` ties a
session to threads, keys and notifications, `connections` let go of docks that are gone;
`message`, `buttons`, `icons`, `wording`, `recent` are small.

napari: `napari.yaml` names the docks, `opening`, `writer` and the samples.
"""
