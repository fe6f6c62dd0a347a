"""Small pictures of sections: image, segments in colour, outlines of true objects."""

from __future__ import annotations

import base64
import colorsys
import io
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from napari_axonem.evaluation.report.findings import Findings
from napari_axonem.geometry import Box, Zyx
from napari_axonem.volumes.volume import Volume

SIDE = 176
"""Pixels along an edge of a picture."""

COLOURS = 96
"""Colours of a picture: with fewer it is smaller, and no outline is lost."""

GREY = 64
"""Background where there is no image."""

STRONG, PALE = 0.5, 0.12
"""How much of its colour a segment has."""

Labels = npt.NDArray[Any]
Rgb = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Focus:
    """What a picture is about."""

    voxel: Zyx
    """The place that it shows."""

    segments: Collection[int] | None = None
    """Segments in full colour, others are pale; None for whatever lies in `objects`."""

    objects: Collection[int] = ()
    """True objects whose outlines are white; others are thin and grey."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a page holds it."""

    uri: str
    """The PNG itself, as a data URI."""

    bar_nm: float
    """Length of the scale bar in it, in nm."""

    pixels: int = SIDE
    """Its width and height."""


def picture(findings: Findings, focus: Focus) -> Picture | None:
    """Draw the section (y, x) around a place; None where that is outside of the volume.

    Only the voxels of that section within the picture are read.
    """
    segmentation = findings.segmentation
    if not segmentation.box.contains(focus.voxel):
        return None
    box, rows, columns = _section(segmentation, focus.voxel)
    step = min(segmentation.grid.voxel_size[1:])
    labels = _read(segmentation, box, rows, columns)
    if findings.image is None:
        grey = np.full((SIDE, SIDE), GREY / 255)
    else:
        grey = _stretched(_read(findings.image, box, rows, columns))
    truth = None
    if findings.voxels is not None:
        truth = _read(findings.voxels.truth, box, rows, columns)
    pixels = _tinted(grey, labels, _strong(labels, truth, focus))
    if truth is not None:
        _outline(pixels, truth, focus.objects)
    inside = (rows >= 0)[:, None] & (columns >= 0)[None, :]
    pixels[~inside] = 0.5
    _mark(pixels, rows, columns, focus.voxel, box)
    bar = _bar(pixels, step)
    return Picture(_as_uri(pixels), bar)


def colour(segment: int) -> tuple[float, float, float]:
    """Return the colour (red, green, blue; 0..1) of a segment."""
    hue = (segment * 0.6180339887498949) % 1.0
    return colorsys.hsv_to_rgb(hue, 0.75, 1.0)


def _section(
    volume: Volume, voxel: Zyx
) -> tuple[Box, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the box to read, and for each pixel row and column its place in it, -1 outside.

    The place is in the middle, or as near to it as the borders of the volume let it be.
    """
    size, shape = volume.grid.voxel_size, volume.shape
    step = min(size[1:])
    start, stop, places = [voxel[0]], [voxel[0] + 1], []
    for axis in (1, 2):
        across = SIDE * step / size[axis]  # voxels
        begin = min(max(0.0, voxel[axis] + 0.5 - across / 2), max(0.0, shape[axis] - across))
        index = np.floor(begin + (np.arange(SIDE) + 0.5) * across / SIDE).astype(np.int64)
        inside = (index >= 0) & (index < shape[axis])
        low, high = int(index[inside].min()), int(index[inside].max()) + 1
        start.append(low)
        stop.append(high)
        places.append(np.where(inside, index - low, -1))
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])), places[0], places[1]


def _read(
    volume: Volume, box: Box, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]
) -> Labels:
    """Read a section at the pixels; what is outside repeats something inside."""
    section = volume.read(box)[0]
    pixels: Labels = section[np.maximum(rows, 0)][:, np.maximum(columns, 0)]
    return pixels


def _stretched(section: Labels) -> Rgb:
    """Return grey values in 0..1, all but the extremes spread over them."""
    values = np.nan_to_num(section.astype(np.float64), posinf=0, neginf=0)
    low, high = np.quantile(values, (0.005, 0.995))
    grey: Rgb = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    return grey if high > low else np.full(values.shape, 0.5)


def _strong(labels: Labels, truth: Labels | None, focus: Focus) -> npt.NDArray[np.bool_]:
    """Tell which pixels have full colour."""
    if focus.segments is not None or truth is None:
        return _among(labels, focus.segments or ())
    return _among(truth, focus.objects)


def _among(labels: Labels, ids: Collection[int]) -> npt.NDArray[np.bool_]:
    return np.isin(labels.astype(np.uint64), np.array(list(ids), np.uint64))


def _tinted(grey: Rgb, labels: Labels, strong: npt.NDArray[np.bool_]) -> Rgb:
    """Put the colours of segments onto the image."""
    pixels = np.repeat(grey[:, :, None], 3, axis=2)
    share = np.where(strong, STRONG, PALE)[:, :, None] * (labels != 0)[:, :, None]
    names, place = np.unique(labels, return_inverse=True)
    colours = np.array([colour(name) for name in names.tolist()])
    tinted: Rgb = (1 - share) * pixels + share * colours[place.reshape(labels.shape)]
    return tinted


def _outline(pixels: Rgb, truth: Labels, chosen: Collection[int]) -> None:
    """Draw the border of true objects into `pixels`."""
    border = np.zeros(truth.shape, bool)
    border[1:] |= truth[1:] != truth[:-1]
    border[:, 1:] |= truth[:, 1:] != truth[:, :-1]
    pixels[border] = 0.7 * pixels[border] + 0.3 * 0.6
    mine = _among(truth, chosen)
    bright = np.zeros(truth.shape, bool)
    for axis in (0, 1):
        for shift in (-1, 1):
            bright |= mine & (np.roll(truth, shift, axis) != truth)
    bright[0] = bright[-1] = bright[:, 0] = bright[:, -1] = False
    pixels[bright] = 1.0


def _mark(
    pixels: Rgb,
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    voxel: Zyx,
    box: Box,
) -> None:
    """Draw four ticks around the place, which itself stays visible."""
    y = int(np.abs(rows - (voxel[1] - box.start[1])).argmin())
    x = int(np.abs(columns - (voxel[2] - box.start[2])).argmin())
    for thick, value in ((1, 0.0), (0, 1.0)):
        for near, far in ((5, 11), (-10, -4)):
            for top, left, tall, wide in ((near, 0, far, 1), (0, near, 1, far)):
                ends = y + top - thick, y + tall + thick, x + left - thick, x + wide + thick
                first, last, begin, end = (max(0, n) for n in ends)
                pixels[first:last, begin:end] = value


def _bar(pixels: Rgb, step: float) -> float:
    """Draw a scale bar of a round length, and return that in nm."""
    most = SIDE * step / 3
    power = 10.0 ** math.floor(math.log10(most))
    length = max(n * power for n in (1, 2, 5) if n * power <= most)
    width = round(length / step)
    pixels[-13:-7, 7 : 9 + width] = 0
    pixels[-12:-8, 8 : 8 + width] = 1
    return length


def _as_uri(pixels: Rgb) -> str:
    image = Image.fromarray(np.rint(pixels * 255).astype(np.uint8), "RGB")
    reduced = image.quantize(COLOURS, dither=Image.Dither.NONE)
    file = io.BytesIO()
    reduced.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
