"""What tests of inference share; those of flood filling and watershed have their own."""

import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("inference")


@pytest.fixture(scope="module")
def model(folder):
    """A small network that nobody has trained."""
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    from napari_axonem.networks.files import load_model
    from tests.segmentation import inference_cases as cases

    return load_model(cases.save(folder))


@pytest.fixture(scope="module")
def image(folder):
    """Smooth noise on disk."""
    from tests.segmentation import inference_cases as cases

    return cases.write(folder / "image.zarr", cases.grey_image())
