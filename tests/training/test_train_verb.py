"""The verb, on a volume small enough, from the command line to a model that can be used."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("waterz")

from napari_axonem.cli.main import main  # noqa: E402
from napari_axonem.networks.files import load_model  # noqa: E402
from napari_axonem.training.prediction import predict  # noqa: E402
from tests.training.fields import write_field  # noqa: E402

SMALL = ["--widths", "4,6", "--patch", "8,16,16", "--long-range", "30", "--steps", "6"]
SMALL += ["--checkpoint-every", "3", "--validate-every", "6", "--precision", "float32"]


def run(capsys, *arguments):
    status = main(["train", *map(str, arguments)])
    return status, *capsys.readouterr()


def test_flags_train_a_model_and_resume_goes_on(tmp_path, capsys):
    place, out = write_field(tmp_path / "field.h5"), tmp_path / "run"
    flags = ["--volumes", place + "[:16]", "--validation", place + "[16:]", "--out", out, *SMALL]
    status, printed, _ = run(capsys, *flags, "--json", "--devices", "cpu")
    result = json.loads(printed)
    assert status == 0
    assert result["steps"] == 6
    assert {"voi/validation", "voi/split", "voi/merge"} <= result["scores"].keys()
    model = load_model(result["model"])
    assert model.card.voxel_size == (10.0, 10.0, 10.0)
    assert model.card.offsets[3:] == ((-3, 0, 0), (0, -3, 0), (0, 0, -3))
    assert model.card.scores["voi/validation"] > 0
    logits = model.network(torch.zeros(1, 1, 8, 16, 16))
    assert logits.shape == (1, 6, 8, 16, 16)
    status, printed, said = run(capsys, *flags, "--json", "--resume", "--steps", "8")
    assert status == 0
    assert json.loads(printed)["steps"] == 8
    assert "going on from mini-batch 6" in said


def test_a_pretrained_model_is_where_training_begins(tmp_path, capsys):
    place = write_field(tmp_path / "field.h5")
    own = [place + "[:16]", "--grey-mean", "100", "--name", "first"]
    assert run(capsys, "--volumes", *own, "--out", tmp_path / "first", *SMALL)[0] == 0
    first = load_model(tmp_path / "first" / "last.safetensors")
    rate = ["--rate", "1e-12", "--weight-decay", "0", "--average", "0", "--steps", "1"]
    flags = ["--volumes", place + "[8:]", "--pretrained", first.path, "--seed", "9", *rate]
    flags += ["--patch", "8,16,16", "--precision", "float32", "--out", tmp_path / "tuned"]
    status, printed, said = run(capsys, *flags)
    assert status == 0, printed + said
    tuned = load_model(tmp_path / "tuned" / "last.safetensors")
    assert tuned.settings == first.settings
    assert tuned.card.offsets == first.card.offsets
    assert tuned.card.normalisation.mean == 100
    assert tuned.card.trained_on == (place + "[:16]", place + "[8:]")
    weights = dict(first.network.named_parameters())
    for name, weight in tuned.network.named_parameters():
        torch.testing.assert_close(weight, weights[name], atol=1e-6, rtol=0)


def test_a_pretrained_model_of_another_kind_is_refused(tmp_path, capsys):
    place = write_field(tmp_path / "field.h5")
    flags = ["--volumes", place, "--pretrained", "phantom", "--out", tmp_path / "run"]
    status, _, said = run(capsys, *flags, "--model", "ffn")
    assert status == 2
    assert "phantom is a rsunet, and ffn is trained" in said
    status, _, said = run(capsys, *flags, "--model", "lenet5")
    assert status == 2
    assert "begins with fresh weights" in said
    status, _, said = run(capsys, *flags[:2], "--pretrained", "nothing", "--out", tmp_path / "run")
    assert status == 2
    assert "nothing" in said
    assert not (tmp_path / "run").exists()


def test_a_pipeline_trains_the_same_network(tmp_path, capsys):
    place = write_field(tmp_path / "field.h5")
    flags = ["--volumes", place, "--out", tmp_path / "run", *SMALL, "--devices", "cpu,cpu"]
    status, printed, _ = run(capsys, *flags, "--strategy", "pipeline", "--order", "1f1b")
    assert status == 0, printed
    assert load_model(tmp_path / "run" / "last.safetensors").card.training["strategy"] == "pipeline"


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        ([], "nothing to learn from"),
        (["--volumes", "{place}", "--patch", "9,16,16"], "no multiple of (2, 2, 2)"),
        (["--volumes", "{place}", "--devices", "cuda:99"], "no device 'cuda:99'"),
        (["--volumes", "{place}", "--strategy", "ddp"], "torchrun"),
        (["--volumes", "{place}.none"], "none"),
        (["--volumes", "{place}", "--strategy", "pipeline", "--cuts", "99"], "cuts"),
        (["{config}"], "line 2"),
    ],
)
def test_mistakes_are_found_before_anything_is_written(tmp_path, capsys, flags, what):
    place, config = write_field(tmp_path / "field.h5"), tmp_path / "run.yaml"
    config.write_text(f"volumes: [{place}]\nwidth: 3\n")
    given = [f.format(place=place, config=config) for f in flags]
    own = SMALL[:2] if "--patch" in given else SMALL
    status, _, said = run(capsys, *given, *own, "--out", tmp_path / "run")
    assert status == 2, said
    assert what in said
    assert not (tmp_path / "run").exists()


def test_prediction_in_tiles_equals_prediction_at_once():
    torch.manual_seed(0)
    conv = torch.nn.Conv3d(1, 4, 3, padding=1)
    image = np.random.default_rng(1).standard_normal((10, 21, 18), dtype=np.float32)
    tiled = predict(conv, image, (8, 12, 12), (2, 2, 2), 3)
    at_once = predict(conv, image, (12, 24, 20), (1, 1, 1), 3)
    assert tiled.shape == (3, 10, 21, 18)
    assert np.allclose(tiled, at_once, atol=1e-6)
