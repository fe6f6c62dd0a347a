"""The report page: whole by itself, safe with any name, and right in what it shows."""

import base64
import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_axonem.errors import MismatchError, VolumeError
from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.erl import erl
from napari_axonem.evaluation.overlaps import overlap_table
from napari_axonem.evaluation.report import (
    Findings,
    RunFindings,
    VoxelFindings,
    fit_into_cells,
    write_report,
)
from napari_axonem.evaluation.report.histogram import histogram, runs_of
from napari_axonem.evaluation.report.markup import element, text
from napari_axonem.evaluation.report.pictures import SIDE, Focus, colour, picture
from napari_axonem.evaluation.report.worst import worst_skeletons
from napari_axonem.evaluation.scores import adapted_rand, voi
from napari_axonem.evaluation.skeletons import Tree, from_trees, lookup
from napari_axonem.geometry import Grid
from napari_axonem.volumes import Volume, open_volume
from tests.evaluation.erl_cases import random_case, volume_of

SIZE = (30.0, 8.0, 8.0)


def line(id_, start, stop):
    """A skeleton along x through the middle of `labels`."""
    at = np.stack([np.full(stop - start, 2), np.full(stop - start, 15), np.arange(start, stop)])
    steps = np.arange(stop - start - 1)
    return Tree(id_, (at.T + 0.5) * SIZE, np.stack([steps, steps + 1], 1))


def labels(*bounds, ids):
    """Slabs along x, shape (4, 30, 60)."""
    row = np.zeros(60, np.uint32)
    for start, stop, id_ in zip((0, *bounds), (*bounds, 60), ids, strict=True):
        row[start:stop] = id_
    return np.broadcast_to(row, (4, 30, 60)).copy()


def findings(segments=None, name="made", **runs):
    """True object 7 is cut into 1 and 2; segment 3 holds 8 and 9; 70 nm of each are in the open."""
    truth = volume_of(labels(20, 40, ids=(7, 8, 9)), SIZE, name="truth")
    if segments is None:
        segments = labels(10, 20, ids=(1, 2, 3))
    segmentation = volume_of(segments, SIZE, name=name)
    table = overlap_table(segmentation, truth)
    cells = tabulate(segmentation, truth) if fit_into_cells(table) else None
    skeletons = from_trees([line(7, 0, 20), line(8, 20, 40), line(9, 40, 60)])
    nodes = lookup(segmentation, skeletons)
    result = erl(skeletons, nodes.segment, SIZE, intervals=(0, 100, 1000), **runs)
    image = np.random.default_rng(0).integers(0, 255, (4, 30, 60)).astype(np.uint8)
    return Findings(
        segmentation,
        VoxelFindings(truth, table, voi(table), adapted_rand(table), cells),
        RunFindings("skeletons.npz", skeletons, nodes.segment, nodes.outside, result),
        volume_of(image, SIZE, name="image"),
    )


def page_of(found, folder):
    """Write a report and return it as text and as elements, which a strict parser reads."""
    path = folder / "report.html"
    write_report(path, found, overwrite=True)
    page = path.read_text(encoding="utf-8")
    return page, ET.fromstring(page.partition("\n")[2])


def words_of(root):
    return " ".join("".join(root.itertext()).split())


def test_the_page_is_whole_and_loads_nothing(tmp_path):
    page, root = page_of(findings(), tmp_path)
    assert page.startswith("<!DOCTYPE html>\n")
    names = {node.tag for node in root.iter()}
    assert {"svg", "img", "table", "dl"} <= names
    assert not names & {"script", "link", "iframe", "object", "use"}
    for node in root.iter():
        assert not any(name.startswith("on") or "href" in name for name in node.attrib)
        if node.tag == "img":
            uri = node.attrib["src"]
            assert uri.startswith("data:image/png;base64,")
            image = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2], validate=True)))
            image.load()
            assert image.size == (SIDE, SIDE)
            assert node.attrib["alt"]
    assert not re.search(r"https?:|url\(|@import", page)
    assert "default-src 'none'" in root.find("head/meta[@http-equiv]").attrib["content"]


