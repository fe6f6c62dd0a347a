"""What is wrong with a command line is said in plain words, in the terms of the help."""

from pathlib import Path

import pytest

from napari_axonem.cli import main

from .test_verbs import Refused


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "phantom x.zarr --shape 48,320",
            "--shape: three numbers z,y,x are needed, not 48,320",
        ),
        (
            "phantom x.zarr --shape 4,8,8,8",
            "--shape: three numbers z,y,x are needed, not 4,8,8,8",
        ),
        (
            "phantom x.zarr --voxel-size 30,8",
            "--voxel-size: three numbers z,y,x are needed, not 30,8",
        ),
        (
            "phantom x.zarr --voxel-size 30,a,8",
            "--voxel-size: a number is needed, not 'a'",
        ),
        ("phantom x.zarr --shape 48,0,320", "--shape: each must be at least 1, not 0"),
        ("phantom x.zarr --seed 1.5", "--seed: a whole number is needed, not 1.5"),
        (
            "convert a.zarr b.zarr --region 0:10,0:10",
            "--region: three ranges z0:z1,y0:y1,x0:x1 are needed, not 0:10,0:10",
        ),
        (
            "export P --box 0:10,0:10",
            "--box: three ranges z0:z1,y0:y1,x0:x1 are needed, not 0:10,0:10",
        ),
        (
            "errors P --box 1,2",
            "--box: six numbers z0,y0,x0,z1,y1,x1 are needed, not 1,2",
        ),
        ("merge P 855,1420 1,2,3", "Z,Y,X: three numbers z,y,x are needed, not 855,1420"),
        ("agglomerate P --threshold 1.5", "--threshold: it must be at most 1, not 1.5"),
        ("erase P 1,2,3 --radius 0", "--radius: it must be more than 0, not 0"),
    ],
)
def test_a_wrong_value_is_said_in_plain_words(refused: Refused, line: str, said: str) -> None:
    assert refused(line.split()) == f"napari-axonem: {said}\n"


@pytest.mark.parametrize(
    ("line", "verb", "said"),
    [
        ("info", "info", "VOLUME is needed"),
        ("split P --red 285,908,1068", "split", "--blue is needed"),
        ("split P", "split", "--red and --blue are needed"),
        ("agglomerate P", "agglomerate", "--threshold is needed"),
        ("go P", "go", "--to is needed"),
        ("erase P 1,2,3", "erase", "--radius is needed"),
        ("project create", "project create", "PROJECT is needed"),
    ],
)
def test_what_is_missing_is_named_once_with_its_help(
    refused: Refused, line: str, verb: str, said: str
) -> None:
    expected = f"napari-axonem: {verb}: {said}; see 'napari-axonem {verb} --help'\n"
    assert refused(line.split()) == expected


@pytest.mark.parametrize("line", ["nonsense", "project nonsense", "errors P --rank nonsense"])
def test_the_program_names_itself_once(refused: Refused, line: str) -> None:
    before, _, _ = refused(line.split()).partition("; see '")
    assert before.count("napari-axonem") == 1
    assert "invalid choice: 'nonsense'" in before


@pytest.mark.parametrize(
    ("verb", "flags"),
    [
        ("agglomerate", ["--threshold"]),
        ("go", ["--to"]),
        ("erase", ["--radius"]),
        ("split", ["--red", "--blue"]),
    ],
)
def test_usage_shows_what_is_required_without_brackets(
    capsys: pytest.CaptureFixture[str], verb: str, flags: list[str]
) -> None:
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    usage = capsys.readouterr().out
    for flag in flags:
        assert f" {flag} " in usage
        assert f"[{flag}" not in usage


@pytest.mark.parametrize(
    "line",
    [
        "merge P -10,100,100 300,600,600",
        "delete P -.5,1,1",
        "split P --red -1,2,3 -4,5,6 --blue -7,8,9",
    ],
)
def test_a_position_may_begin_with_a_minus(refused: Refused, line: str) -> None:
    assert "P: this is no project" in refused(line.split())


def test_a_setting_that_turns_out_wrong_later_is_named_by_its_flag(refused: Refused) -> None:
    said = refused(["phantom", "x.zarr", "--shape", "1,1,1"])
    assert said.startswith("napari-axonem: --shape: no neurite fits")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("delete", "99999,1,1"), "it lies outside of the volume"),
        (("erase", "99999,1,1", "--radius", "20"), "the brush lies outside of the volume"),
    ],
)
def test_what_is_outside_is_told_where_the_volume_is(
    refused: Refused, project: str, arguments: tuple[str, ...], said: str
) -> None:
    verb, *rest = arguments
    expected = f"point 99999,1,1 nm: {said}, which is 0:120,0:64,0:240 nm"
    assert refused([verb, project, *rest]) == f"napari-axonem: {expected}\n"


@pytest.mark.parametrize("flag", ["--truth", "--image", "--affinities"])
def test_what_a_project_knows_itself_is_refused(
    refused: Refused, project: str, volumes: str, flag: str
) -> None:
    said = refused(["errors", project, flag, f"{volumes}:truth"])
    assert said.startswith(f"napari-axonem: {flag}: it is about a label volume")


def test_the_voxel_size_of_a_project_is_its_own(refused: Refused, project: str) -> None:
    assert "--voxel-size: it is about" in refused(["errors", project, "--voxel-size", "1,1,1"])


def test_a_name_for_skeletons_without_an_end_is_told_how_names_end(
    refused: Refused, project: str
) -> None:
    said = refused(["export", project, "--skeletons", "sk"])
    assert "; give a name that ends in ." in said
    assert said.endswith("or .swc (SWC), or in a slash for a folder of SWC files\n")
    assert "/ (" not in said


@pytest.mark.parametrize(
    ("line", "work", "remedy"),
    [
        (
            "convert a.h5 b.zarr",
            "converting.convert_volume",
            "; the same command goes on where it was",
        ),
        (
            "project create P.axonem --fragments a.h5",
            "making.create_project",
            "; the same command goes on where it was",
        ),
        (
            "segment a.h5 S.segmentation",
            "segmenting.plan_of",
            "; the same command goes on where it was",
        ),
        ("info a.h5", "looking.describe", ""),
    ],
)
def test_who_stops_work_is_told_whether_it_goes_on(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
    work: str,
    remedy: str,
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"napari_axonem.cli.{work}", interrupted)
    assert main(line.split()) == 130
    assert capsys.readouterr().err == f"napari-axonem: stopped{remedy}\n"


@pytest.mark.parametrize(
    "line",
    [
        "train nothere.yaml",
        "models import nothere.npz a.axonem-model --voxel-size 8,8,8 --mean 128 --std 33",
    ],
)
def test_a_file_that_is_not_there_is_said_to_be_missing(refused: Refused, line: str) -> None:
    said = refused(line.split())
    assert ": there is no such file; check the path\n" in said
    assert "Errno" not in said


def test_one_thing_is_said_in_the_singular(
    capsys: pytest.CaptureFixture[str], project: str, tmp_path: Path
) -> None:
    main(["merge", project, "60,32,40", "60,32,120", "60,32,200"])
    main(["project", "info", project])
    printed = capsys.readouterr().out
    assert "3 fragments in 1 segment, 1 operation;" in printed
    meshes, skeletons = tmp_path / "meshes", tmp_path / "skeletons.npz"
    main(["export", project, "--meshes", str(meshes), "--skeletons", str(skeletons)])
    printed = capsys.readouterr().out
    assert f"wrote {meshes}: 1 mesh, sha256" in printed
    assert f"wrote {skeletons}: 1 skeleton, sha256" in printed
