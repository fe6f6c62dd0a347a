"""See, rank and repair the errors of axon segmentations in electron microscopy volumes."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("napari-axonem")
except PackageNotFoundError:  # run from a source folder that was never installed
    __version__ = "0+unknown"
