"""`evaluate --report`: a page beside the figures, and flags that make no sense without it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_axonem.cli import main

from .conftest import Run

Refused = Callable[[Sequence[str]], str]


def test_a_report_is_written_and_named(
    run: Run, refused: Refused, volumes: str, tmp_path: Path
) -> None:
    page = tmp_path / "new" / "report.html"
    call = ["evaluate", f"{volumes}:fragments", "--truth", f"{volumes}:truth"]
    call += ["--report", str(page)]
    found = run(*call, "--image", f"{volumes}:image")
    assert found["report"] == str(page)
    text = page.read_text(encoding="utf-8")
    assert f"{volumes}:image" in text
    assert f"{found['voi']['total']:.4f}" in text
    assert text.count("data:image/png;base64,") >= 2
    page.write_text("mine")
    assert "exists already" in refused(call)
    assert page.read_text() == "mine"
    run(*call, "--overwrite")
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [p.name for p in page.parent.iterdir()] == ["report.html"]


def test_the_text_says_where_it_is(
    capsys: pytest.CaptureFixture[str], volumes: str, tmp_path: Path
) -> None:
    page = str(tmp_path / "r.html")
    truth = ["--truth", f"{volumes}:truth"]
    assert main(["evaluate", f"{volumes}:fragments", *truth, "--report", page]) == 0
    assert f"report written to {page}" in capsys.readouterr().out


def test_signed_labels_are_reported(run: Run, volumes: str, tmp_path: Path) -> None:
    with h5py.File(volumes, "a") as file:
        file["signed"] = file["fragments"][:].astype(np.int32)
        file["signed"].attrs["voxel_size_nm"] = (30.0, 8.0, 8.0)
    page = tmp_path / "r.html"
    run("evaluate", f"{volumes}:signed", "--truth", f"{volumes}:truth", "--report", str(page))
    assert "False split" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("flags", [["--image", "I"], ["--overwrite"]])
def test_flags_about_a_report_need_one(flags: list[str], refused: Refused, volumes: str) -> None:
    said = refused(["evaluate", f"{volumes}:fragments", "--truth", f"{volumes}:truth", *flags])
    assert f"{flags[0]}: it is about a report" in said


def test_an_image_of_another_grid_is_refused_first(
    refused: Refused, volumes: str, tmp_path: Path
) -> None:
    with h5py.File(volumes, "a") as file:
        file["small"] = np.zeros((4, 8, 20), np.uint8)
    page = tmp_path / "r.html"
    call = ["evaluate", f"{volumes}:fragments", "--truth", f"{volumes}:truth"]
    said = refused([*call, "--report", str(page), "--image", f"{volumes}:small"])
    assert "(4, 8, 20)" in said
    assert not page.exists()
