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


def tiff_spacing(file: tifffile.TiffFile) -> Spacing:
    """Return the voxel size and the origin that an open TIFF file states."""
    if file.ome_metadata:
        return _ome(str(file.ome_metadata))
    if file.imagej_metadata:
        return _imagej(file, file.imagej_metadata)
    if file.shaped_metadata:
        return spacing(file.shaped_metadata[0])
    return Spacing()


def _ome(xml: str) -> Spacing:
    """Read ``Pixels/@PhysicalSizeX`` and the position of the first plane; the default is µm."""
    pixels = ET.fromstring(xml).find("{*}Image/{*}Pixels")
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
    tags = file.pages.first.tags
    edges = [float(metadata["spacing"])]
    for name in ("YResolution", "XResolution"):
        pixels, units = tags[name].value if name in tags else (0, 1)
        edges.append(units / pixels if pixels else 0.0)
    size = [edge * nm for edge in edges]
    if not all(size):
        return Spacing(note="its XResolution or YResolution is missing")
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
