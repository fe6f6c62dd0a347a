"""Suggestions kept with a project, and what edits make of them."""

import json
from pathlib import Path

import numpy as np
import pytest

from napari_axonem.cli import main
from napari_axonem.evaluation.suggestions import Suggestion
from napari_axonem.geometry import Box
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.suggested import FILE, Suggested, agglomeration_of, suggest_for

from .conftest import Maker, centre


def suggestion(kind: str, segments: tuple[int, ...], red, blue, score=0.9) -> Suggestion:
    box = Box((0, 0, 0), (4, 8, 8))
    position = (15.0, 4.0, 4.0)
    return Suggestion(kind, segments, position, score, "why", 256, box, (red,), (blue,))


def middle(bars, fragment: int) -> tuple[int, int, int]:
    z, y, x = np.argwhere(bars == fragment).mean(axis=0).round().astype(int).tolist()
    return z, y, x


@pytest.fixture
def path(make_project: Maker, bars) -> Path:
    groups = np.array([0, 1, 2, 3, 4, 4, 4], np.uint32)
    return make_project(fragments=bars, segmentation=groups[bars])


@pytest.fixture
def suggestions(bars) -> list[Suggestion]:
    a, b, c, d, e = (middle(bars, n) for n in (1, 2, 3, 4, 6))
    return [
        suggestion("false_split", (1, 2), a, b),
        suggestion("false_split", (2, 3), b, c, 0.8),
        suggestion("false_merge", (4,), d, e, 0.7),
    ]


def segments(found: list[Suggestion]) -> list[tuple[int, ...]]:
    return [s.segments for s in found]


def test_a_suggestion_is_settled_by_what_was_done_and_not_by_whom(path, bars, suggestions) -> None:
    with Project(path) as project:
        kept = Suggested.of(project, suggestions)
        assert kept.standing(project.state) == suggestions
        project.merge([centre(bars, 1), centre(bars, 3)])  # makes a detour
        assert segments(kept.standing(project.state)) == [(1, 2), (1, 2), (4,)]
        project.merge([centre(bars, 2), centre(bars, 3)])
        assert segments(kept.standing(project.state)) == [(4,)]
        project.split(project.plan_split([centre(bars, 4)], [centre(bars, 6)]))
        assert kept.standing(project.state) == []
        for _ in range(3):
            project.undo()
        assert kept.standing(project.state) == suggestions


def test_a_cut_through_a_fragment_is_followed(make_project: Maker) -> None:
    block = np.ones((6, 12, 24), np.uint32)
    with Project(make_project(fragments=block)) as project:
        kept = Suggested.of(project, [suggestion("false_merge", (1,), (3, 6, 1), (3, 6, 22))])
        ends = [tuple((np.array(v) + 0.5) * (30.0, 8.0, 8.0)) for v in ((3, 6, 1), (3, 6, 22))]
        project.split(project.plan_split(ends[:1], ends[1:]))
        assert project.graph.n_fragments == 2
        assert kept.standing(project.state) == []
        project.undo()
        assert segments(kept.standing(project.state)) == [(1,)]
        later = Suggested.of(project, kept.suggestions)
        assert segments(later.standing(project.state)) == [(1,)]


def test_what_an_edit_joined_is_no_weak_join(make_project: Maker, bars) -> None:
    affinities = np.full((3, *bars.shape), 0.9, np.float32)
    affinities[2, ..., 8], affinities[1, :, 8] = 0.5, 0.1  # 1 to 2 and 4 to 5; the bars
    groups = np.array([0, 1, 1, 1, 4, 4, 4], np.uint32)
    path = make_project(fragments=bars, segmentation=groups[bars], affinities=affinities)

    def weak(project: Project) -> list[tuple[int, ...]]:
        found = suggest_for(project)
        assert all("joined with a score" in s.reason for s in found if s.kind == "false_merge")
        # every fragment has fewer voxels than are suggested by default
        return [s.segments for s in found if s.kind == "false_merge"]

    with Project(path) as project:
        before = agglomeration_of(project)
        assert before.score[before.on].min() == pytest.approx(0.5)
        assert weak(project) == []
        project.merge([centre(bars, 1), centre(bars, 4)])
        after = agglomeration_of(project)
        joined = np.flatnonzero(after.on & ~before.on)
        assert np.isnan(after.score[joined]).all()
        assert np.isfinite(after.score[~np.isin(np.arange(len(after.on)), joined)]).all()


def test_they_are_kept_whole_or_not_at_all(path: Path, suggestions) -> None:
    with Project(path) as project:
        kept = Suggested.of(project, suggestions)
        assert Suggested.read(path) is None
        kept.write(path)
        again = Suggested.read(path)
        assert again.suggestions == kept.suggestions
        assert again.standing(project.state) == suggestions
        assert [f.name for f in path.glob(f"*{FILE}*")] == [FILE]
    text = (path / FILE).read_text()
    for damaged in (text[:-5], "[]", text.replace('"version": 1', '"version": 2')):
        (path / FILE).write_text(damaged)
        assert Suggested.read(path) is None


def test_the_command_keeps_suggestions_also_where_there_is_truth(
    make_project: Maker, bars, capsys
) -> None:
    image = np.full(bars.shape, 160, np.uint8)
    image[:, 7:9] = 60
    path = make_project(fragments=bars, truth=(bars + 2) // 3, image=image)
    assert main(["errors", str(path), "--json"]) == 0
    assert all("gain_voi" in row for row in json.loads(capsys.readouterr().out))
    assert Suggested.read(path) is None
    assert main(["errors", str(path), "--suggestions", "--keep", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    kept = Suggested.read(path)
    assert [s.reason for s in kept.suggestions] == [row["reason"] for row in rows]
    with Project(path) as project:
        assert segments(kept.standing(project.state)) == [tuple(row["segments"]) for row in rows]


def test_flags_about_projects_are_refused_for_volumes(capsys, tmp_path) -> None:
    assert main(["errors", str(tmp_path / "x.h5:labels"), "--keep"]) == 2
    assert "--keep" in capsys.readouterr().err
