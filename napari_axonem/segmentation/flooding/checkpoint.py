"""A block that is being flooded, as a file: a killed process goes on where it was."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from napari_axonem.geometry import Box, Zyx, zyx
from napari_axonem.segmentation.flooding.growth import Growth
from napari_axonem.segmentation.flooding.mask import GrowingMask
from napari_axonem.segmentation.flooding.moves import MoveQueue, Turn
from napari_axonem.segmentation.flooding.subvolume import Count, SubvolumeFlood
from napari_axonem.volumes.disk import DAMAGES, replacing


def save_checkpoint(path: Path, flood: SubvolumeFlood, about: str) -> None:
    """Write how far a block is: finished objects, and the one whose turn it is.

    Objects ahead of their turn are left out; they are begun anew, and grow as they did.

    Parameters
    ----------
    about
        What the block and its settings are; a checkpoint about something else is not used.

    Raises
    ------
    StorageError
        The disk cannot be written.
    """
    growth = flood.growths.get(flood.turn)
    state: dict[str, Any] = {
        "about": about,
        "turn": flood.turn,
        "count": dataclasses.asdict(flood.count),
        "growth": _queue_of(growth) if growth else None,
    }
    arrays: dict[str, Any] = {"labels": flood.labels}
    if growth:
        arrays["mask"] = growth.mask.logits
    text = np.frombuffer(json.dumps(state).encode("utf-8"), np.uint8)
    with replacing(path, overwrite=True) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, state=text, **arrays)


def restore_checkpoint(path: Path, flood: SubvolumeFlood, about: str) -> bool:
    """Go on from a checkpoint; return whether there was one about this block, and whole."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            state = json.loads(found["state"].tobytes().decode("utf-8"))
            if state["about"] != about or found["labels"].shape != flood.labels.shape:
                return False
            mask = found["mask"] if state["growth"] else None
            growth = _growth_of(state["growth"], mask, flood) if state["growth"] else None
            flood.restore(found["labels"], state["turn"], growth, Count(**state["count"]))
    except DAMAGES:
        return False
    return True


def _queue_of(growth: Growth) -> dict[str, Any]:
    queue, box = growth.queue, growth.mask.box
    return {
        "seed": growth.seed,
        "stage": growth.stage.value,
        "fields": growth.fields,
        "box": [box.start, box.stop],
        "line": [[turn.position, turn.led_to] for turn in queue.line],
        "done": sorted(queue.done),
        "visited": queue.visited,
    }


def _growth_of(state: dict[str, Any], logits: Any, flood: SubvolumeFlood) -> Growth:  # noqa: ANN401 - numpy's
    rules, seed = flood.rules, zyx(state["seed"])
    start, stop = state["box"]
    queue = MoveQueue(seed, rules.fov, rules.step)
    for position, led_to in state["line"]:
        queue.line.append(Turn(zyx(position), None if led_to is None else _positions(led_to)))
    queue.done.update(_positions(state["done"]))
    queue.visited.extend(_positions(state["visited"]))
    mask = GrowingMask(flood.bounds, Box(zyx(start), zyx(stop)), logits)
    growth = Growth(rules, seed, mask, queue, fields=state["fields"])
    growth.stage = type(growth.stage)(state["stage"])
    return growth


def _positions(listed: list[list[int]]) -> list[Zyx]:
    return [zyx(position) for position in listed]