def test_what_was_compared_and_every_figure_is_there(tmp_path):
    found = findings(merge_threshold=3)
    said = words_of(page_of(found, tmp_path)[1])
    assert "segmentationmade" in said
    assert "4 x 30 x 60 voxels" in said
    assert "30 x 8 x 8 nm" in said
    assert "em_erl, no no-merge mask" in said
    assert "merge threshold3 nodes" in said
    assert f"{found.voxels.voi.total:.4f}" in said
    assert f"split {found.voxels.voi.split:.4f}, merge {found.voxels.voi.merge:.4f}" in said
    assert f"{found.voxels.rand.adapted_error:.4f}" in said
    assert f"{found.runs.erl.normalised:.4f}" in said
    assert "100 nm to 1.00 µm" in said.replace("\u2009", " ")
    assert "True object 7" in said
    assert "Segment 3" in said
    assert "False merge" in said
    assert "False split" in said


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>&amp;\"'", "a\x00b\x1bc", "caf\udce9.h5", "]]>"]
)
def test_names_are_text_whatever_they_hold(tmp_path, name):
    found = findings(name=name)
    page, root = page_of(found, tmp_path)
    assert "<script" not in page
    shown = root.find("body/dl/dd").text
    assert shown == re.sub("[\x00\x1b\udce9]", "\ufffd", name)


def test_elements_escape_children_and_attributes():
    assert element("b", "<&>", title='"') == '<b title="&quot;">&lt;&amp;&gt;</b>'
    assert text(element("i", "x")) == "<i>x</i>"
    assert element("img", src="x") == '<img src="x"/>'


def test_each_half_alone(tmp_path):
    found = findings()
    by_voxels = words_of(page_of(replace(found, runs=None, image=None), tmp_path)[1])
    assert "expected run length" not in by_voxels
    assert "Segment 3" in by_voxels
    along = words_of(page_of(replace(found, voxels=None, image=None), tmp_path)[1])
    assert "variation of information" not in along
    assert "Skeleton 7" in along


def test_without_an_error_there_is_nothing_worst(tmp_path):
    said = words_of(page_of(findings(labels(20, 40, ids=(1, 2, 3))), tmp_path)[1])
    assert "All are followed without an error" in said
    assert "None adds to the split half" in said
    assert "There is none of 100 voxels" in said


def test_ids_too_large_for_cells_are_told(tmp_path):
    segments = labels(10, 20, ids=(1, 2, 3)).astype(np.uint64) << np.uint64(40)
    found = findings(segments)
    assert found.voxels.cells is None
    said = words_of(page_of(found, tmp_path)[1])
    assert "Errors are not listed" in said
    assert f"Segment {3 << 40}" in said


def test_the_image_has_to_fit_and_an_old_page_stays(tmp_path):
    found = findings()
    other = volume_of(np.zeros((4, 30, 61), np.uint8), SIZE)
    with pytest.raises(MismatchError, match="61"):
        write_report(tmp_path / "r.html", replace(found, image=other))
    assert not list(tmp_path.iterdir())
    (tmp_path / "r.html").write_text("mine")
    with pytest.raises(VolumeError, match="exists already"):
        write_report(tmp_path / "r.html", found)
    assert (tmp_path / "r.html").read_text() == "mine"


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("definition", ["em_erl", "paper2021"])
def test_run_lengths_have_expected_run_length_as_mean(seed, definition):
    case = random_case(seed)
    nodes = lookup(case.volume, case.skeletons)
    result = erl(
        case.skeletons,
        nodes.segment,
        nodes.voxel_size,
        definition=definition,
        merge_threshold=case.threshold,
    )
    runs = runs_of(case.skeletons, nodes.segment, result)
    whole = case.skeletons.lengths.sum()
    assert (runs.length**2).sum() / whole == pytest.approx(result.erl_nm)
    shown = histogram(case.skeletons, runs)
    assert shown.truth.sum() == pytest.approx(1)
    assert shown.segmentation.sum() + shown.lost == pytest.approx(1)
    assert shown.edges[-1] >= case.skeletons.lengths.max()
    assert (np.diff(shown.edges) > 0).all()
    losses = worst_skeletons(
        RunFindings("", case.skeletons, nodes.segment, nodes.outside, result),
        runs,
        case.volume.grid,
        len(case.skeletons),
    )
    assert [one.loss_nm for one in losses] == sorted((o.loss_nm for o in losses), reverse=True)
    assert sum(one.loss_nm for one in losses) == pytest.approx(result.truth_erl_nm - result.erl_nm)


