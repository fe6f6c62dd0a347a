"""How numbers are written for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from napari_axonem.proofreading.record.operation import Kind, Operation

KIND_WORDS = {"false_split": "false split", "false_merge": "false merge"}
"""Kinds of errors as people say them."""

MINUS = "\N{MINUS SIGN}"

FLAG = "\N{BLACK FLAG}"
"""In front of the name of a point of the history."""


def bits(value: float) -> str:
    """Return a variation of information in bits, as ``0.643``."""
    return f"{value:.3f}".replace("-", MINUS)


def change(value: float) -> str:
    """Return a change of a score in bits with its sign, as ``−0.022``; 0 has none."""
    text = f"{abs(value):.4f}" if abs(value) < 0.1 else f"{abs(value):.3f}"
    if float(text) == 0:
        return "0"
    return f"{MINUS if value < 0 else '+'}{text}"


def milli(value: float) -> str:
    """Return bits times 1000, short: ``12.3``, ``0.04``."""
    scaled = value * 1000
    return f"{scaled:.1f}" if abs(scaled) >= 1 else f"{scaled:.2f}"


def length(nm: float) -> str:
    """Return a length in few characters, as ``263 nm``, ``2.95 µm``, ``1.20 mm``."""
    text = f"{nm:.0f} nm"
    if abs(nm) >= 1e6:
        text = f"{nm / 1e6:.2f} mm"
    elif abs(nm) >= 1000:
        text = f"{nm / 1000:.2f} \N{MICRO SIGN}m"
    return text.replace("-", MINUS)


def signed(value: float, write: Callable[[float], str]) -> str:
    """Return a change with its sign, as ``+37 nm``; the sign of a fall is that of the number."""
    return f"+{write(value)}" if value > 0 else write(value)


def gain(nm: float) -> str:
    """Return a gain in run length in nm without its unit: ``37.4``, ``0.02``, ``−13.3``."""
    text = f"{nm:.1f}" if abs(nm) >= 1 else f"{nm:.2f}"
    return "0" if float(text) == 0 else text.replace("-", MINUS)


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: ``1 error``, ``1,204 errors``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(voxels: int) -> str:
    """Return a number of voxels in few characters: ``9,876``, ``40 k``, ``1.2 M``."""
    if voxels < 10_000:
        return f"{voxels:,}"
    if voxels < 1_000_000:
        return f"{voxels / 1e3:.0f} k"
    return f"{voxels / 1e6:.1f} M" if voxels < 1e9 else f"{voxels / 1e9:.1f} G"


def area(square_um: float) -> str:
    """Return an area in µm² without its unit, in three digits: ``0.012``, ``1.35``, ``120``."""
    return f"{square_um:.3f}" if square_um < 1 else f"{square_um:#.3g}".rstrip(".")


def lengths(values: Sequence[float]) -> str:
    """Return three lengths, as ``30 × 8 × 8``."""
    return " \N{MULTIPLICATION SIGN} ".join(f"{value:g}" for value in values)


def extent(shape: Sequence[int]) -> str:
    """Return numbers of voxels, as ``48 × 1,024 × 1,024``."""
    return " \N{MULTIPLICATION SIGN} ".join(f"{n:,}" for n in shape)


def names(ids: Sequence[int], sign: str = " + ") -> str:
    """Return the ids of objects joined by a sign, the end of a long list left out."""
    shown = [str(i) for i in ids[:3]]
    return sign.join(shown) + (" …" if len(ids) > 3 else "")


def edit(operation: Operation) -> str:
    """Return what an edit is called: ``merge 4 + 7``, ``split 12``."""
    if operation.threshold is not None:
        return f"{operation.kind} {operation.threshold:g}"
    before = [segment for segment in operation.segments_before if segment]  # 0 is background
    return f"{operation.kind} {names(before)}" if before else str(operation.kind)


def operation(done: Operation, log: Sequence[Operation]) -> str:
    """Return what an operation of a log, oldest first, is called: ``undo: merge 4 + 7``."""
    if done.is_edit:
        return edit(done)
    if done.kind == Kind.MARK:
        return f"{FLAG} {done.name}"
    if not done.target:
        return f"{done.kind} to the beginning"
    return f"{done.kind}: {edit(log[done.target - 1])}"


def duration(seconds: float) -> str:
    """Return a time span as people say it: ``40 s``, ``12 min``, ``3 h 20 min``, ``2 d 4 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 36:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def rate(per_second: float) -> str:
    """Return a speed: ``12/s``, ``3.4/min``."""
    if per_second >= 1:
        return f"{per_second:.3g}/s"
    return f"{per_second * 60:.3g}/min" if per_second * 60 >= 1 else f"{per_second * 3600:.3g}/h"
