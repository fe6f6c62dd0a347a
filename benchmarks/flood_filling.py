"""Flood filling: fields of view a second, ours and a plain loop of full precision in turn.

    python benchmarks/flood_filling.py --rounds 5 --fields 12
    python benchmarks/flood_filling.py --device cuda:0 --at-once 32 --fields 1500 --edge 250

A GPU wants a large image: in a small one there are few objects that can grow at the same time.

Both flood the same image from the same seeds with the same network (depth 12, 32 features, field of
view 33³, step 8³). The **plain loop** is what one writes first, and what the published code does on
one device: take a position from the queue, cut out the image and the mask, run the network in
float32, write the mask back, put the maxima of the faces in the queue. **Ours** is
`napari_axonem.segmentation.flooding`: bf16 and channels-last where the device has them, many fields
of view at once where that helps. Each round runs both, ours first in every other one; the figure is
the ratio of the medians of all rounds. Fields of objects that ours threw away do not count.

The image is a cube of FIB-25 and the weights are the published ones, from the folder in
``AXONEM_DATA`` (default ``../shared/data``); without them it is a phantom and weights by chance,
whose fields cost the same.

That both do the same is checked first: in full precision ours looks at the very places that the
plain loop looks at, and the masks that it shows to the network differ by rounding only.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections import deque

import h5py
import numpy as np
import numpy.typing as npt
import torch
from places import DATA
from torch import nn

from napari_axonem.geometry import Box, Zyx
from napari_axonem.networks.ffn import FfnSettings, build, import_published
from napari_axonem.segmentation.flooding.predictor import Predictor
from napari_axonem.segmentation.flooding.rules import Rules
from napari_axonem.segmentation.flooding.seeds import Seeds, seeds_from_image
from napari_axonem.segmentation.flooding.settings import FloodSettings
from napari_axonem.segmentation.flooding.subvolume import Look, SubvolumeFlood
from napari_axonem.volumes.phantom import Phantom, PhantomSettings

FOV: Zyx = (33, 33, 33)
STEP: Zyx = (8, 8, 8)

Image = npt.NDArray[np.float32]


def plain(
    image: Image, seeds: Seeds, network: nn.Module, device: str, fields: int
) -> tuple[float, list[Zyx], Image]:
    """Return the seconds for so many fields of view, their positions, and the last mask."""
    move, unknown = logit(0.9), logit(0.05)
    visited: list[Zyx] = []
    known = np.full_like(image, np.nan)
    touched: list[tuple[slice, ...]] = []
    begun = time.perf_counter()
    for seed in map(tuple, seeds.tolist()):
        for box in touched:  # not all of it: most seeds end after one field of view
            known[box] = np.nan
        touched = [tuple(slice(p, p + 1) for p in seed)]
        known[seed] = logit(0.95)
        queue, done = deque([seed]), set()
        while queue and len(visited) < fields and known[seed] >= move:
            position = queue.popleft()
            cell = tuple((p - s + 4) // 8 for p, s in zip(position, seed, strict=True))
            fits = all(16 <= p < n - 16 for p, n in zip(position, image.shape, strict=True))
            if cell in done or not fits or not known[position] >= move:
                continue
            box = tuple(slice(p - 16, p + 17) for p in position)
            old = known[box].copy()
            shown = np.where(np.isnan(old), np.float32(unknown), old)
            with torch.no_grad():
                x = torch.from_numpy(np.stack([image[box], shown])[None]).to(device)
                new = network(x)[0, 0].cpu().numpy()
            if (new >= move).any():
                new = np.where((old < 0) & (new > old), old, new)
            known[box] = new
            touched.append(box)
            done.add(cell)
            visited.append(position)
            queue.extend(moves(new, position, move))
        if len(visited) >= fields:
            break
    return time.perf_counter() - begun, visited, known


def moves(mask: Image, position: Zyx, move: float) -> list[Zyx]:
    """Return where the field of view goes from a position."""
    cube, found = mask[8:25, 8:25, 8:25], set()
    for axis in range(3):
        for end in (0, 16):
            face = cube.take(end, axis)
            at = list(np.unravel_index(int(face.argmax()), face.shape))
            if face[tuple(at)] >= move:
                at.insert(axis, end)
                found.add((float(cube[tuple(at)]), tuple(int(a) - 8 for a in at)))
    ordered = [offset for _, offset in sorted(found, reverse=True)]
    return [tuple(p + o for p, o in zip(position, offset, strict=True)) for offset in ordered]


def ours(
    image: Image, seeds: Seeds, look: Look, at_once: int, fields: int
) -> tuple[float, SubvolumeFlood]:
    """Return the seconds for a useful field of view, and the flood."""
    rules = Rules.of(FloodSettings(), FOV, STEP)
    begun = time.perf_counter()
    flood = SubvolumeFlood(image, seeds, rules, look, at_once)
    while flood.count.fields - flood.count.wasted < fields and flood.advance():
        pass
    seconds = time.perf_counter() - begun
    return seconds / max(1, flood.count.fields - flood.count.wasted), flood


def logit(probability: float) -> float:
    """Return the logarithm of the odds."""
    return math.log(probability / (1 - probability))


def loaded(edge: int) -> tuple[Image, nn.Module, str]:
    """Return a normalised image, a network, and what they are."""
    weights, image = DATA / "ffn_fib25" / "weights.npz", DATA / "fib25" / "training2.h5"
    if weights.is_file() and image.is_file():
        with np.load(weights) as arrays:
            network = import_published(arrays)[1]
        with h5py.File(image) as file:
            grey = file["raw"][:edge, :edge, :edge]
        what = f"FIB-25 training2, {edge}³ voxels, published weights"
    else:
        network = build(FfnSettings())
        phantom = Phantom(PhantomSettings(shape=(edge, edge, edge)))
        grey, what = (
            phantom.render(Box.of_shape(phantom.shape)).image,
            f"phantom, {edge}³ voxels, weights by chance",
        )
    return ((grey.astype(np.float32) - 128) / 33).astype(np.float32), network.eval(), what


def check(image: Image, seeds: Seeds, network: nn.Module, device: str, fields: int) -> float:
    """Return how far masks of both differ, in logits; check that they see the same places."""
    plain_saw: list[Image] = []
    ours_saw: list[Image] = []

    class Seen(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            plain_saw.append(x[0].cpu().numpy())
            new: torch.Tensor = network(x)
            return new

    look = Predictor(network, device, "float32")

    def seen(images: Image, masks: Image) -> Image:
        ours_saw.append(np.concatenate([images, masks]))
        return look(images, masks)

    plain(image, seeds, Seen(), device, fields)
    ours(image, seeds, seen, 1, fields)
    for one, other in zip(plain_saw, ours_saw, strict=True):
        if not np.array_equal(one[0], other[0]):
            raise SystemExit("ours went elsewhere than the plain loop")
    pairs = zip(plain_saw, ours_saw, strict=True)
    return max(float(np.abs(one[1] - other[1]).max()) for one, other in pairs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fields", type=int, default=12, help="fields of view a round, of each")
    parser.add_argument("--edge", type=int, default=96, help="voxels along an edge of the image")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--at-once", type=int, default=0, help="ours; by the device where 0")
    options = parser.parse_args()
    image, network, what = loaded(options.edge)
    seeds = seeds_from_image(image, (1.0, 1.0, 1.0), (16, 16, 16))
    look = Predictor(network, options.device, "auto")
    at_once = options.at_once or look.at_once
    network = network.to(options.device)
    differ = check(image, seeds, network, options.device, 4)
    times: dict[str, list[float]] = {"plain": [], "ours": []}
    for turn in range(options.rounds + 1):
        for name in ("plain", "ours") if turn % 2 else ("ours", "plain"):
            if name == "plain":
                seconds, visited, _ = plain(image, seeds, network, options.device, options.fields)
                times[name].append(seconds / len(visited))
            else:
                times[name].append(ours(image, seeds, look, at_once, options.fields)[0])
    rates = {name: 1 / statistics.median(taken[1:]) for name, taken in times.items()}
    print(
        json.dumps(
            {
                "what": what,
                "device": str(look.device),
                "threads": torch.get_num_threads(),
                "precision": look.precision,
                "at_once": at_once,
                "rounds": options.rounds,
                "fields_a_round": options.fields,
                "plain_fields_a_second": round(rates["plain"], 3),
                "ours_fields_a_second": round(rates["ours"], 3),
                "ratio": round(rates["ours"] / rates["plain"], 3),
                "largest_difference_in_full_precision": differ,
                "seconds_a_field": {n: [round(t, 4) for t in taken] for n, taken in times.items()},
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
