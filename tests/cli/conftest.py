"""The command, run in this process."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from napari_axonem.cli import main

Run = Callable[..., Any]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a verb with ``--json`` and returns its result."""

    def call(*arguments: str) -> Any:
        status = main([*arguments, "--json"])
        printed = capsys.readouterr()
        assert status == 0, printed.err
        return json.loads(printed.out)

    return call


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[[Sequence[str]], str]:
    """Return a function that runs a verb which must fail, and returns the one line it says."""

    def call(arguments: Sequence[str], status: int = 2) -> str:
        assert main(list(arguments)) == status
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.count("\n") == 1, printed.err
        return printed.err

    return call


@pytest.fixture
def volumes(tmp_path: Path) -> str:
    """A file with fragments 1 2 3 in a row over two true objects, and an image."""
    fragments = np.repeat(np.arange(1, 4), 10)[np.newaxis, np.newaxis] * np.ones((4, 8, 1))
    file = tmp_path / "data.h5"
    with h5py.File(file, "w") as h5:
        for name, array in {
            "fragments": fragments.astype(np.uint32),
            "truth": np.where(fragments < 3, 7, 9).astype(np.uint64),
            "image": np.full(fragments.shape, 128, np.uint8),
        }.items():
            h5[name] = array
            h5[name].attrs["voxel_size_nm"] = (30.0, 8.0, 8.0)
    return str(file)


@pytest.fixture
def project(volumes: str, tmp_path: Path, run: Run) -> str:
    """A project of those volumes."""
    path = str(tmp_path / "test.axonem")
    roles = [x for n in ("fragments", "truth", "image") for x in (f"--{n}", f"{volumes}:{n}")]
    run("project", "create", path, *roles)
    return path
