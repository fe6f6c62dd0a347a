"""Configuration files: mistakes are told by key and line, before anything starts."""

import pytest

from napari_axonem.errors import SettingsError
from napari_axonem.training.configuration import read_configuration, read_settings
from napari_axonem.training.settings import TrainSettings

GOOD = {
    "yaml": "volumes: [a.h5]\nsteps: 7\nwidths: [4, 8]\naugmentation:\n  noise: 0.1\n",
    "toml": 'volumes = ["a.h5"]\nsteps = 7\nwidths = [4, 8]\n[augmentation]\nnoise = 0.1\n',
    "json": '{"volumes": ["a.h5"],\n"steps": 7,\n"widths": [4, 8],\n'
    '"augmentation": {"noise": 0.1}}',
}
WRONG = [
    ("yaml", "steps: 7\nstepz: 3\n", "line 2", "no setting 'stepz'"),
    ("yaml", "steps: 7\naugmentation:\n  noise: 3\n", "line 3", "augmentation.noise"),
    ("yaml", "steps: 7\nsteps: 8\n", "line 2", "twice"),
    ("yaml", "steps: [\n", "line 2", "no YAML"),
    ("toml", "steps = 7\n\n[augmentation]\nflips = 'x'\n", "line 4", "augmentation.flips"),
    ("toml", "a = 1\nsteps = \n", "line 2", "no TOML"),
    ("toml", "model = 'unet'\n", "line 1", "model"),
    ("json", '{"steps": 7,\n "rate": -1}', "line 2", "rate"),
    ("json", '{"steps": 7,\n}', "line 2", "no JSON"),
    ("yaml", "- 1\n", "", "no settings"),
    ("ini", "", "", "no form"),
]


def written(tmp_path, kind, text):
    path = tmp_path / f"run.{kind}"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", GOOD)
def test_all_forms_say_the_same(tmp_path, kind):
    file = read_configuration(written(tmp_path, kind, GOOD[kind]))
    settings = read_settings(TrainSettings, file, {"steps": 9})
    assert settings.steps == 9  # a flag takes precedence
    assert settings.widths == (4, 8)
    assert settings.augmentation.noise == 0.1


@pytest.mark.parametrize(("kind", "text", "line", "what"), WRONG)
def test_mistakes_are_named_with_their_line(tmp_path, kind, text, line, what):
    with pytest.raises(SettingsError) as caught:
        read_settings(TrainSettings, read_configuration(written(tmp_path, kind, text)))
    assert f"run.{kind}" in caught.value.where
    assert line in caught.value.where
    assert what in caught.value.seen


def test_what_json_allows_and_yaml_does_not(tmp_path):
    text = '{"volumes": ["data\x7f.h5"], "steps": 7}'
    file = read_configuration(written(tmp_path, "json", text))
    assert file.values["volumes"] == ["data\x7f.h5"]
    assert file.place(("steps",)) == str(tmp_path / "run.json")


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(SettingsError, match="cuts are for the strategy 'pipeline'"):
        TrainSettings.parse({"cuts": (3,), "strategy": "single"})
    with pytest.raises(SettingsError, match="too small"):
        TrainSettings.parse({"patch": (2, 64, 64)})


def test_cuts_mean_a_pipeline_unless_a_strategy_is_named():
    assert TrainSettings.parse({"model": "resnet20", "ppv": "7"}).strategy == "pipeline"
    assert TrainSettings.parse({}).strategy == "single"
