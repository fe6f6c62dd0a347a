"""The verbs about models."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")

from napari_axonem.cli.main import main
from napari_axonem.networks.ffn import FfnSettings
from napari_axonem.networks.files import load_model
from tests.networks.test_ffn import published_like

SMALL = FfnSettings(depth=2, features=3)


def test_published_weights_become_a_model_file(tmp_path, capsys):
    np.savez(tmp_path / "w.npz", **published_like(SMALL))
    destination = tmp_path / "fib.safetensors"
    arguments = ["models", "import", str(tmp_path / "w.npz"), str(destination), "--json"]
    more = ["--field-of-view", "21,21,21", "--step", "4,4,4", "--voxel-size", "8,8,8"]
    assert main([*arguments, *more, "--architecture", "ffn"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["destination"] == str(destination)
    model = load_model(destination)
    assert model.settings == FfnSettings(depth=2, features=3, step=(4, 4, 4))
    assert (model.card.patch, model.card.voxel_size) == ((21, 21, 21), (8, 8, 8))
    assert (model.card.name, model.card.offsets) == ("fib", ())
    assert main([*arguments, *more]) == 2
    assert "exists already" in capsys.readouterr().err
    for wrong in ("20,21,21", "21,21,7"):  # even, and not seen from the next step
        more[1] = wrong
        assert main([*arguments, *more, "--overwrite"]) == 2
        assert "--field-of-view: a field of view of" in capsys.readouterr().err
    assert load_model(destination).card.patch == (21, 21, 21)


def test_what_is_no_archive_of_weights_is_said_in_one_line(tmp_path, capsys):
    (tmp_path / "text.npz").write_text("no arrays")
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    for name, said in (("text", "no archive"), ("other", "conv0_a"), ("none", "no such file")):
        arguments = ["models", "import", str(tmp_path / f"{name}.npz"), str(tmp_path / "o")]
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert said in error
        assert "pickle" not in error
        assert error.count("\n") == 1
    assert not (tmp_path / "o.safetensors").exists()
