"""The loop: the same bits when interrupted, obedient, and clear about what went wrong."""

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file, save_file  # noqa: E402

from napari_axonem.errors import NotFiniteError, SettingsError, StageError  # noqa: E402
from napari_axonem.training import trainer as module  # noqa: E402
from napari_axonem.training.trainer import BEST, LAST, Trainer, averaged  # noqa: E402
from napari_axonem.watching import Wish  # noqa: E402
from tests.training.tasks import LineTask, Notes, settings_for  # noqa: E402

STRATEGIES = [
    {"strategy": "single"},
    {"strategy": "pipeline", "cuts": (3,), "order": "1f1b"},
    {"strategy": "pipeline", "cuts": (2, 4), "order": "paper", "hybrid": 0.5},
]


@pytest.fixture(autouse=True)
def unsaved(monkeypatch, tmp_path):
    """Write weights without a card: the made-up network is no architecture of a file."""

    def save(path, network, card, *, overwrite):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(network.state_dict(), path)
        return path

    monkeypatch.setattr(module, "save_model", save)


def run(folder, task=None, watcher=None, **changes):
    trainer = Trainer(task or LineTask(), settings_for(folder, **changes), watcher or Notes())
    return trainer.run(), trainer


def card_of(model):
    return model.with_suffix(".md").read_text(encoding="utf-8")


