"""The verb `evaluate`: what it says of voxels, of skeletons, and of what does not fit."""

from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_axonem.cli import main
from napari_axonem.evaluation.skeletons import Tree, from_trees, write_skeletons

from .conftest import Run

Refused = Callable[[Sequence[str]], str]


@pytest.fixture
def skeletons(tmp_path: Path) -> str:
    """Centre lines of the two true objects of `volumes`: 0 to 152 nm and 160 to 232 nm along x."""
    trees = []
    for id_, start, stop in ((7, 0, 20), (9, 20, 30)):
        at = np.stack([np.full(stop - start, 2), np.full(stop - start, 4), np.arange(start, stop)])
        steps = np.arange(stop - start - 1)
        trees.append(Tree(id_, (at.T + 0.5) * (30, 8, 8), np.stack([steps, steps + 1], 1)))
    write_skeletons(tmp_path / "truth.npz", from_trees(trees))
    return str(tmp_path / "truth.npz")


def test_both_in_one_result(run: Run, volumes: str, skeletons: str) -> None:
    found = run(
        "evaluate",
        *("--truth", f"{volumes}:truth", "--skeletons", skeletons, "--intervals", "0,100,200,300"),
        f"{volumes}:fragments",
    )
    assert found["voi"]["split"] == pytest.approx(2 / 3)
    assert found["rand"]["precision"] == 1
    score = found["erl"]
    # 152 nm in two pieces of 72 nm, and 72 nm in one.
    assert score["erl_nm"] == pytest.approx((2 * 72**2 + 72**2) / (152 + 72))
    assert score["truth_erl_nm"] == pytest.approx((152**2 + 72**2) / (152 + 72))
    assert score["normalised"] == pytest.approx(3 * 72**2 / (152**2 + 72**2))
    assert (score["definition"], score["merge_threshold"]) == ("em_erl", 0)
    assert (score["resolution_nm"], score["skeletons"]) == ([30, 8, 8], 2)
    assert [i["skeletons"] for i in score["intervals"]] == [1, 1, 0]
    assert score["intervals"][0] == {
        "from_nm": 0,
        "to_nm": 100,
        "skeletons": 1,
        "erl_nm": pytest.approx(72),
        "truth_erl_nm": pytest.approx(72),
        "normalised": 1,
    }
    assert score["intervals"][2]["erl_nm"] is score["intervals"][2]["normalised"] is None
    assert "per_skeleton" not in score


def test_each_half_alone(run: Run, volumes: str, skeletons: str) -> None:
    by_voxels = run("evaluate", f"{volumes}:fragments", "--truth", f"{volumes}:truth")
    assert by_voxels["erl"] is None
    along = run("evaluate", f"{volumes}:fragments", "--skeletons", skeletons, "--per-skeleton")
    assert along["voi"] is along["rand"] is None
    first, second = along["erl"]["per_skeleton"]
    assert first == {
        "id": 7,
        "length_nm": pytest.approx(152),
        "omitted_nm": 0,
        "split_nm": pytest.approx(8),
        "merged_nm": 0,
        "correct_nm": pytest.approx(144),
        "erl_nm": pytest.approx(2 * 72**2 / 152),
    }
    assert second["correct_nm"] == second["length_nm"]


def test_the_text_states_what_belongs_to_a_score(
    capsys: pytest.CaptureFixture[str], volumes: str, skeletons: str
) -> None:
    flags = ["--merge-threshold", "3", "--definition", "paper2021", "--intervals", "0,100,150"]
    assert main(["evaluate", f"{volumes}:fragments", "--skeletons", skeletons, *flags]) == 0
    text = capsys.readouterr().out
    assert "definition paper2021, merge threshold 3, resolution 30 x 8 x 8 nm" in text
    assert "no no-merge mask" in text
    assert "100 to 150 nm: empty" in text
    assert "VOI" not in text


def test_a_mask_is_on_the_grid_of_the_segmentation(
    run: Run, refused: Refused, volumes: str, skeletons: str
) -> None:
    with h5py.File(volumes, "a") as file:
        mask = np.zeros((4, 8, 30), np.uint8)
        mask[0, 0, 25] = 255  # inside of fragment 3
        file["mask"] = mask
        file["small"] = mask[:2]
        file["coarse"] = mask
        file["coarse"].attrs["voxel_size_nm"] = (30.0, 16.0, 16.0)
    call = ["evaluate", f"{volumes}:fragments", "--skeletons", skeletons, "--no-merge-mask"]
    score = run(*call, f"{volumes}:mask", "--per-skeleton")["erl"]
    assert score["no_merge_mask"] is True
    assert [row["merged_nm"] for row in score["per_skeleton"]] == [0, pytest.approx(72)]
    assert run(*call, f"{volumes}:mask", "--merge-threshold", "1")["erl"]["normalised"] > 0.5
    said = refused([*call, f"{volumes}:small"])
    assert "(4, 8, 30)" in said
    assert "(2, 8, 30)" in said
    said = refused([*call, f"{volumes}:coarse"])
    assert "(30.0, 8.0, 8.0)" in said
    assert "(30.0, 16.0, 16.0)" in said
    assert "knows no mask" in refused([*call, f"{volumes}:mask", "--definition", "paper2021"])


