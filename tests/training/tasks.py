"""A task small enough to be trained in a blink, and a watcher that notes and wishes."""

import numpy as np
from torch import nn

from napari_axonem.networks.card import Card
from napari_axonem.networks.chain import Add, Chain, Keep, On
from napari_axonem.training.settings import TrainSettings
from napari_axonem.training.task import Scores
from napari_axonem.watching import Unwatched, Wish


class Lines:
    """The n-th sample: five numbers, and whether their sum is positive; NaN where asked."""

    def __init__(self, broken=()):
        self.broken = set(broken)

    def __getitem__(self, number):
        x = np.random.default_rng([3, number]).standard_normal(5, dtype=np.float32)
        y = np.array([x.sum() > 0], dtype=np.float32)
        if number in self.broken:
            self.broken.discard(number)
            x = x * np.float32(np.nan)
        return x, y


class LineTask:
    """Learns it with a chain that can be cut, with batch normalisation to have buffers."""

    channels_last = False

    def __init__(self, broken=(), worths=(), inner=None):
        self.samples = Lines(broken)
        self.worths = list(worths)
        self.seen = []
        self.inner = inner or (lambda: nn.BatchNorm1d(6))

    def loss(self, output, targets):
        return nn.functional.binary_cross_entropy_with_logits(output, targets[0])

    def build(self):
        return Chain(
            [
                ("first", On(nn.Linear(5, 6))),
                ("norm", On(self.inner())),
                ("keep", Keep()),
                ("second", On(nn.Linear(6, 6))),
                ("add", Add()),
                ("bend", On(nn.Tanh())),
                ("last", On(nn.Linear(6, 1))),
            ]
        )

    def validate(self, network, device):
        self.seen.append(network)
        if not self.worths:
            return None
        worth = self.worths.pop(0)
        return Scores(worth, {"voi/validation": worth})

    def card(self, scores):
        return Card(
            name="lines",
            architecture="rsunet",
            settings={},
            voxel_size=(1.0, 1.0, 1.0),
            patch=(1, 1, 1),
            scores={} if scores is None else scores.figures,
        )


class Notes(Unwatched):
    """Notes all it is told; wishes what it is given, by mini-batch."""

    def __init__(self, wishes=None):
        super().__init__()
        self.wishes = dict(wishes or {})
        self.curves = {}
        self.said = []
        self.at = 0

    def progress(self, done, total, doing):
        self.at = done

    def scalar(self, name, step, value):
        self.curves.setdefault(name, []).append((step, value))

    def say(self, text):
        self.said.append(text)

    def wish(self):
        wanted = self.wishes.get(self.at, Wish.GO_ON)
        if isinstance(wanted, list):
            return wanted.pop(0) if wanted else Wish.GO_ON
        return wanted


def settings_for(folder, **changes):
    """Settings of a short run in `folder`."""
    plain = {
        "out": folder / "run",
        "steps": 24,
        "batch": 4,
        "checkpoint_every": 8,
        "validate_every": 8,
        "warmup": 4,
        "rate": 0.01,
        "precision": "float32",
        "devices": ("cpu",),
    }
    return TrainSettings.parse({**plain, **changes})
