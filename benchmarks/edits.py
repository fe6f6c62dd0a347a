"""How long an edit takes, from the call to the picture, on a project of a gigavoxel.

The project is made by `edits_data.py`. Measured are merges, splits between fragments (worked out
and taken) of objects of about 5,000 fragments, undo and redo: each up to the return of the call,
when it is on disk and tables and score have followed, and up to a plane of 2048² looked up in the
table of segments, as the window does. Then opening after 100,000 logged operations: with a
snapshot, and with the whole log to replay; these operations join nearly all fragments into one
object, with which the edits are done once more. Beside it, in a process of its own, napari's Labels
layer: filling an object and undoing that, on 512³ voxels.

    python benchmarks/edits.py FOLDER pinky40/labels.h5

What was measured is kept in `FOLDER/edits.json`: the same command goes on after it was cut off, and
begins anew without that file.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from measuring import peak_memory

from napari_axonem.errors import EditError
from napari_axonem.geometry import Box
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.operation import Kind, Operation, Point

ROUNDS = 60
"""Edits of each kind."""

OBJECT = 5000
"""Fragments of the objects that are split."""

SCREEN = 2048
LOGGED = 100_000


class Watch:
    """Times of several kinds of edits, in ms."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Time the body."""
        start = time.perf_counter()
        yield
        self.times.setdefault(name, []).append(1000 * (time.perf_counter() - start))

    def table(self) -> dict[str, dict[str, float]]:
        """Return median, 95th percentile and worst of each."""
        return {
            name: {
                "median": round(float(np.median(times)), 2),
                "p95": round(float(np.percentile(times, 95)), 2),
                "worst": round(max(times), 2),
                "count": len(times),
            }
            for name, times in self.times.items()
        }


def edit(path: Path, seed: int) -> dict[str, Any]:
    """Do edits of every kind in a project."""
    rng, watch = np.random.default_rng(seed), Watch()
    with watch.timed("open"):
        project = Project(path)
    with watch.timed("first score"):
        project.voi()
    plane = screen(project)
    with project:

        def act(name: str, call: Callable[[], object]) -> None:
            with watch.timed(f"{name} to the picture"):
                with watch.timed(f"{name} alone"):
                    call()
                picture = project.segment[plane]
            if picture.shape != plane.shape:
                raise AssertionError

        for _ in range(ROUNDS):
            places = touching(project, rng)
            act("merge", lambda places=places: project.merge(places))
            act("undo", project.undo)
            act("redo", project.redo)
        for segment in large(project, rng):
            members = project.graph.members(segment)
            ends = [nm(project, f) for f in rng.choice(members, 2, replace=False)]
            plans: list[Any] = []
            with watch.timed("split worked out"), suppress(EditError):
                plans.append(project.plan_split(ends[:1], ends[1:]))
            for plan in plans:
                act("split", lambda plan=plan: project.split(plan))
                act("undo of a split", project.undo)
                act("redo of a split", project.redo)
                project.undo()
    return {"edits_ms": watch.table(), "fragments": project.graph.n_fragments}


