"""Damage to real files, tried in a process of its own: `python -m tests.volumes.fuzzing`.

A crash of a library ends that process, and so does a trial that takes longer than `PATIENCE`;
`test_fuzz` sees both by its exit status.
"""

import faulthandler
import logging
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np

from napari_axonem.errors import AxonemError
from napari_axonem.volumes import describe, list_volumes, open_volume, require_labels
from tests.volumes.reference import ORIGIN, REFERENCES, SIZE, Reference, voxels

PATIENCE = 60
"""Seconds after which a trial counts as hanging."""

FOREIGN = bytes(range(256)) * 4


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    """Return bytes cut short, changed in places, zeroed or repeated in a stretch, or foreign."""
    changed = np.frombuffer(data, dtype=np.uint8).copy()
    start, length = int(rng.integers(0, len(changed) + 1)), int(rng.integers(1, 200))
    match int(rng.integers(0, 8)):
        case 0:
            return changed[:start].tobytes()
        case 1 | 2:  # most of what a format says stands at the beginning
            at = rng.integers(0, max(1, min(len(changed), 600)), 4)
            changed[at % max(1, len(changed))] = rng.integers(0, 256, 4)
        case 3:
            at = rng.integers(0, max(1, len(changed)), 8)
            changed[at % max(1, len(changed))] = rng.integers(0, 256, 8)
        case 4:
            changed[start : start + length] = 0
        case 5:
            changed[start : start + length] = 255
        case 6:
            return data[:start] + data[start : start + length] * 2 + data[start:]
        case _:
            return FOREIGN[: int(rng.integers(0, len(FOREIGN)))]
    return changed.tobytes()


def try_one(known: Reference, sound: Path, folder: Path, seed: int) -> str:
    """Damage, remove or rename one file of a sound volume; return how using it ended."""
    rng = np.random.default_rng(seed)
    root = folder / known.name
    if sound.is_dir():
        shutil.copytree(sound, root)
    else:
        shutil.copy(sound, root)
    files = sorted(p for p in root.rglob("*") if p.is_file()) if root.is_dir() else [root]
    victim = files[int(rng.integers(0, len(files)))]
    if victim != root and rng.random() < 0.1:
        victim.unlink()
    elif victim != root and rng.random() < 0.1:
        victim.rename(victim.with_name(f"x{victim.name}"))
    else:
        victim.write_bytes(damage(victim.read_bytes(), rng))
    try:
        use(f"{root}{known.inner}", root)
    except AxonemError as error:
        return type(error).__name__
    finally:
        shutil.rmtree(root) if root.is_dir() else root.unlink()
    return "success"


def use(location: str, root: Path) -> None:
    """Do all that can be done with a location."""
    list_volumes(root)
    describe(location)
    volume = open_volume(location, voxel_size=SIZE, origin=ORIGIN)
    if volume.box.size > 2**24:  # a wrong extent that the format cannot tell from a right one
        return
    volume.read(volume.box)
    for level in volume.levels[1:]:
        np.asarray(level[:])
    if volume.dtype.kind in "iu":
        require_labels(volume).read(volume.box)


def main(name: str, folder: str, first: str, count: str) -> None:
    """Try `count` seeds from `first`, and print a line with seed and outcome for each."""
    warnings.simplefilter("ignore")  # of the libraries, about what is damaged
    logging.disable()
    known = next(k for k in REFERENCES if k.name == name)
    sound = Path(folder) / "sound" / known.name
    sound.parent.mkdir()
    known.write(sound, voxels())
    for seed in range(int(first), int(first) + int(count)):
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        print(seed, try_one(known, sound, Path(folder), seed), flush=True)  # noqa: T201
        faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main(*sys.argv[1:])
