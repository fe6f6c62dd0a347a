"""Two processes under torchrun learn what one does, and leave the same kind of checkpoint."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
if not torch.distributed.is_available():
    pytest.skip("this torch has no torch.distributed", allow_module_level=True)

from torch import nn  # noqa: E402

from napari_axonem.training import trainer as module  # noqa: E402
from napari_axonem.training.trainer import Trainer  # noqa: E402
from tests.training.tasks import LineTask, Notes, settings_for  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def torchrun(folder, steps):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--master-addr", "127.0.0.1", "--rdzv-backend", "c10d"]
    command += ["--rdzv-endpoint", "127.0.0.1:0", "--no-python", sys.executable, "-m"]
    command += ["tests.training.rank", str(folder), str(steps)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]


def alone(folder, steps, monkeypatch, **changes):
    monkeypatch.setattr(module, "save_model", lambda path, *_, **__: path)
    settings = settings_for(folder, steps=steps, **changes)
    trainer = Trainer(LineTask(inner=nn.Identity), settings, Notes())
    trainer.run()
    return trainer._strategy.state_dict()


def test_two_processes_learn_what_one_does_and_either_goes_on(tmp_path, monkeypatch):
    first, second = torchrun(tmp_path, 8)
    one = alone(tmp_path / "one", 8, monkeypatch)
    assert first.keys() == one.keys()
    for name in one:
        assert torch.equal(first[name], second[name]), name
        assert torch.allclose(first[name].double(), one[name].double(), atol=1e-5), name
    resumed = alone(tmp_path, 16, monkeypatch, resume=True)  # their checkpoint, one process
    whole = alone(tmp_path / "one", 16, monkeypatch, resume=True)
    for name in whole:
        assert torch.allclose(resumed[name].double(), whole[name].double(), atol=1e-4), name
