"""Training on a CUDA card, by the verb, in all its ways."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("waterz")

from napari_axonem.networks import ffn  # noqa: E402
from napari_axonem.networks.files import load_model  # noqa: E402
from napari_axonem.training import flood_run  # noqa: E402
from napari_axonem.training.start import train  # noqa: E402
from tests.training.fields import write_field  # noqa: E402
from tests.training.tasks import Notes, settings_for  # noqa: E402

WAYS = {
    "single": {},
    "loaders": {"loaders": 2},
    "bf16": {"precision": "auto"},
    "pipeline": {"strategy": "pipeline"},
    "three stages": {"strategy": "pipeline", "cuts": (4, 8), "order": "paper"},
    "computed again": {"strategy": "pipeline", "recompute": (0,)},
}


def of_unet(folder, place, name, **changes):
    plain = {"volumes": (place + "[:16]",), "validation": (place + "[16:]",), "widths": (4, 6)}
    plain |= {"patch": (8, 16, 16), "long_range": (30.0,), "steps": 12, "batch": 2}
    return settings_for(folder / name, **{**plain, **changes})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return write_field(tmp_path_factory.mktemp("field") / "field.h5")


@pytest.fixture(scope="module")
def expected(place, tmp_path_factory):
    """Losses on the processor."""
    notes = Notes()
    train(of_unet(tmp_path_factory.mktemp("cpu"), place, "cpu", checkpoint_every=1), notes)
    return notes.curves["loss/train"]


@pytest.mark.parametrize("way", WAYS)
def test_the_card_learns_what_the_processor_learns(gpu, place, expected, tmp_path, way):
    notes, how = Notes(), {"devices": (gpu,), **WAYS[way]}
    result = train(of_unet(tmp_path, place, "run", **how), notes)
    assert result.steps == 12
    assert {"voi/validation", "threshold"} <= result.scores.figures.keys()
    found = notes.curves["loss/train"]
    assert [n for n, _ in found] == [n for n, _ in expected]
    tolerance = 0.05 if way == "bf16" else 1e-4
    assert found[0][1] == pytest.approx(expected[0][1], rel=tolerance)
    assert load_model(result.model).card.patch == (8, 16, 16)


def test_stopped_and_taken_up_on_the_card(gpu, place, tmp_path):
    train(of_unet(tmp_path, place, "run", devices=(gpu,), steps=8))
    result = train(of_unet(tmp_path, place, "run", devices=(gpu,), resume=True))
    assert result.steps == 12


def test_flood_filling_is_trained(gpu, place, tmp_path, monkeypatch):
    small = ffn.FfnSettings(depth=2, features=4, step=(2, 2, 2))
    monkeypatch.setattr(flood_run, "FfnSettings", lambda: small)
    monkeypatch.setattr(flood_run, "VALIDATED", 3)
    plain = {"model": "ffn", "volumes": (place,), "validation": (place + "[12:]",), "batch": 2}
    plain |= {"patch": (9, 9, 9), "steps": 6, "checkpoint_every": 2, "validate_every": 3}
    result = train(settings_for(tmp_path, **plain, devices=(gpu,)))
    assert result.steps == 6
    assert np.isfinite(result.scores.worth)
