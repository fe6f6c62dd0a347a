"""U-Net inference beside the plain loop: read, pad, predict, write, block after block.

    python benchmarks/segmentation.py [--block Z,Y,X] [--overlap Z,Y,X] [--shape Z,Y,X]

**Image.** A part of FIB-25 (``fib25/training1_image.h5`` in ``AXONEM_DATA``, default
``../shared/data``), or grey noise where it is missing. **Network**: the model that `choose_model`
takes for it, or one with the published widths that nobody has trained.

**The plain loop** is what a user writes: the network as it was trained, in full precision, one
block read, padded, normalised, predicted, blended and written after the other. Blocks, overlap and
blending weights are ours, so that both compute the same function: what differs is the order of
work and the numbers' precision. How far the results are apart is printed beside the times, in
steps of the uint8 that is written.

Both run on the device that `--device` names, in one process, ours after the plain loop, with as
many threads. In full precision torch has a slow convolution for small blocks (channels × depth ×
height up to 20,480 at a batch of one): the default block leaves only the coarsest level to it.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import zarr
from places import DATA

from napari_axonem.errors import ModelError
from napari_axonem.geometry import Box, Zyx, zyx
from napari_axonem.networks.card import Card
from napari_axonem.networks.files import LoadedModel, load_model, save_model
from napari_axonem.networks.precision import keep_float32
from napari_axonem.networks.registry import choose_model
from napari_axonem.networks.rsunet import RsunetSettings, build
from napari_axonem.segmentation.inference.prediction import predict_affinities
from napari_axonem.segmentation.inference.reading import read_reflected
from napari_axonem.segmentation.inference.settings import InferenceSettings
from napari_axonem.segmentation.inference.store import AffinityVolume, chunk_for
from napari_axonem.segmentation.inference.tiling import WEIGHT, Tiling
from napari_axonem.volumes import Volume, natural_chunk, open_volume
from napari_axonem.volumes.cropping import cropped

VOXEL = (10.0, 10.0, 10.0)


def image_of(shape: Zyx, folder: Path) -> Volume:
    """Return the image, as a zarr array of its own."""
    path = DATA / "fib25" / "training1_image.h5"
    if path.is_file():
        whole = open_volume(path, voxel_size=VOXEL)
        part = cropped(whole, Box.of_shape(shape).intersect(whole.box))
        greys = part.read(part.box)
        more = [(0, want - have) for want, have in zip(shape, greys.shape, strict=True)]
        greys = np.pad(greys, more, mode="symmetric")  # mirrored on, where more is wanted
    else:
        print("no real data: grey noise instead")
        greys = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    zarr.create_array(
        folder / "image.zarr",
        data=greys,
        chunks=(64, 64, 64),
        attributes={"voxel_size_nm": list(VOXEL)},
    )
    return open_volume(folder / "image.zarr")


def model_for(image: Volume, folder: Path) -> LoadedModel:
    """Return the shipped model for the image, or an untrained one of the published size."""
    try:
        return load_model(choose_model(image.grid.voxel_size).entry.path)
    except ModelError:
        print("no model: the published widths, untrained")
    torch.manual_seed(0)
    settings = RsunetSettings.for_voxel_size(VOXEL)
    card = Card(
        name="untrained",
        architecture="rsunet",
        settings=settings.model_dump(),
        voxel_size=VOXEL,
        patch=(64, 64, 64),
    )
    return load_model(save_model(folder / "untrained", build(settings).eval(), card))


def plain_loop(
    image: Volume, model: LoadedModel, device: torch.device, tiling: Tiling, path: Path
) -> npt.NDArray[np.uint8]:
    """Predict one block after the other, in full precision, and return what was written."""
    network = model.network.to(device)
    card = model.card
    chunk = chunk_for(tiling.tile_shape, tiling.counts, natural_chunk(image.grid.voxel_size))
    offsets = [zyx(offset) for offset in card.offsets]
    store = AffinityVolume.create(path, image.shape, image.grid, offsets, chunk)
    sums = np.zeros((len(offsets), *image.shape), np.float32)
    multiple = np.array(getattr(model.settings, "multiple", (1, 1, 1)))
    for index in tiling.indices():
        box = tiling.block(index)
        extent = -(-np.array(box.shape) // multiple) * multiple
        greys = read_reflected(image, Box(box.start, zyx(np.add(box.start, extent))))
        shown = (greys.astype(np.float32) - card.normalisation.mean) / card.normalisation.std
        with torch.no_grad():
            logits = network(torch.from_numpy(shown)[None, None].to(device))
            affinities = torch.sigmoid(logits)[0].cpu().numpy()
        for piece in tiling.pieces(index):
            where = piece.of_tile.shift(tiling.tile(piece.tile).start)
            weights = tiling.weights(piece.tile, index).astype(np.float32) / WEIGHT**3
            part = affinities[(slice(None), *piece.of_block.slices)]
            sums[(slice(None), *where.slices)] += part * weights
        tile = tiling.tile(index)  # blocks after this one add nothing to it
        done = sums[(slice(None), *tile.slices)]
        store.write(tile, np.rint(done * 255).astype(np.uint8))
    return np.asarray(store.near[...])


def warm(model: LoadedModel, device: str, multiple: Zyx) -> None:
    """Let the libraries load what they load with the first pass; keep float32 what it is."""
    keep_float32()
    with torch.no_grad():
        shown = torch.zeros(1, 1, *(4 * n for n in multiple), device=device)
        model.network.to(device)(shown).cpu()


def row(name: str, seconds: float, cpu: float, voxels: int, first: float, apart: str) -> None:
    """Print a row of the table."""
    print(
        f"| {name} | {seconds:.1f} | {cpu / seconds:.2f} | {voxels / seconds / 1e6:.3f} "
        f"| {first / seconds:.2f} | {apart} |",
        flush=True,
    )


def main() -> None:
    """Run both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--block", default="160,160,160")
    parser.add_argument("--overlap", default="32,32,32")
    parser.add_argument("--shape", default="128,250,250")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    block, overlap, shape = (
        zyx([int(n) for n in text.split(",")])
        for text in (options.block, options.overlap, options.shape)
    )
    folder = Path(tempfile.mkdtemp(prefix="segmentation-"))
    try:
        image = image_of(shape, folder)
        model = model_for(image, folder)
        measure(image, model, options.device, block, overlap, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(
    image: Volume, model: LoadedModel, device: str, block: Zyx, overlap: Zyx, folder: Path
) -> None:
    """Time the plain loop, ours in both precisions, and ours as it is by default."""
    multiple = zyx(getattr(model.settings, "multiple", (1, 1, 1)))
    tiling = Tiling.of(image.shape, block, overlap, multiple)
    voxels = Box.of_shape(image.shape).size
    print(
        f"{model.card.name}, image {image.shape}, {len(tiling.indices())} blocks of up to {block}, "
        f"overlap {overlap}, {torch.get_num_threads()} threads, {device}\n"
    )
    print("| run | seconds | cores | Mvoxel/s | times | mean (largest) difference |")
    print("|---|---|---|---|---|---|")
    warm(model, device, multiple)
    began, cpu = time.perf_counter(), time.process_time()
    expected = plain_loop(image, model, torch.device(device), tiling, folder / "plain.zarr")
    first = time.perf_counter() - began
    row("plain loop, full precision", first, time.process_time() - cpu, voxels, first, "")
    runs = {
        "ours, same blocks": {"block": block, "overlap": overlap},
        "ours, same blocks, full precision": {
            "block": block,
            "overlap": overlap,
            "precision": "float32",
        },
        "ours, as it is by default": {},
    }
    for number, (name, values) in enumerate(runs.items()):
        settings = InferenceSettings.parse(
            {"device": device, "contrast": "as is", "invert": "no", **values}
        )
        began, cpu = time.perf_counter(), time.process_time()
        made = predict_affinities(image, model, folder / f"{number}.zarr", settings)
        seconds = time.perf_counter() - began
        apart = np.abs(made.near[...].astype(np.int16) - expected)
        words = f"{apart.mean():.2f} ({apart.max()})"
        row(name, seconds, time.process_time() - cpu, voxels, first, words)


if __name__ == "__main__":
    main()
