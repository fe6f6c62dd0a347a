"""The verb that converts volumes."""

from __future__ import annotations

from napari_axonem.cli.reporting import Outcome
from napari_axonem.cli.verb import AnyVerb, Verb
from napari_axonem.progress import Progress
from napari_axonem.volumes.conversion import Converted, ConvertSettings
from napari_axonem.volumes.conversion import convert as convert_volume
from napari_axonem.wording import count_words

SHOWN_LOSSES = 20
"""Places that could not be read which are printed for people; --json gives all."""


def convert(settings: ConvertSettings, progress: Progress) -> Outcome:
    """Convert a volume."""
    done = convert_volume(settings, progress)
    data = {
        "destination": done.location,
        "format": done.format,
        "shape": list(done.shape),
        "dtype": str(done.dtype),
        "voxel_size_nm": list(done.grid.voxel_size),
        "origin_nm": list(done.grid.origin),
        "kind": done.kind,
        "kind_reason": done.reason,
        "checksum": done.checksum,
        "checked": done.checked,
        "unreadable": list(done.unreadable),
        "blocks": done.blocks,
        "resumed_blocks": done.resumed,
        "started_anew": done.anew or None,
    }
    return Outcome(data, _text(done))


def _text(done: Converted) -> str:
    shape = " x ".join(map(str, done.shape))
    size = " x ".join(f"{edge:g}" for edge in done.grid.voxel_size)
    lines = [
        f"{done.location}: {done.format}, {shape} voxels of {size} nm, {done.dtype}",
        f"taken for {done.kind}: {done.reason} (--kind says otherwise)",
        f"read back and compared: {'equal' if done.checked else 'not done'}, "
        f"checksum {done.checksum[:16]}",
    ]
    if done.resumed:
        blocks = count_words(done.blocks, "block")
        lines.append(f"{done.resumed:,} of {blocks} were there from an earlier run")
    if done.anew:
        lines.append(f"begun anew, not gone on with: {done.anew}")
    if done.unreadable:
        places = count_words(len(done.unreadable), "place")
        lines.append(
            f"{places} cannot be read and {'is' if len(done.unreadable) == 1 else 'are'} 0 now:"
        )
        lines += [f"  {place}" for place in done.unreadable[:SHOWN_LOSSES]]
    if len(done.unreadable) > SHOWN_LOSSES:
        lines.append(f"  … and {len(done.unreadable) - SHOWN_LOSSES} more; --json lists all")
    return "\n".join(lines)


VERBS: tuple[AnyVerb, ...] = (
    Verb(
        "convert",
        "write a volume in another format, type or part",
        ConvertSettings,
        convert,
        goes_on=True,
    ),
)
