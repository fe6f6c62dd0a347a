"""The window: docks, layers and keys of the napari plugin.

A *view* is a Qt widget that emits what the user wants and has setters; it knows nothing of
projects. A *session* owns the project of one viewer, and everything a user can do is a method
of it or its parts, without Qt. A *control* knows one session and one view.

`parts` are small and used everywhere; `picture` is what is seen; `session` what can be done;
`opening` how volumes come into the window; `docks` hold a folder a dock, and `docks.factories` what
`napari.yaml` names; `reader` is what napari calls; `desk` lays all of it out for the command.
"""
