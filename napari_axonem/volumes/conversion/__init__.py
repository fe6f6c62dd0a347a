"""Conversion: any readable volume to any writable format, blockwise and resumable.

`convert` does it, as `ConvertSettings` say. ``reading`` gives voxels of the source as they are to
be written, ``casting`` changes types without changing values, ``work`` is the hidden folder in
which a conversion can be taken up again, ``jobs`` is what the workers run.
"""

from napari_axonem.volumes.conversion.conversion import Converted, convert
from napari_axonem.volumes.conversion.reading import Source
from napari_axonem.volumes.conversion.settings import ConvertSettings

__all__ = ["ConvertSettings", "Converted", "Source", "convert"]
