"""Model files: they come back as they were, and say what is wrong when they cannot."""

import json
import struct
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
from safetensors.torch import load_file, save_file  # noqa: E402

from napari_axonem.errors import ModelError, VolumeError  # noqa: E402
from napari_axonem.networks.card import NEAREST, Card  # noqa: E402
from napari_axonem.networks.files import (  # noqa: E402
    load_model,
    read_card,
    save_model,
    write_markdown,
)
from napari_axonem.networks.rsunet import RsunetSettings, build  # noqa: E402

SETTINGS = RsunetSettings.for_voxel_size((30, 8, 8), widths=(4, 6))


def card(**changes):
    values = {
        "name": "small",
        "architecture": "rsunet",
        "settings": SETTINGS.model_dump(),
        "voxel_size": (30, 8, 8),
        "patch": (8, 32, 32),
        "trained_on": ("phantoms of seed 1",),
        "scores": {"VOI on phantom 2": 0.5},
        "threshold": 0.4,
    }
    return Card.parse({**values, **changes})


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(3)
    network = build(SETTINGS).eval()
    return save_model(tmp_path / "small", network, card()), network


def test_a_model_comes_back(saved):
    path, network = saved
    assert path.name == "small.safetensors"
    loaded = load_model(path)
    x = torch.randn(1, 1, 4, 8, 8)
    with torch.no_grad():
        assert torch.equal(loaded.network(x), network(x))
    assert not loaded.network.training
    assert loaded.settings == SETTINGS
    assert loaded.card.offsets == NEAREST
    assert loaded.card == card(written_by=loaded.card.written_by)
    assert loaded.card.written_by.startswith("napari-axonem ")


def test_saving_leaves_the_random_numbers_alone(saved, tmp_path):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    save_model(tmp_path / "other", saved[1], card())
    load_model(tmp_path / "other.safetensors")
    assert torch.equal(torch.rand(3), expected)


def test_a_model_is_not_replaced_unasked(saved):
    path, network = saved
    before = path.read_bytes()
    with pytest.raises(VolumeError, match="exists already"):
        save_model(path, network, card(name="other"))
    assert path.read_bytes() == before
    save_model(path, network, card(name="other"), overwrite=True)
    assert read_card(path).name == "other"


def test_card_is_read_without_torch(saved):
    code = (
        "import sys; from napari_axonem.networks.files import read_card; "
        f"print(read_card({str(saved[0])!r}).name); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "small\n"


@pytest.mark.parametrize("keep", [0, 5, 100, 3000])
def test_a_torn_file_is_told(saved, keep):
    path, _ = saved
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match="damaged or no model") as caught:
        load_model(path)
    assert caught.value.where == str(path)


def test_a_pickle_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(ModelError, match="damaged or no model"):
        load_model(path)


def test_weights_of_another_program_are_told(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(ModelError, match="weights without a card"):
        load_model(path)
    with pytest.raises(ModelError, match="no such file"):
        load_model(tmp_path / "none.safetensors")


def rewritten(path, tensors=None, card_text=None, **changes):
    """Write the file anew with other tensors, or another card, as a stranger might."""
    raw = path.read_bytes()
    header = json.loads(raw[8 : 8 + struct.unpack("<Q", raw[:8])[0]])
    values = json.loads(header["__metadata__"]["napari_axonem.card"])
    text = json.dumps({**values, **changes}) if card_text is None else card_text
    tensors = load_file(path) if tensors is None else tensors
    save_file(tensors, path, metadata={"napari_axonem.card": text})


def test_tensors_that_do_not_fit_are_named(saved):
    path, _ = saved
    tensors = load_file(path)
    del tensors["embed.module.conv.weight"]
    tensors["stranger"] = torch.zeros(1)
    tensors["head.module.bias"] = torch.zeros(7)
    rewritten(path, tensors)
    with pytest.raises(ModelError) as caught:
        load_model(path)
    for part in (
        "1 missing (embed.module.conv.weight)",
        "1 unknown (stranger)",
        r"head.module.bias (7,) instead of (3,)",
    ):
        assert part in str(caught.value)


def test_weights_of_another_architecture_or_settings(saved):
    path, _ = saved
    other = RsunetSettings.for_voxel_size((30, 8, 8), widths=(4, 7))
    rewritten(path, settings=other.model_dump(mode="json"))
    with pytest.raises(ModelError, match="tensors do not fit a rsunet of these settings"):
        load_model(path)
    rewritten(path, settings={"widths": "many"})
    with pytest.raises(ModelError, match="its card describes no rsunet"):
        load_model(path)
    rewritten(path, architecture="perceptron")
    with pytest.raises(ModelError, match="unknown architecture 'perceptron'"):
        load_model(path)


def test_cards_that_are_wrong(saved):
    path, _ = saved
    rewritten(path, voxel_size=[30, 8, -1])
    with pytest.raises(ModelError, match=r"its card is wrong at 'voxel_size\.2'"):
        read_card(path)
    rewritten(path, card_text='{"format": 2}')
    with pytest.raises(ModelError, match="a card of format 2"):
        read_card(path)
    rewritten(path, card_text="{")
    with pytest.raises(ModelError, match="damaged"):
        read_card(path)


def test_weights_that_are_not_numbers(saved, tmp_path):
    _, network = saved
    with torch.no_grad():
        network.operations["head"].module.bias[0] = float("nan")
    with pytest.raises(ModelError, match=r"NaN or infinities in head\.module\.bias"):
        save_model(tmp_path / "b", network, card())
    assert not (tmp_path / "b.safetensors").exists()


def test_a_network_must_be_what_its_card_says(saved, tmp_path):
    settings = RsunetSettings.for_voxel_size((10, 10, 10), widths=(4, 6)).model_dump()
    with pytest.raises(ModelError, match="of another shape"):
        save_model(tmp_path / "b", saved[1], card(settings=settings))


def test_card_for_people(saved):
    path, _ = saved
    text = write_markdown(path, read_card(path)).read_text(encoding="utf-8")
    assert text.startswith("# small\n")
    for part in ("30 x 8 x 8 nm", "phantoms of seed 1", "| VOI on phantom 2 | 0.5 |", "0.4"):
        assert part in text