def test_truth_of_another_grid_is_refused_with_both(
    refused: Refused, volumes: str, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        for name, shape, size in (("cut", (4, 8, 20), 8.0), ("coarse", (4, 8, 30), 9.0)):
            file[name] = np.ones(shape, np.uint8)
            file[name].attrs["voxel_size_nm"] = (30.0, size, size)
    call = ["evaluate", f"{volumes}:fragments", "--truth"]
    said = refused([*call, f"{tmp_path}/other.h5:cut"])
    assert "(4, 8, 30)" in said
    assert "(4, 8, 20)" in said
    said = refused([*call, f"{tmp_path}/other.h5:coarse"])
    assert "(30.0, 8.0, 8.0)" in said
    assert "(30.0, 9.0, 9.0)" in said


def test_truth_in_a_part_of_the_volume(run: Run, volumes: str) -> None:
    with h5py.File(volumes, "a") as file:
        truth = file["truth"][:]
        truth[:, :, :10] = truth[:, :, 20:] = 0
        file["part"] = truth
        file["part"].attrs["voxel_size_nm"] = (30.0, 8.0, 8.0)
    found = run("evaluate", f"{volumes}:fragments", "--truth", f"{volumes}:part")
    assert found["voi"]["total"] == 0


def test_nodes_outside_are_told(
    run: Run, capsys: pytest.CaptureFixture[str], volumes: str, tmp_path: Path
) -> None:
    ends = np.array([[60, 32, 4], [60, 32, 12], [60, 32, 9000.0]])
    write_skeletons(tmp_path / "s.npz", from_trees([Tree(7, ends, np.array([[0, 1], [1, 2]]))]))
    call = ["evaluate", f"{volumes}:fragments", "--skeletons", str(tmp_path / "s.npz")]
    score = run(*call)["erl"]
    assert score["nodes_outside"] == 1
    assert score["erl_nm"] == pytest.approx(8 * 8 / 8996)
    assert main(call) == 0
    assert "1 node lies outside of the volume and counts as omitted" in capsys.readouterr().out


def test_voxel_skeletons_are_on_the_grid_of_the_segmentation(
    run: Run, refused: Refused, volumes: str, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["7/vertices"] = np.array([[2, 4, 0], [2, 4, 9]])
        file["7/edges"] = np.array([[0, 1]])
    call = ["evaluate", f"{volumes}:fragments", "--skeletons"]
    assert run(*call, str(tmp_path / "s.h5"))["erl"]["erl_nm"] == pytest.approx(72)
    (tmp_path / "7.swc").write_text("1 0 0 4 2 1 -1\n2 0 9 4 2 1 1\n")
    assert "--skeleton-unit" in refused([*call, str(tmp_path / "7.swc")])
    found = run(*call, str(tmp_path / "7.swc"), "--skeleton-unit", "voxel")
    assert found["erl"]["normalised"] == 1


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "--truth: there is nothing to compare"),
        (["--truth", "T", "--merge-threshold", "5"], "--merge-threshold: it is about skeletons"),
        (["--truth", "T", "--intervals", "0,5"], "--intervals: it is about skeletons"),
        (["--skeletons", "S", "--intervals", "0,x"], "--intervals"),
        (["--skeletons", "S", "--merge-threshold", "-1"], "--merge-threshold"),
        (["--skeletons", "S", "--definition", "funlib"], "--definition"),
    ],
)
def test_flags_that_make_no_sense(
    flags: list[str], said: str, refused: Refused, volumes: str
) -> None:
    assert said in refused(["evaluate", f"{volumes}:fragments", *flags])


def test_known_values_of_the_toy(run: Run, data_dir: Path) -> None:
    folder = data_dir / "em_erl"
    call = ["evaluate", f"{folder}/vol_pred.h5", "--skeletons", f"{folder}/gt_graph.npz"]
    call += ["--voxel-size", "30,30,30"]
    plain = run(*call)["erl"]
    assert (round(plain["erl_nm"], 2), round(plain["normalised"], 4)) == (2952.02, 0.7085)
    masked = run(*call, "--no-merge-mask", f"{folder}/vol_no-mask.h5")["erl"]
    assert (round(masked["erl_nm"], 2), round(masked["normalised"], 4)) == (1170.19, 0.2808)