def state_of(trainer):
    return {name: t.clone() for name, t in trainer._strategy.state_dict().items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


@pytest.mark.parametrize("how", STRATEGIES, ids=lambda how: "-".join(map(str, how.values())))
def test_interrupted_and_resumed_gives_the_same_bits(tmp_path, how):
    _, whole = run(tmp_path / "whole", **how)
    run(tmp_path / "parts", steps=24, watcher=Notes({16: Wish.STOP}), **how)
    result, parts = run(tmp_path / "parts", resume=True, **how)
    assert result.steps == 24
    assert_same(state_of(whole), state_of(parts))


@pytest.mark.parametrize("how", STRATEGIES, ids=lambda how: "-".join(map(str, how.values())))
def test_what_was_learned_after_the_last_checkpoint_is_learned_again(tmp_path, how):
    _, whole = run(tmp_path / "whole", **how)

    class KilledError(Exception):
        pass

    class Killing(Notes):
        def wish(self):
            if self.at == 20:
                raise KilledError
            return Wish.GO_ON

    with pytest.raises(KilledError):
        run(tmp_path / "parts", watcher=Killing(), **how)
    _, parts = run(tmp_path / "parts", resume=True, **how)
    assert_same(state_of(whole), state_of(parts))


def test_a_run_goes_on_with_another_strategy(tmp_path):
    run(tmp_path, steps=8)
    result, trainer = run(tmp_path, resume=True, strategy="pipeline", cuts=(2, 4))
    assert result.steps == 24
    assert trainer._strategy.steps == 24


def test_it_learns_and_tells(tmp_path):
    notes = Notes()
    result, trainer = run(tmp_path, steps=200, checkpoint_every=100, watcher=notes)
    losses = [value for _, value in notes.curves["loss/train"]]
    assert result.ended == "done"
    assert sum(losses[-3:]) < 0.7 * sum(losses[:3])
    assert notes.curves["rate"][0][1] < notes.curves["rate"][1][1] > notes.curves["rate"][-1][1]
    weights = averaged(trainer._strategy.state_dict())
    assert weights.keys() == trainer._chain.state_dict().keys()
    assert not torch.equal(weights["first.module.weight"], trainer._chain.first.module.weight)


def test_the_best_weights_are_kept_and_patience_ends(tmp_path):
    task = LineTask(worths=[3.0, 2.0, 5.0, 4.0, 1.0])
    result, _ = run(tmp_path, task, steps=80, patience=2)
    assert result.ended == "no better"
    assert result.steps == 32
    assert result.scores.worth == 2.0
    assert [figures["voi/validation"] for _, figures in result.history] == [3.0, 2.0, 5.0, 4.0]
    kept = load_file(result.model)
    assert_same(kept, dict(task.seen[1].state_dict()))
    assert "| voi/validation | 2.0 |" in card_of(tmp_path / "run" / BEST)
    assert "| voi/validation | 4.0 |" in card_of(tmp_path / "run" / LAST)


def test_last_weights_that_were_not_scored_carry_no_scores(tmp_path):
    run(tmp_path, LineTask(worths=[3.0, 2.0]), watcher=Notes({18: Wish.STOP}))
    assert "voi/validation" in card_of(tmp_path / "run" / BEST)
    assert "voi/validation" not in card_of(tmp_path / "run" / LAST)


def test_validations_come_when_they_are_asked_for_whatever_the_checkpoints(tmp_path):
    task = LineTask(worths=[3.0, 2.0, 1.0, 0.5])
    result, _ = run(tmp_path, task, steps=24, checkpoint_every=8, validate_every=7)
    assert [step for step, _ in result.history] == [7, 14, 21, 24]


def test_wishes_are_obeyed(tmp_path):
    notes = Notes({5: [Wish.CHECKPOINT], 6: [Wish.PAUSE, Wish.PAUSE], 11: Wish.STOP})
    result, trainer = run(tmp_path, watcher=notes, keep=9)
    assert result.ended == "stopped"
    assert result.steps == 11
    names = [path.stem for path in trainer._checkpoints.paths()]
    assert [int(name.removeprefix("step-")) for name in names] == [11, 8, 5, 0]
    assert notes.said[1:] == ["paused"]


@pytest.mark.parametrize("how", STRATEGIES[:2], ids=["single", "pipeline"])
def test_nan_stops_and_names_stage(tmp_path, how):
    with pytest.raises(NotFiniteError, match="stage"):
        run(tmp_path, LineTask(broken=[45]), **how)
    result, _ = run(tmp_path, resume=True, **how)
    assert result.steps == 24


def test_nan_rolls_back_at_half_the_rate(tmp_path):
    notes = Notes()
    result, trainer = run(tmp_path, LineTask(broken=[45]), notes, on_nan="rollback")
    assert result.steps == 24
    assert trainer._schedule.scale == 0.5
    assert any("learning rate 0.5" in line for line in notes.said)


def test_endless_nan_gives_up(tmp_path):
    class Always(set):
        def discard(self, number):
            pass

    task = LineTask()
    task.samples.broken = Always([45])
    with pytest.raises(NotFiniteError):
        run(tmp_path, task, on_nan="rollback")


def test_a_stage_that_fails_is_named(tmp_path):
    class Failing(torch.nn.Module):
        def forward(self, x):
            raise ValueError("no such thing")

    with pytest.raises(StageError, match="no such thing"):
        run(tmp_path, LineTask(inner=Failing))


def test_a_folder_with_a_run_is_not_overwritten(tmp_path):
    run(tmp_path, steps=8)
    with pytest.raises(SettingsError, match="--resume"):
        run(tmp_path, steps=8)


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    _, whole = run(tmp_path / "whole")
    _, trainer = run(tmp_path / "parts", steps=24)
    last = trainer._checkpoints.paths()[0]
    last.write_bytes(last.read_bytes()[:-40])
    notes = Notes()
    _, again = run(tmp_path / "parts", resume=True, watcher=notes)
    assert notes.said[0].startswith("passed over")
    assert_same(state_of(whole), state_of(again))


def test_minutes_bound_the_run(tmp_path, monkeypatch):
    clock = iter(range(10**6))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(clock)))
    result, trainer = run(tmp_path, minutes=1.0, steps=10_000, checkpoint_every=1000)
    assert 40 <= result.steps <= 70
    assert trainer._schedule.total == result.steps


def test_loaders_give_what_no_loader_gives(tmp_path):
    _, alone = run(tmp_path / "alone", steps=8)
    _, helped = run(tmp_path / "helped", steps=8, loaders=1)
    assert_same(state_of(alone), state_of(helped))