def screen(project: Project) -> np.ndarray:
    """Return the fragments of a section, as large as the screen."""
    z, y, x = project.sources.fragments.shape
    section = project.sources.fragments.volume.read(Box((z // 3, 0, 0), (z // 3 + 1, y, x)))[0]
    again = -(-SCREEN // min(y, x))
    return np.repeat(np.repeat(section, again, axis=0), again, axis=1)[:SCREEN, :SCREEN].copy()


def touching(project: Project, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Return places in two objects that touch."""
    edges, segment = project.graph.edges, project.segment
    while True:
        row = np.array([rng.integers(len(edges))])
        u, v = int(edges.u[row][0]), int(edges.v[row][0])
        if segment[u] != segment[v] and edges.area[row][0] > 0:
            return [nm(project, u), nm(project, v)]


def nm(project: Project, fragment: int) -> tuple[float, float, float]:
    """Return a place deep inside of a fragment."""
    cells = project.state.cells
    rows = slice(*np.searchsorted(cells.fragment, [fragment, fragment + 1]))
    point = cells.point[rows][int(cells.voxels[rows].argmax())]
    z, y, x = (float(p) for p in project.sources.grid.to_nm(point))
    return z, y, x


def large(project: Project, rng: np.random.Generator) -> list[int]:
    """Return objects of about 5,000 fragments, some of them several times."""
    count = np.bincount(project.segment[1:])
    order = np.argsort(np.abs(count - OBJECT))[:12]
    return [int(s) for s in rng.choice(order, ROUNDS)]


def fill_log(path: Path, seed: int = 1) -> None:
    """Put operations into the log of a project until there are `LOGGED`.

    They switch real contacts, but are written without being done: doing them takes minutes.
    """
    rng = np.random.default_rng(seed)
    with Project(path, writable=False) as project:
        edges, count = project.graph.edges, len(project.operations)
        rows = rng.choice(len(edges), LOGGED, replace=False)
        u, v, on = edges.u[rows], edges.v[rows], edges.on[rows]
        head = project.history.head
        point = nm(project, 1)
    log = Project(path).keeper.log
    log._connection.execute("PRAGMA synchronous = OFF")
    for number in range(count + 1, LOGGED + 1):
        row = number - count - 1
        kind = Kind.SPLIT if on[row] else Kind.MERGE
        states = np.array([[u[row], v[row], 1 - int(on[row])]], np.int64)
        ends = int(u[row]), int(v[row])
        done = Operation(kind, parent=head, edges=states, fragments=ends[:1])
        log.append(
            Operation(
                kind,
                parent=head,
                edges=states,
                fragments=done.fragments,
                points=(Point(point),),
                segments_before=ends,
                segments_after=ends[:1],
                voi=(1.2345678901, 0.123456789),
            )
        )
        head = number
    log.close()


def opened(path: Path) -> dict[str, float]:
    """Open a project and say how long it took; the file cache is warm."""
    start = time.perf_counter()
    with Project(path, writable=False) as project:
        ready = time.perf_counter() - start
        project.voi()
        scored = time.perf_counter() - start
        count = len(project.operations)
    return {"seconds": ready, "with the score": scored, "operations": count}


def napari_labels(labels: Path) -> dict[str, Any]:
    """Fill and undo in napari's own layer."""
    import h5py
    from napari.layers import Labels

    with h5py.File(labels, "r") as file:
        data = file[next(iter(file))][:].astype(np.uint32)
    layer, watch, rng = Labels(data), Watch(), np.random.default_rng(0)
    layer.n_edit_dimensions = 3
    for _ in range(12):
        place = tuple(rng.integers(0, 512, 3))
        with watch.timed("fill"):
            layer.fill(place, int(data.max()) + 1)
        with watch.timed("undo"):
            layer.undo()
    return {"napari_ms": watch.table()}


def in_own_process(step: str, *arguments: object) -> dict[str, Any]:
    """Run one step in a new process and return what it found."""
    command = [sys.executable, __file__, "--step", step, *map(str, arguments)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(found.stdout.splitlines()[-1])


STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    "edit": lambda path: edit(Path(path), 0),
    "open": lambda path: opened(Path(path)),
    "fill": lambda path: fill_log(Path(path)) or {},
    "napari": lambda path: napari_labels(Path(path)),
    "write": lambda path: Project(path).close() or {},
}


def measure(folder: Path, labels: Path) -> dict[str, Any]:
    """Take all steps that `FOLDER/edits.json` does not hold yet, each in a process of its own."""
    project, kept = folder / "edits.axonem", folder / "edits.json"
    found: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}

    def take(name: str, step: str, *arguments: object) -> None:
        if name in found:
            return
        if name == "opening, the whole log":
            shutil.rmtree(project / "snapshots", ignore_errors=True)
        start = time.perf_counter()
        found[name] = in_own_process(step, *arguments)
        found[name]["took_s"] = round(time.perf_counter() - start)
        print(json.dumps({name: found[name]}, indent=1), flush=True)
        kept.write_text(json.dumps(found, indent=1))

    take("edits", "edit", project)
    take("filling the log", "fill", project)
    take("opening, the whole log", "open", project)
    take("making a snapshot", "write", project)
    take("opening, a snapshot", "open", project)
    take("edits where one object is nearly all", "edit", project)
    take("napari", "napari", labels)
    return found


def main() -> None:
    """Measure everything, or one step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", choices=STEPS)
    parser.add_argument("arguments", nargs="+")
    options = parser.parse_args()
    if options.step:
        found = STEPS[options.step](*options.arguments)
        print(json.dumps({**found, "peak_gb": round(peak_memory() / 1e9, 2)}))
        return
    folder, labels = map(Path, options.arguments)
    found = measure(folder, labels)
    print(f"{sum(step['took_s'] for step in found.values())} s in all")


if __name__ == "__main__":
    main()