def test_the_worst_place_of_a_skeleton_is_at_its_error():
    found = findings()
    runs = runs_of(found.runs.skeletons, found.runs.node_segment, found.runs.erl)
    worst = worst_skeletons(found.runs, runs, Grid(SIZE), 3)
    at = {int(found.runs.skeletons.ids[one.place]): one for one in worst}
    assert (at[7].cause, at[7].segments) == ("split", (1, 2))
    assert at[7].voxel in {(2, 15, 9), (2, 15, 10)}
    assert at[8].cause == at[9].cause == "merged"
    assert at[8].segments == (3,)
    assert at[8].loss_nm == pytest.approx(19 * 8 * 19 * 8 / (3 * 19 * 8))


def pixels_of(found, focus):
    drawn = picture(found, focus)
    data = base64.b64decode(drawn.uri.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int), drawn


def test_a_picture_shows_segments_and_the_outline_of_the_object():
    wide = (1, 400, 400)
    segments, truth = np.ones(wide, np.uint32), np.ones(wide, np.uint32)
    segments[:, :, 200:], truth[:, 190:, :] = 2, 5
    found = Findings(volume_of(segments, SIZE), image=None)
    table = overlap_table(found.segmentation, volume_of(truth, SIZE))
    voxels = VoxelFindings(volume_of(truth, SIZE), table, voi(table), adapted_rand(table), None)
    pixels, drawn = pixels_of(replace(found, voxels=voxels), Focus((0, 200, 200), (2,), (5,)))
    left, right = pixels[150, 40], pixels[150, 140]
    assert np.ptp(right) > 3 * np.ptp(left) > 0
    assert np.argmax(right) == np.argmax(colour(2))
    row = SIDE // 2 - 11  # of voxel 190
    assert (pixels[row, 20:60] == 255).all()
    assert drawn.bar_nm == 200
    everywhere, _ = pixels_of(replace(found, voxels=voxels), Focus((0, 200, 200), None, (5,)))
    assert np.ptp(everywhere[150, 40]) > 3 * np.ptp(everywhere[20, 40])


def test_pictures_stay_inside_and_have_square_pixels():
    found = findings()
    for voxel in ((0, 0, 0), (3, 29, 59)):
        pixels, _ = pixels_of(found, Focus(voxel, (1,), (7,)))
        assert pixels.shape == (SIDE, SIDE, 3)
    assert picture(found, Focus((4, 0, 0))) is None
    assert picture(found, Focus((0, -1, 0))) is None
    flat = np.arange(200, dtype=np.uint32).repeat(200).reshape(1, 200, 200) // 100 + 1
    pixels, _ = pixels_of(Findings(volume_of(flat, (1.0, 16.0, 8.0))), Focus((0, 100, 100), (1,)))
    assert np.ptp(pixels[60, 88]) > 3 * np.ptp(pixels[120, 88])


class Watched:
    """Labels that note how much of them was read."""

    dtype = np.dtype(np.uint32)

    def __init__(self, shape):
        self.shape, self.most = shape, 0

    def __getitem__(self, key):
        shape = tuple(part.stop - part.start for part in key)
        self.most = max(self.most, int(np.prod(shape)))
        return np.ones(shape, np.uint32)


def test_of_a_huge_volume_only_a_section_is_read():
    level = Watched((10**5, 10**5, 10**5))
    volume = Volume((level,), ((1, 1, 1),), Grid((40.0, 4.0, 4.0)), "huge", "made")
    assert picture(Findings(volume), Focus((5, 10**5 - 1, 50), (1,))) is not None
    assert level.most <= SIDE**2


def test_the_page_of_real_data(fib25: Path, tmp_path):
    parts = {
        name: open_volume(f"{fib25}:{name}", voxel_size=(10.0, 10.0, 10.0))
        for name in ("ffn", "gt", "raw")
    }
    table = overlap_table(parts["ffn"], parts["gt"])
    voxels = VoxelFindings(parts["gt"], table, voi(table), adapted_rand(table), None)
    page, root = page_of(Findings(parts["ffn"], voxels, None, parts["raw"]), tmp_path)
    assert "True object 498" in words_of(root)
    assert len(page) < 2_000_000
