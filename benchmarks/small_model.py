"""A model trained in minutes, next to the watershed of the raw image, on an unseen phantom.

    python benchmarks/small_model.py FOLDER [--minutes 10] [--model PATH]

Trains `train --preset phantom` into FOLDER (goes on where it was stopped), or takes the model at
PATH. Both ways are agglomerated by mean affinity, each at the threshold of least VOI on the phantom
of seed 201, and scored on that of seed 301. The raw image's affinity between two voxels is the
darker one's grey value, smoothed: membranes are dark.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_axonem.cli.training import TrainVerbSettings, merged
from napari_axonem.networks.files import LoadedModel, load_model
from napari_axonem.networks.precision import lowered_type
from napari_axonem.training.opening import open_sources
from napari_axonem.training.prediction import predict
from napari_axonem.training.start import train
from napari_axonem.training.validation import Field, open_field, score

Floats = npt.NDArray[np.float32]
CHOSEN_ON, TESTED_ON = "phantom:201", "phantom:301"
THRESHOLDS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
TILE, MARGIN = (48, 192, 192), (0, 16, 16)


def main() -> None:
    """Train where needed, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--model", type=Path)
    chosen = parser.parse_args()
    path = chosen.model or trained(chosen.folder, chosen.minutes)
    model = load_model(path)
    fields = {place: opened(place) for place in (CHOSEN_ON, TESTED_ON)}
    ways = {
        "watershed of the raw image": {p: of_image(f) for p, f in fields.items()},
        f"model {path.name}": {p: of_model(f, model) for p, f in fields.items()},
    }
    print(f"{'':40} threshold   VOI split  VOI merge  VOI total  ERL (50)")
    for name, affinities in ways.items():
        best, _ = score(affinities[CHOSEN_ON], fields[CHOSEN_ON], THRESHOLDS, 50)
        found, _ = score(affinities[TESTED_ON], fields[TESTED_ON], [best.threshold], 50)
        v = found.voi
        print(
            f"{name:40} {best.threshold:9.1f} {v.split:11.3f} {v.merge:10.3f} {v.total:10.3f}"
            f" {found.erl or 0:9.3f}"
        )


def trained(folder: Path, minutes: float) -> Path:
    """Run the preset, and say how long it took."""
    began = time.monotonic()
    resume = (folder / "checkpoints").is_dir()
    asked = {"preset": "phantom", "out": folder, "minutes": minutes, "resume": resume}
    result = train(merged(TrainVerbSettings.parse(asked)))
    seconds = time.monotonic() - began
    print(f"{result.steps} mini-batches; this call took {seconds / 60:.1f} minutes in all")
    print(json.dumps(result.history))
    return result.model


def opened(place: str) -> Field:
    """Return a phantom in memory."""
    return open_field(open_sources(place)[0], 1 << 30)


def of_model(field: Field, model: LoadedModel) -> Floats:
    """Return the model's affinities."""
    normal = model.card.normalisation
    image = ((field.image * 255 - normal.mean) / normal.std).astype(np.float32)
    return predict(model.network, image, TILE, MARGIN, 3, dtype=lowered_type("auto", "cpu"))


def of_image(field: Field) -> Floats:
    """Return the darker grey value of a voxel and its lower neighbour, from 0 to 1."""
    smooth = ndimage.gaussian_filter(field.image, (0, 2, 2))
    low, high = np.percentile(smooth, [2, 98])
    grey = np.clip((smooth - low) / (high - low), 0, 1).astype(np.float32)
    darker = [np.minimum(grey, np.roll(grey, 1, axis=axis)) for axis in range(3)]
    return np.stack(darker)


if __name__ == "__main__":
    main()
