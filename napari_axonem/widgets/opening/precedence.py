"""Lets volumes be opened by this plugin where napari has a reader of its own for them.

napari asks which plugin shall read a file whenever several could, unless its preferences name one
for a pattern of names (Preferences > Plugins). It knows no other order. So our formats are entered
there, once, when anything of this plugin is first used: only patterns without an entry, and only
where no third plugin reads them too, for then the choice is the user's. What the user removes or
changes there afterwards stays so.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch

from napari.settings import get_settings
from napari.utils.notifications import show_info
from npe2 import PluginManager

from napari_axonem.widgets.parts import recent

OURS = "napari-axonem"

NAPARIS = "napari"
"""What npe2 calls napari's own readers."""

FILES = (
    *("zarr", "h5", "hdf5", "hdf", "he5", "tif", "tiff", "btf", "TIF", "TIFF"),
    *("nrrd", "nhdr", "nii", "nii.gz"),
)
"""Endings of files and of addresses."""

FOLDERS = ("*.axonem/", "*.zarr/*", "*.n5/*", "*.precomputed/*", "*/")
"""Folders, as napari writes them: with a slash at the end.

The last one is every folder. It may hold sections or have a name that tells nothing, and napari
asks for each anew; what is no volume there is handed on to napari's own reader.
"""

PATTERNS = (*(f"*.{suffix}" for suffix in FILES), *FOLDERS)


def come_first(_: object = None) -> None:
    """Enter our formats in napari's preferences; called by npe2 when the plugin is first used."""
    known = get_settings().plugins.extension2reader
    seen = recent.claimed()
    taken = set(_taken())
    new = [p for p in PATTERNS if p not in seen and p not in known and p not in taken]
    if not new:
        return
    recent.claim(new)
    get_settings().plugins.extension2reader = {**known, **dict.fromkeys(new, OURS)}
    show_info(
        "napari-axonem opens volumes and folders from now on; "
        "napari's Preferences > Plugins lists them and lets you change it."
    )


def _taken() -> Iterator[str]:
    """Yield the patterns that a third plugin reads, too."""
    for manifest in PluginManager.instance().iter_manifests(disabled=False):
        if manifest.name in (OURS, NAPARIS):
            continue
        for reader in manifest.contributions.readers or ():
            yield from (p for p in PATTERNS if _reads(reader.filename_patterns, p))
            if reader.accepts_directories and "*" in reader.filename_patterns:
                yield from FOLDERS
            elif reader.accepts_directories:
                yield "*/"


def _reads(theirs: list[str], ours: str) -> bool:
    """Tell whether patterns of another plugin match names that one of ours matches."""
    name = ours.replace("*", "x").split("/")[0].lower()
    return any(fnmatch(name, pattern.lower()) for pattern in theirs)
