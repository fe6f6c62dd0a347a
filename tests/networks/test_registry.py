"""Which models there are, and which one is chosen for an image."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from napari_axonem.errors import ModelError  # noqa: E402
from napari_axonem.networks import registry  # noqa: E402
from napari_axonem.networks.card import Card  # noqa: E402
from napari_axonem.networks.files import save_model  # noqa: E402
from napari_axonem.networks.rsunet import RsunetSettings, build  # noqa: E402

SETTINGS = RsunetSettings(widths=(2,), pools=(), kernels=((3, 3, 3),), embedding=(3, 3, 3))


def save(folder, name, voxel_size):
    card = Card(
        name=name,
        architecture="rsunet",
        settings=SETTINGS.model_dump(),
        voxel_size=voxel_size,
        patch=(16, 16, 16),
    )
    return save_model(folder / name, build(SETTINGS), card)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Hold the models of a user, in place of those of whoever runs the tests."""
    monkeypatch.setenv(registry.VARIABLE, str(tmp_path))
    for name, size in (("fly", (10, 10, 10)), ("human", (30, 8, 8)), ("coarse", (40, 32, 32))):
        save(tmp_path, name, size)
    return tmp_path


def entries(folder):
    return [e for e in registry.list_models()[0] if e.path.parent == folder]


def test_models_are_listed_with_their_cards(folder):
    assert [e.card.name for e in entries(folder)] == ["coarse", "fly", "human"]
    assert not any(e.shipped for e in entries(folder))


def test_a_damaged_file_hides_no_other(folder):
    (folder / "bad.safetensors").write_bytes(b"no model")
    _, problems = registry.list_models()
    assert [p.where for p in problems] == [str(folder / "bad.safetensors")]
    assert len(entries(folder)) == 3
    with pytest.raises(ModelError, match="damaged"):
        registry.find_model("bad")


def test_a_model_is_found_by_name_and_by_path(folder, tmp_path_factory):
    elsewhere = save(tmp_path_factory.mktemp("elsewhere"), "mine", (4, 4, 4))
    assert registry.find_model("fly").path == folder / "fly.safetensors"
    assert registry.find_model(str(elsewhere)).card.name == "mine"
    with pytest.raises(ModelError, match=r"no model called 'mine'.*coarse, fly, human"):
        registry.find_model("mine")
    with pytest.raises(ModelError, match="no such file"):
        registry.find_model(str(folder / "none.safetensors"))


@pytest.mark.parametrize(
    ("voxel_size", "name", "resamples", "words"),
    [
        ((10, 10, 10), "fly", False, "made for 10 x 10 x 10 nm, as the image is"),
        ((9, 9, 10), "fly", False, "close enough to go in as it is (image z 1.11 times finer"),
        ((17, 10, 10), "fly", True, "the image is resampled (image z 1.7 times coarser"),
        ((33, 9, 9), "human", False, "close enough"),
        ((40, 4, 4), "human", True, "resampled (image z 1.33 times coarser, y 2 times finer"),
        ((400, 300, 300), "coarse", True, "fits badly, even though the image is resampled"),
    ],
)
def test_the_nearest_model_is_chosen_and_the_fit_put_into_words(
    folder, voxel_size, name, resamples, words
):
    fit = registry.choose_model(voxel_size, entries=entries(folder))
    assert fit.entry.card.name == name
    assert fit.resamples == resamples
    assert words in fit.words
    expected = [a / b for a, b in zip(voxel_size, fit.entry.card.voxel_size, strict=True)]
    assert fit.ratios == pytest.approx(expected)
    assert fit.scale == (pytest.approx(expected) if resamples else (1, 1, 1))


def test_no_model_of_that_architecture(folder):
    with pytest.raises(ModelError, match="no model of architecture ffn"):
        registry.choose_model((10, 10, 10), "ffn", entries(folder))
