"""The command, with the same verbs as the window.

``flags`` makes flags of settings, ``reporting`` prints, ``verb`` says what a verb is;
``looking``, ``showing``, ``making`` and ``editing`` hold the verbs, ``demo`` the main job as a
script, and ``main`` ties them together.
"""

from napari_axonem.cli.main import main

__all__ = ["main"]
