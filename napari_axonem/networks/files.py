"""A model is one file: ``NAME.safetensors``, weights by layer name and the card in its header.

safetensors holds numbers and nothing else: opening a stranger's model runs none of their code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from napari_axonem import __version__
from napari_axonem.errors import ModelError, SettingsError
from napari_axonem.networks.architecture import find_architecture
from napari_axonem.networks.card import FORMAT, Card
from napari_axonem.settings import Settings
from napari_axonem.volumes.disk import guarded, replacing

if TYPE_CHECKING:  # cards are listed without torch
    from torch import Tensor, nn

SUFFIX = ".safetensors"
_KEY = "napari_axonem.card"
"""Where the header keeps the card."""

_SHOWN = 3
"""So many names of tensors are told in an error."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A network with its weights and its card, ready to be used."""

    card: Card

    settings: Settings
    """What the network is built from, such as `RsunetSettings`."""

    network: nn.Module
    """In evaluation mode, on the processor, in full precision."""

    path: Path
    """The file it came from."""


def save_model(
    path: str | Path, network: nn.Module, card: Card, *, overwrite: bool = False
) -> Path:
    """Write a network and its card as one file, all of it or nothing.

    Parameters
    ----------
    path
        Ends in ``.safetensors``; the suffix is added where it is missing.
    network
        Whose parameters and buffers are written, floating ones as float32. It has the
        architecture and settings that the card states.
    card
        ``written_by`` is filled in.

    Returns
    -------
    The path of the file.

    Raises
    ------
    ModelError
        The network is not what the card says, or holds NaN or infinities.
    VolumeError
        Something has that name and `overwrite` is false.
    StorageError
        The disk cannot be written.
    """
    from safetensors.torch import save

    path = Path(path)
    path = path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)
    card = card.model_copy(update={"written_by": f"napari-axonem {__version__}"})
    tensors = {name: _plain(tensor) for name, tensor in network.state_dict().items()}
    _check_tensors(tensors, _settings_of(card, path), card, path)
    with replacing(path, overwrite=overwrite) as temporary:
        # by way of bytes, because save_file makes files that only their owner may read
        temporary.write_bytes(save(tensors, metadata={_KEY: card.model_dump_json()}))
    return path


def load_model(path: str | Path) -> LoadedModel:
    """Read a model.

    Raises
    ------
    ModelError
        The file is missing, damaged, no model of this program, of an unknown architecture, or
        its tensors are not those of the network that its card describes.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Path(path)
    card = read_card(path)
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error
    settings = _settings_of(card, path)
    network = _check_tensors(tensors, settings, card, path)
    network.load_state_dict(tensors)
    return LoadedModel(card, settings, network.eval(), path)


def read_card(path: str | Path) -> Card:
    """Read the card of a model without its weights; torch is not needed.

    Raises
    ------
    ModelError
        The file is missing, damaged, or no model of this program.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise ModelError("no such file", where=path, remedy="list models with --list-models")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata: dict[str, str] = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error
    if _KEY not in metadata:
        raise ModelError(
            "weights without a card",
            where=path,
            remedy="only models that napari-axonem has written say how they are to be used",
        )
    return _parsed(metadata[_KEY], path)


def _parsed(text: str, path: Path) -> Card:
    try:
        values: Any = json.loads(text)
        found = values.get("format") if isinstance(values, dict) else None
        if isinstance(found, int) and found > FORMAT:
            raise ModelError(
                f"a card of format {found}, and this version reads up to {FORMAT}",
                where=path,
                remedy="upgrade napari-axonem",
            )
        return Card.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"its card is wrong at {name!r}: {first['msg']}", where=path) from error
    except ValueError as error:
        raise _damaged(path, error) from error


def _settings_of(card: Card, path: Path) -> Settings:
    """Return the card's settings as those of its architecture."""
    architecture = find_architecture(card.architecture, path)
    try:
        return architecture.settings.parse(card.settings)
    except SettingsError as error:
        raise ModelError(
            f"its card describes no {card.architecture}: {error}", where=path
        ) from error


def _check_tensors(
    tensors: dict[str, Tensor], settings: Settings, card: Card, path: Path
) -> nn.Module:
    """Return the network that the card describes; raise where `tensors` are not its weights."""
    import torch

    with torch.random.fork_rng(devices=[]):  # a training that saves goes on with its own numbers
        network = find_architecture(card.architecture, path).build(settings)
    wanted = network.state_dict()
    problems = {
        "missing": [name for name in wanted if name not in tensors],
        "unknown": [name for name in tensors if name not in wanted],
        "of another shape": [
            f"{name} {tuple(tensor.shape)} instead of {tuple(wanted[name].shape)}"
            for name, tensor in tensors.items()
            if name in wanted and tensor.shape != wanted[name].shape
        ],
    }
    found = [f"{len(names)} {what} ({_some(names)})" for what, names in problems.items() if names]
    if found:
        raise ModelError(
            f"tensors do not fit a {card.architecture} of these settings: {', '.join(found)}",
            where=path,
            remedy="use weights of this architecture, with the settings they were trained with",
        )
    broken = [n for n, t in tensors.items() if not bool(torch.isfinite(t).all())]
    if broken:
        raise ModelError(f"NaN or infinities in {_some(broken)}", where=path)
    return network


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _plain(tensor: Tensor) -> Tensor:
    """Return a tensor as it is stored: on the processor, dense, floating numbers in 32 bits."""
    import torch

    tensor = tensor.detach().cpu()
    tensor = tensor.to(torch.float32) if tensor.is_floating_point() else tensor
    return tensor.contiguous().clone()


def _damaged(path: Path, error: Exception) -> ModelError:
    return ModelError(
        f"damaged or no model ({error})", where=path, remedy="get or train the model again"
    )


def write_markdown(path: Path, card: Card) -> Path:
    """Write the card for people beside the model at `path`, and return where.

    Raises
    ------
    StorageError
        The disk cannot be written.
    """
    beside = path.with_suffix(".md")
    with guarded(beside):
        beside.write_text(card.as_markdown(), encoding="utf-8")
    return beside
