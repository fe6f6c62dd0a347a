"""One of the processes that torchrun starts: trains the small task and writes its state."""

import sys
from pathlib import Path

import torch
from torch import nn

from napari_axonem.training import trainer as module
from napari_axonem.training.trainer import Trainer
from tests.training.tasks import LineTask, Notes, settings_for


def main(folder: Path, steps: int) -> None:
    """Train under torchrun, without batch normalisation: its statistics would differ."""
    torch.set_num_threads(1)
    module.save_model = lambda path, *_, **__: path
    settings = settings_for(folder, strategy="ddp", steps=steps, resume=(folder / "run").exists())
    trainer = Trainer(LineTask(inner=nn.Identity), settings, Notes())
    trainer.run()
    rank = trainer._strategy.share[0]
    torch.save(dict(trainer._strategy.state_dict()), folder / f"rank{rank}.pt")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
