"""Flood filling written down a second time, plainly; and things that look like a network."""

import math
from collections import deque

import numpy as np
from scipy import ndimage

from napari_axonem.segmentation.flooding.rules import Rules
from napari_axonem.segmentation.flooding.settings import FloodSettings

FOV = (9, 9, 9)
STEP = (2, 3, 2)


def rules(fov=FOV, step=STEP, **changed):
    return Rules.of(FloodSettings.parse({"min_size": 30, **changed}), fov, step)


def blobs(seed, shape=(26, 32, 30)):
    """An image of tangled bright things, as normalised grey values."""
    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = ndimage.gaussian_filter(noise, 2.0, mode="wrap")
    return (smooth / smooth.std()).astype(np.float32)


def all_seeds(image, rules, every=5):
    """Some bright voxels far enough from the border, sorted."""
    inner = tuple(slice(r, n - r) for r, n in zip(rules.reach, image.shape, strict=True))
    found = np.argwhere(image[inner] > 0.5) + rules.reach
    return found[::every].astype(np.int64)


def connected(images, masks):
    """What hangs together with the mask inside of the field of view is the object.

    Dark voxels end an object, very bright ones now and then let it leak: objects meet.
    """
    answers = []
    for image, mask in zip(images, masks, strict=True):
        inside = image > 0.3
        parts, _ = ndimage.label(inside)
        of_mask = np.unique(parts[(mask > 0) & inside])
        is_object = np.isin(parts, of_mask[of_mask > 0])
        answers.append(np.where(is_object, 1.5 + image, -1.0 - np.abs(image)))
    return np.stack(answers).astype(np.float32)


def fading(images, masks):
    """An object that gets weaker the more of it there is, and loses many of its seeds."""
    size = (masks > 0).sum(axis=(1, 2, 3), keepdims=True)
    return (connected(images, masks) + 0.9 - size / 260).astype(np.float32)


def drifting(images, masks):
    """Logits that depend on what was known before, so that the order of moves matters."""
    return (0.8 * masks + 0.6 * connected(images, masks) + 0.3 * images).astype(np.float32)


def flooded_plainly(image, seeds, rules, look):
    """Labels by the published policy: one seed and one field of view after the other."""
    labels = np.zeros(image.shape, np.uint32)
    objects, d = 0, rules.seed_distance
    for seed in map(tuple, seeds.tolist()):
        near = tuple(slice(max(0, s - d), s + d + 1) for s in seed)
        if labels[near].any():
            continue
        logits = grown_plainly(image, labels, seed, rules, look)
        mine = (logits >= rules.segment) & (labels == 0)
        if logits[seed] >= rules.move and mine.sum() >= rules.min_size:
            objects += 1
            labels[mine] = objects
    return labels


def grown_plainly(image, labels, seed, rules, look):
    """Logits of one object, over the whole image."""
    known = np.full(image.shape, np.nan, np.float32)
    known[seed] = rules.seed
    queue, done = deque([seed]), set()
    while queue and known[seed] >= rules.move:
        position = queue.popleft()
        cell = cell_of(position, seed, rules.step)
        low = [p - r for p, r in zip(position, rules.reach, strict=True)]
        high = [a + n for a, n in zip(low, rules.fov, strict=True)]
        is_inside = min(low) >= 0 and all(h <= n for h, n in zip(high, image.shape, strict=True))
        if cell in done or not is_inside or labels[position]:
            continue
        if not known[position] >= rules.move:
            continue
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        before = known[box].copy()
        shown = np.where(np.isnan(before), np.float32(rules.unknown), before)
        after = look(image[box][None], shown[None])[0].copy()
        if rules.freeze and (after >= rules.move).any():
            for index in np.ndindex(after.shape):
                if before[index] < 0 and after[index] > before[index]:
                    after[index] = before[index]
        known[box] = after
        done.add(cell)
        queue.extend(moves_plainly(after, position, rules))
    return known


def cell_of(position, seed, step):
    return tuple(
        math.floor((p - s + d // 2) / d) for p, s, d in zip(position, seed, step, strict=True)
    )


def moves_plainly(logits, position, rules):
    """Positions that a field of view asks for, best first."""
    best = {}
    centre = rules.reach
    for axis in range(3):
        for side in (-1, 1):
            found = None
            for offset in np.ndindex(*(2 * s + 1 for s in rules.step)):
                move = tuple(o - s for o, s in zip(offset, rules.step, strict=True))
                if move[axis] != side * rules.step[axis]:
                    continue
                value = float(logits[tuple(c + m for c, m in zip(centre, move, strict=True))])
                if found is None or value > found[0]:
                    found = value, move
            if found[0] >= rules.move:
                best[found[1]] = found[0]
    ordered = sorted(((value, move) for move, value in best.items()), reverse=True)
    return [tuple(p + m for p, m in zip(position, move, strict=True)) for _, move in ordered]


def tubes(shape=(34, 40, 64)):
    """A uint8 image of bright tubes on dark ground, and their labels; they run along x, wavily.

    They are brightest in the middle, so that the field of view stays there.
    """
    grey = np.random.default_rng(0).normal(60, 6, shape).clip(0, 90)
    truth = np.zeros(shape, np.uint32)
    z, y = np.mgrid[: shape[0], : shape[1]]
    centres = [(8, 8), (8, 29), (24, 10), (25, 29)]
    for label, (cz, cy) in enumerate(centres, start=1):
        for x in range(shape[2]):
            sway = 2 * math.sin(x / 11 + label)
            away = (z - cz - sway) ** 2 + (y - cy + sway / 2) ** 2
            inside = away <= 9
            grey[:, :, x][inside] += 160 - 6 * away[inside]
            truth[:, :, x][inside] = label
    return grey.astype(np.uint8), truth


def tiny_model(folder, fov=(9, 9, 9), step=(2, 2, 2)):
    """A flood-filling network of 63 numbers by hand: what is bright belongs to the object."""
    import torch

    from napari_axonem.networks.card import Card, Normalisation
    from napari_axonem.networks.ffn import FfnSettings, build
    from napari_axonem.networks.files import load_model, save_model

    settings = FfnSettings(depth=1, features=1, step=step)
    network = build(settings)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        weights = dict(network.named_parameters())
        weights["conv0_a.module.weight"][0, 0, 1, 1, 1] = 1
        weights["conv0_b.module.weight"][0, 0, 1, 1, 1] = 1
        weights["conv_lom.module.weight"][:] = 6
        weights["conv_lom.module.bias"][:] = -4
    card = Card(
        name="bright",
        architecture="ffn",
        settings=settings.model_dump(),
        voxel_size=(10, 10, 10),
        normalisation=Normalisation(mean=100, std=50),
        offsets=(),
        patch=fov,
    )
    path = folder / "bright.safetensors"
    return load_model(path if path.exists() else save_model(path, network, card))
