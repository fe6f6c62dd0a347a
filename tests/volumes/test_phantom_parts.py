"""The parts that a phantom is made of, against plain oracles."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_axonem.geometry import Box
from napari_axonem.volumes.phantom import PhantomSettings
from napari_axonem.volumes.phantom.chains import Chains, Kind, join
from napari_axonem.volumes.phantom.hashing import uniform
from napari_axonem.volumes.phantom.nearest import candidates_of, nearest_at, nearest_in_box
from napari_axonem.volumes.phantom.neighbours import Balls, touching
from napari_axonem.volumes.phantom.neurites import LARGEST_RADIUS, SMALLEST_RADIUS, grow
from napari_axonem.volumes.phantom.noise import SmoothNoise
from napari_axonem.volumes.phantom.relaxation import pack_discs, relax
from napari_axonem.volumes.phantom.sampling import Sampling, draw_artefacts
from napari_axonem.volumes.phantom.tubes import measure, tubes_of


def test_hashes_are_spread_evenly_and_do_not_depend_on_shape():
    drawn = uniform(7, np.arange(100)[:, None], np.arange(100))
    assert abs(drawn.mean() - 0.5) < 0.02
    assert np.histogram(drawn, bins=10, range=(0, 1))[0].min() > 900
    assert drawn[12, 34] == uniform(7, 12, 34)[0]
    assert len(np.unique(drawn)) == drawn.size


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 40), st.integers(1, 40))
def test_touching_finds_each_pair_once(seed, n, m):
    rng = np.random.default_rng(seed)
    a = Balls(rng.uniform(0, 1000, (n, 3)), rng.lognormal(4, 1, n))
    b = Balls(rng.uniform(0, 1000, (m, 3)), rng.lognormal(4, 1, m))
    found = [pair for i, j in touching(a, b) for pair in zip(i.tolist(), j.tolist(), strict=True)]
    expected = {
        (i, j)
        for i, j in itertools.product(range(n), range(m))
        if np.linalg.norm(a.centres[i] - b.centres[j]) < a.radii[i] + b.radii[j]
    }
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_noise_is_the_same_on_a_lattice_and_at_points():
    noise = SmoothNoise(1, "test", period=16, spacing=30.0, blur=(1.5, 0.7), components=2)
    rng = np.random.default_rng(0)
    z, y, x = (
        (np.arange(-3, 4) + 0.5) * 40,
        rng.uniform(-900, 900, (7, 9)),
        rng.uniform(0, 9, (7, 5)),
    )
    lattice = noise.on_lattice(z, y, x, component=1)
    points = np.stack(
        [
            np.broadcast_to(z[:, None, None], lattice.shape),
            np.broadcast_to(y[:, :, None], lattice.shape),
            np.broadcast_to(x[:, None, :], lattice.shape),
        ],
        axis=-1,
    )
    np.testing.assert_array_equal(lattice.ravel(), noise.at(points.reshape(-1, 3), component=1))
    assert np.abs(noise.tile).max() <= 1
    period = 16 * 30.0
    np.testing.assert_allclose(noise.on_lattice(z + period, y, x, 1), lattice, atol=1e-4)


def some_tubes(seed, n_chains=6):
    rng = np.random.default_rng(seed)
    points = [
        np.cumsum(rng.normal(0, 70, (6, 3)), axis=0) + rng.uniform(0, 600, 3)
        for _ in range(n_chains)
    ]
    radii = [rng.uniform(30, 120, 6) for _ in range(n_chains)]
    chains = join(points, radii, [0] * n_chains, [-1] * n_chains)
    return tubes_of(chains, np.arange(n_chains) % 4)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_the_nearest_tube_is_that_of_a_full_search(seed):
    tubes = some_tubes(seed)
    limit = 100.0
    candidates = candidates_of(tubes, np.arange(len(tubes)), limit)
    rng = np.random.default_rng(seed)
    lattice = np.meshgrid(
        *(np.arange(n) * s for n, s in ((5, 40), (33, 16), (20, 16))), indexing="ij"
    )
    places = tuple((a + rng.normal(0, 5, a.shape)).astype(np.float32) for a in lattice)
    box = nearest_in_box(candidates, places, np.array([40.0, 16.0, 16.0]))
    points = np.stack([a.ravel() for a in places], axis=1)
    single = nearest_at(candidates, points)

    scores = np.stack(
        [
            measure(*(points[:, a] - tubes.start[i, a] for a in range(3)), tubes, np.int64(i))[0]
            for i in range(len(tubes))
        ]
    )
    best = scores.min(axis=0)
    tube = np.where(best < limit, scores.argmin(axis=0), -1)
    foreign = tubes.owner[:, None] != tubes.owner[tube][None, :]
    second = np.where(foreign, scores, np.inf).min(axis=0)
    second = np.where(tube < 0, limit, np.minimum(second, limit))
    for answer in (box, single):
        np.testing.assert_array_equal(answer.tube.ravel(), tube)
        np.testing.assert_array_equal(answer.score.ravel(), np.minimum(best, np.float32(limit)))
        np.testing.assert_array_equal(answer.second.ravel(), second.astype(np.float32))
    np.testing.assert_array_equal(box.along.ravel(), single.along)


def test_a_score_is_the_distance_to_the_wall():
    chain = Chains(
        points=np.array([[0.0, 0, 0], [0, 0, 100]]),
        radii=np.array([50.0, 50.0]),
        start=np.array([0, 2]),
        kind=np.array([0]),
        parent_point=np.array([-1]),
    )
    tubes = tubes_of(chain, np.array([1]))
    z, y, x = np.array([[30, 0, 20], [0, 80, 100], [0, 0, 160], [0, -40, -30]], dtype=np.float32).T
    score, along = measure(z, y, x, tubes, np.int64(0))
    np.testing.assert_allclose(score, [-20, 30, 10, 0], atol=1e-3)
    np.testing.assert_allclose(along, [20, 100, 100, 0], atol=1e-3)


def test_cutting_chains_keeps_branches_where_their_root_remains():
    line = np.zeros((6, 3))
    line[:, 2] = np.arange(6)
    chains = join([line, line + 10, line + 20], [np.ones(6)] * 3, [0, 0, 1], [-1, 4, 1])
    np.testing.assert_array_equal(chains.neurites(), [0, 0, 0])
    keep = np.ones(18, dtype=bool)
    keep[2] = False  # between the roots of the two branches
    keep[[14, 17]] = False  # the second branch breaks into runs of 2 and 2
    cut = chains.cut(keep, fewest=2)
    np.testing.assert_array_equal(cut.start, [0, 2, 5, 11, 13, 15])
    np.testing.assert_array_equal(cut.kind, [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(cut.parent_point, [-1, -1, 3, 1, -1])
    np.testing.assert_array_equal(cut.neurites(), [0, 1, 1, 0, 2])
    assert len(chains.cut(keep, fewest=3)) == 2


def overlap(centres, radii, group):
    balls = Balls(centres, radii)
    total = 0.0
    for i, j in touching(balls, balls):
        other = group[i] != group[j]
        apart = np.linalg.norm(centres[i] - centres[j], axis=1)
        total += float(((radii[i] + radii[j] - apart) * other).sum())
    return total


def test_packed_discs_hardly_overlap():
    rng = np.random.default_rng(3)
    radii = rng.lognormal(np.log(100), 0.3, 40)
    side = float(np.sqrt(np.pi * (radii**2).sum() / 0.8))
    centres = np.column_stack([np.zeros(40), pack_discs(radii, (side, side), rng)])
    assert np.all(np.abs(centres) <= side / 2)
    assert overlap(centres, radii, np.arange(40)) < 0.15 * radii.sum()


def test_relaxation_pulls_neurites_apart_and_keeps_roots():
    line = np.zeros((10, 3))
    line[:, 2] = np.arange(10) * 100.0
    across = line[:, [0, 2, 1]] + [30.0, -450.0, 450.0]
    branch = line[:4, [2, 1, 0]] + line[5]
    radii = [np.full(10, 60.0), np.full(10, 60.0), np.full(4, 60.0)]
    chains = join([line, across, branch], radii, [0, 0, 0], [-1, -1, 5])
    group = chains.neurites()[chains.chain_of_point]
    after = relax(chains, 40)
    assert overlap(after.points, after.radii, group) < 0.2 * overlap(
        chains.points, chains.radii, group
    )
    np.testing.assert_array_equal(after.points[after.start[2]], after.points[5])


def test_axons_have_calibres_as_asked_for():
    for diameter in (200.0, 400.0):
        settings_ = PhantomSettings(shape=(64, 240, 240), axon_diameter=diameter, seed=4)
        chains = grow(settings_)
        axon = chains.kind[chains.chain_of_point] == Kind.AXON
        assert chains.radii.min() >= SMALLEST_RADIUS == 50.0  # diameters of 0.1 to 1 um
        assert chains.radii.max() <= LARGEST_RADIUS == 500.0
        assert 0.85 * diameter < 2 * np.median(chains.radii[axon]) < 1.25 * diameter
        spread = np.percentile(chains.radii[axon], [10, 90])
        assert spread[1] > 1.5 * spread[0]


def test_neurites_run_in_crossing_directions():
    chains = grow(PhantomSettings(seed=1))
    ways = []
    for a, b in itertools.pairwise(chains.start):
        way = chains.points[b - 1] - chains.points[a]
        if np.linalg.norm(way) > 1000:
            ways.append(way / np.linalg.norm(way))
    cosines = np.abs(np.array(ways) @ np.array(ways).T)
    assert (cosines > 0.95).mean() > 0.15  # bundles
    assert (cosines < 0.6).mean() > 0.2  # that cross


def test_artefacts_come_at_their_rates_and_once_a_section():
    settings_ = PhantomSettings(
        shape=(200, 8, 8), missing_rate=0.05, shift_rate=0.1, blur_rate=0.02
    )
    artefacts = draw_artefacts(settings_)
    kinds = [artefact.kind for artefact in artefacts]
    assert [kinds.count(kind) for kind in ("missing", "shift", "blur")] == [10, 20, 4]
    sections = [artefact.section for artefact in artefacts]
    assert sections == sorted(set(sections))
    assert min(sections) >= 1
    assert max(sections) <= 198
    for artefact in artefacts:
        size = np.hypot(*artefact.shift_nm)
        assert 20 <= size <= 40.001 if artefact.kind == "shift" else size == 0
    assert draw_artefacts(PhantomSettings(shape=(1, 8, 8), missing_rate=0.3)) == ()


@pytest.mark.parametrize("voxel_size", [(30, 8, 8), (10, 10, 10)])
def test_a_voxel_looks_at_the_place_that_it_is_the_voxel_of(voxel_size):
    settings_ = PhantomSettings(shape=(30, 40, 50), voxel_size=voxel_size, shift_rate=0.2)
    sampling = Sampling(settings_, draw_artefacts(settings_))
    rng = np.random.default_rng(0)
    voxels = rng.integers(0, settings_.shape, (500, 3))
    found = sampling.voxels(sampling.warped(sampling.positions(voxels)).astype(float))
    assert np.abs(found - voxels).max() <= 1  # the inverse of the warp is good to a few nm
    assert np.mean(np.all(found == voxels, axis=1)) > 0.9
    box = Box((4, 5, 6), (9, 20, 30))
    z, y, x = sampling.warped_lattice(sampling.lattice(box))
    inside = voxels[[box.contains(v) for v in voxels]]
    points = sampling.warped(sampling.positions(inside))
    at = tuple((inside - box.start).T)
    np.testing.assert_array_equal(points, np.stack([z[at], y[at], x[at]], axis=1))


def test_the_warp_does_not_fold():
    settings_ = PhantomSettings(shape=(60, 60, 60), voxel_size=(10, 10, 10))
    sampling = Sampling(settings_, ())
    places = sampling.warped_lattice(sampling.lattice(Box.of_shape(settings_.shape)))
    slopes = np.stack([[np.diff(p, axis=a)[:59, :59, :59] / 10 for a in range(3)] for p in places])
    assert np.linalg.det(np.moveaxis(slopes, (0, 1), (-2, -1))).min() > 0.1
