"""`errors` with truth: what each row states, the filters, and the order."""

import h5py
import numpy as np
import pytest

from napari_axonem.evaluation.skeletons import Tree, from_trees, write_skeletons

SIZE = 10.0


@pytest.fixture
def files(tmp_path):
    """A long object in the segments 1 and 2, and a short one, of which 2 has swallowed a part."""
    truth = np.ones((10, 22, 200), np.uint32)
    truth[:, 20:] = 5
    segments = np.ones_like(truth)
    segments[:, :, 100:] = 2
    segments[:, 20:, :100] = 3
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as h5:
        for name, array in {"segments": segments, "truth": truth}.items():
            h5[name] = array
            h5[name].attrs["voxel_size_nm"] = (SIZE,) * 3
    steps = np.stack([np.arange(9), np.arange(1, 10)], axis=1)
    trees = [
        Tree(name, np.array([[5.5, y, 10 + 20 * n] for n in range(10)]) * SIZE, steps[:last])
        for name, y, last in ((1, 10.5, 9), (5, 21.5, 3))
    ]
    write_skeletons(from_trees(trees), tmp_path / "s.npz")
    return path


@pytest.fixture
def errors(files, run):
    def call(*arguments):
        volumes = [f"{files}:segments", "--truth", f"{files}:truth"]
        return run("errors", *volumes, *map(str, arguments))

    return call


def kinds(rows):
    return [row["kind"] for row in rows]


def test_cuts_come_before_the_joins_they_spoil(errors):
    assert kinds(errors("--rank", "voi"))[0] == "false_split"
    assert kinds(errors())[0] == "false_merge"
    rows = errors()
    assert rows[0]["gain_erl_nm"] is None
    assert (rows[0]["segments"], rows[0]["truth"]) == ([2], [5, 1])


def test_filters(errors):
    everything = errors()
    assert kinds(errors("--kind", "false_merge")) == ["false_merge"]
    large = errors("--min-voxels", 10_000, "--rank", "voi")
    assert [r["size_voxels"] >= 10_000 for r in large] == [True]
    inside = [r for r in everything if 190 <= r["position_nm"][1] < 220]
    assert 0 < len(inside) < len(everything)
    box = errors("--box", "0,190,0,100,220,2000")
    assert sorted(map(str, box)) == sorted(map(str, inside))


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--box", "0,0,0,0,1,1"], "--box"),
        (["--min-length", "5"], "--min-length"),
        (["--rank", "erl"], "--rank"),
    ],
)
def test_what_cannot_be_answered_is_refused(files, refused, flags, named):
    assert named in refused(["errors", f"{files}:segments", "--truth", f"{files}:truth", *flags])


def test_skeletons_give_gains_an_order_and_a_length(errors, tmp_path):
    skeletons = ["--skeletons", tmp_path / "s.npz"]
    rows = errors(*skeletons, "--rank", "erl")
    gains = [row["gain_erl_nm"] for row in rows]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > 0
    long = errors(*skeletons, "--min-length", 1000, "--kind", "false_split")
    assert {tuple(row["truth"]) for row in long} == {(1,)}
