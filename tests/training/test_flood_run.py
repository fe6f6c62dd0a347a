"""Training of a flood-filling network by the verb: resumed, it gives the same bits."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from napari_axonem.errors import SettingsError  # noqa: E402
from napari_axonem.networks import ffn  # noqa: E402
from napari_axonem.networks.files import load_model  # noqa: E402
from napari_axonem.training import flood_run as module  # noqa: E402
from napari_axonem.training.start import train  # noqa: E402
from napari_axonem.watching import Wish  # noqa: E402
from tests.training.fields import write_field  # noqa: E402
from tests.training.tasks import Notes, settings_for  # noqa: E402


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A network of two pairs of convolutions, and few examples to validate on."""
    monkeypatch.setattr(
        module, "FfnSettings", lambda: ffn.FfnSettings(depth=2, features=4, step=(2, 2, 2))
    )
    monkeypatch.setattr(module, "VALIDATED", 3)


def settings(tmp_path, place, name, **changes):
    plain = {"model": "ffn", "volumes": (place,), "validation": (place + "[12:]",), "batch": 2}
    plain |= {"patch": (9, 9, 9), "steps": 6, "checkpoint_every": 2, "validate_every": 3}
    return settings_for(tmp_path / name, **{**plain, **changes})


def test_interrupted_and_resumed_gives_the_same_bits(tmp_path):
    place = write_field(tmp_path / "field.h5")
    whole = train(settings(tmp_path, place, "whole"))
    train(settings(tmp_path, place, "parts"), Notes({3: Wish.STOP}))
    parts = train(settings(tmp_path, place, "parts", resume=True))
    assert whole.steps == parts.steps == 6
    assert [step for step, _ in parts.history] == [3, 6]
    assert np.isfinite(whole.scores.worth)
    one = load_model(whole.model.with_name("last.safetensors"))
    other = load_model(parts.model.with_name("last.safetensors"))
    for name, weight in one.network.state_dict().items():
        assert torch.equal(weight, other.network.state_dict()[name]), name
    assert one.card.architecture == "ffn"
    assert one.card.patch == (9, 9, 9)


def test_what_cannot_be_is_said(tmp_path):
    place = write_field(tmp_path / "field.h5")
    with pytest.raises(SettingsError, match="one device"):
        train(settings(tmp_path, place, "run", strategy="pipeline"))
    for patch in ((8, 9, 9), (9, 9, 4)):
        with pytest.raises(SettingsError, match="field of view"):
            train(settings(tmp_path, place, "run", patch=patch))
