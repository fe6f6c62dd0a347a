"""The command, with the same verbs as the window.

``flags`` makes flags of settings, ``reporting`` prints, ``verb`` says what a verb is, and
``main`` ties all together. ``demo`` is the main job as a script, ``known`` lists errors for
``looking``; every other module holds verbs, in its ``VERBS``.
"""

from napari_axonem.cli.main import main

__all__ = ["main"]
