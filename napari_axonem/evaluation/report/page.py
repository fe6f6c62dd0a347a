"""The whole page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from napari_axonem import __version__
from napari_axonem.evaluation.overlaps import require_same_grid
from napari_axonem.evaluation.report.cards import Cards
from napari_axonem.evaluation.report.findings import Findings, RunFindings
from napari_axonem.evaluation.report.lengths import length_sections
from napari_axonem.evaluation.report.markup import Markup, document, element, join
from napari_axonem.evaluation.report.objects import object_sections
from napari_axonem.evaluation.report.wording import bits_words, length_words
from napari_axonem.progress import Progress, silent
from napari_axonem.volumes.disk import replacing
from napari_axonem.wording import count_words


def write_report(
    destination: Path,
    findings: Findings,
    *,
    overwrite: bool = False,
    progress: Progress = silent,
) -> None:
    """Write a page that shows what an evaluation found, whole or not at all.

    Parameters
    ----------
    destination
        An HTML file.
    findings
        What is shown. Of its volumes only small sections are read, for the pictures.

    Raises
    ------
    MismatchError
        The image is on another grid than the segmentation.
    VolumeError
        There is something at `destination` and `overwrite` is false, or a volume cannot be read.
    StorageError
        The file cannot be written.
    """
    if findings.image is not None:
        require_same_grid(findings.segmentation, findings.image)
    page = _page(findings, progress)
    with replacing(destination, overwrite=overwrite) as path:
        path.write_text(page, encoding="utf-8")


def _page(findings: Findings, progress: Progress) -> str:
    show = Cards(findings, progress)
    parts = [_head(findings)]
    if findings.runs is not None:
        parts += length_sections(findings, findings.runs, show)
    if findings.voxels is not None:
        parts += object_sections(findings, findings.voxels, show)
    parts.append(element("footer", element("p", KEY, class_="soft")))
    return document("Evaluation", join(*parts))


KEY = (
    "In pictures, colours are segments: strong where the picture is about them, pale elsewhere. "
    "White lines are outlines of the true objects that it is about, grey lines those of others. "
    "Four ticks point at the place. Sections are (y, x); positions are (z, y, x)."
)


def _head(findings: Findings) -> Markup:
    volume = findings.segmentation
    facts: list[tuple[str, str]] = [("segmentation", volume.location)]
    if findings.voxels is not None:
        facts.append(("truth", findings.voxels.truth.location))
    if findings.runs is not None:
        facts.append(("skeletons", findings.runs.location))
    if findings.image is not None:
        facts.append(("image", findings.image.location))
    sizes = " x ".join(f"{s:g}" for s in volume.grid.voxel_size)
    facts += [
        ("shape (z, y, x)", " x ".join(f"{n:,}" for n in volume.shape) + " voxels"),
        ("voxel size (z, y, x)", f"{sizes} nm"),
    ]
    if findings.runs is not None:
        facts += _erl_facts(findings.runs)
    facts.append(("made by", f"napari-axonem {__version__}"))
    rows = [join(element("dt", name), element("dd", value)) for name, value in facts]
    figures = element("div", *_figures(findings), class_="figures")
    return join(element("h1", "Evaluation of a segmentation"), figures, element("dl", *rows))


def _erl_facts(found: RunFindings) -> list[tuple[str, str]]:
    result = found.erl
    mask = "with a no-merge mask" if result.masked else "no no-merge mask"
    resolution = " x ".join(f"{s:g}" for s in result.resolution_nm)
    return [
        ("definition of ERL", f"{result.definition}, {mask}"),
        ("merge threshold", count_words(result.merge_threshold, "node")),
        ("resolution of the look-up", f"{resolution} nm (z, y, x)"),
        ("skeletons", f"{result.skeletons:,}, {length_words(result.per_skeleton.length.sum())}"),
        ("nodes", f"{len(found.node_segment):,}, of which {found.outside:,} outside of the volume"),
    ]


def _figures(findings: Findings) -> Iterator[Markup]:
    if findings.voxels is not None:
        voi, rand = findings.voxels.voi, findings.voxels.rand
        halves = f"split {voi.split:.4f}, merge {voi.merge:.4f}; 0 is perfect"
        yield _figure_of(bits_words(voi.total), "variation of information", halves)
        parts = f"precision {rand.precision:.4f}, recall {rand.recall:.4f}; 0 is perfect"
        yield _figure_of(f"{rand.adapted_error:.4f}", "adapted Rand error (no unit)", parts)
    if findings.runs is not None:
        result = findings.runs.erl
        of = f"of {length_words(result.truth_erl_nm)} of the truth"
        yield _figure_of(length_words(result.erl_nm), "expected run length", of)
        yield _figure_of(f"{result.normalised:.4f}", "normalised ERL (no unit)", "1 is perfect")


def _figure_of(value: str, name: str, more: str) -> Markup:
    return element("div", element("b", value), name, element("span", more))
