"""Voxel size and origin as TIFF files state them: OME-XML, ImageJ's lines, or JSON.

The tags XResolution and YResolution alone are not believed: they say nothing of the distance
between sections, and are mostly those of a printer.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any

import tifffile

from napari_axonem.volumes.formats.attributes import Spacing, spacing
from napari_axonem.volumes.formats.units import nm_per

_TAG_UNITS = {2: "inch", 3: "cm"}
"""What the tag ResolutionUnit can say."""

_LARGEST_PIXEL = 1000.0
"""In nm; the tags of anything larger are those of a printer or a screen."""


def tiff_spacing(file: tifffile.TiffFile, index: int = 0) -> Spacing:
    """Return the voxel size and the origin that an open TIFF file states of a series."""
    if file.ome_metadata:
        return _ome(str(file.ome_metadata), index)
    if file.imagej_metadata:
        return _imagej(file, file.imagej_metadata)
    if file.shaped_metadata:
        return spacing(file.shaped_metadata[min(index, len(file.shaped_metadata) - 1)])
    return Spacing()


def section_spacing(file: tifffile.TiffFile) -> Spacing:
    """Return what a TIFF file of one section states, or a note on the size of its pixels.

    The tags know of no distance between sections, so the user is asked; the note gives the half
    of the answer that they do know.
    """
    found = tiff_spacing(file)
    if found.voxel_size is not None:
        return found
    size = _pixel_size(file)
    if size is None or max(size) > _LARGEST_PIXEL:
        return Spacing()
    y, x = size
    return Spacing(
        note=f"along y and x its first section has {y:.6g} and {x:.6g} nm, along z nothing says"
    )


def _pixel_size(file: tifffile.TiffFile) -> tuple[float, float] | None:
    """Return the edges (y, x) of a pixel in nm by the tags, None where they do not say."""
    page = file.pages.first
    imagej = file.imagej_metadata or {}
    nm = nm_per(str(imagej.get("unit", ""))) or nm_per(_TAG_UNITS.get(int(page.resolutionunit)))
    edges = _edges(page)
    if nm is None or not all(edges):
        return None
    return edges[0] * nm, edges[1] * nm


def _edges(page: tifffile.TiffPage) -> tuple[float, float]:
    """Return the edges (y, x) of a pixel in the tags' unit, 0 where a tag is missing."""
    values = [page.tags.valueof(name, (0, 1)) for name in ("YResolution", "XResolution")]
    y, x = (units / pixels if pixels else 0.0 for pixels, units in values)
    return y, x


def _ome(xml: str, index: int) -> Spacing:
    """Read ``Pixels/@PhysicalSizeX`` and the position of the first plane; the default is µm."""
    images = ET.fromstring(xml).findall("{*}Image/{*}Pixels")
    pixels = images[index] if index < len(images) else None
    if pixels is None:
        return Spacing(note="its OME-XML describes no pixels")
    size = [_length(pixels.attrib, f"PhysicalSize{a}", "µm") for a in "ZYX"]
    if not all(size):
        missing = [f"PhysicalSize{a}" for a, s in zip("ZYX", size, strict=True) if not s]
        return Spacing(note=f"its OME-XML has no usable {', '.join(missing)}")
    plane = pixels.find("{*}Plane")
    # Without a unit a position is in a frame of reference that nobody knows.
    start = [
        _length(plane.attrib, f"Position{a}", "") if plane is not None else None for a in "ZYX"
    ]
    return _spacing(size, start)


def _length(attributes: Mapping[str, str], name: str, unit: str) -> float | None:
    nm = nm_per(attributes.get(f"{name}Unit", unit))
    return float(attributes[name]) * nm if nm and name in attributes else None


def _imagej(file: tifffile.TiffFile, metadata: Mapping[str, Any]) -> Spacing:
    """Read ``unit`` and ``spacing`` (z), the tags for y and x, and origins in pixels."""
    nm = nm_per(str(metadata.get("unit", "")))
    if nm is None:
        return Spacing(note=f"its ImageJ unit is {metadata.get('unit', 'missing')!r}")
    if "spacing" not in metadata:
        return Spacing(note="its ImageJ description has no 'spacing' of the sections")
    size = [edge * nm for edge in (float(metadata["spacing"]), *_edges(file.pages.first))]
    if not all(size):
        return Spacing(note="its XResolution or YResolution is missing")
    start: list[float | None] = [None]
    if any(f"{a}origin" in metadata for a in "zyx"):  # an axis that is left out begins at 0
        start = [
            0.0 - float(metadata.get(f"{a}origin", 0)) * s for a, s in zip("zyx", size, strict=True)
        ]
    return _spacing(size, start)


def _spacing(size: list[float | None] | list[float], start: list[Any]) -> Spacing:
    """Return a spacing after the checks that all attributes go through."""
    attributes: dict[str, Any] = {"voxel_size_nm": size}
    if None not in start:
        attributes["origin_nm"] = start
    return spacing(attributes)
