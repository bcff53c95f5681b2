"""Lesions drawn, placed and painted in plain NumPy, as docs/explanation/lesions.md says."""

import math

import numpy as np
from random_source import RandomSource

NOISE_DEVIATION = 0.31


class SmoothNoise:
    """Value noise on a repeating lattice of 32 x 32 x 32."""

    def __init__(self, source):
        drawn = [source.uniform(-1, 1) for _ in range(32**3)]
        self.lattice = np.array(drawn, np.float32).reshape(32, 32, 32)

    def __call__(self, places):
        """Return the noise at places (..., 3)."""
        low = np.floor(places).astype(np.int64)
        t = places - low
        fade = t * t * (3 - 2 * t)
        total = np.zeros(places.shape[:-1])
        for corner in np.ndindex(2, 2, 2):
            weight = np.prod(np.where(corner, fade, 1 - fade), axis=-1)
            total += weight * self.lattice[tuple(np.moveaxis((low + corner) % 32, -1, 0))]
        return total


def kernel(deviation):
    reach = math.ceil(3 * deviation)
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * deviation**2))
    return weights / weights.sum()


def smoothed(values, organ, deviations):
    """Return the Gaussian mean over the organ, and the kernel's share inside it."""
    sums, weights = np.where(organ, values, 0.0).astype(float), organ.astype(float)
    for axis, deviation in enumerate(deviations):
        taps = kernel(deviation)
        sums, weights = (
            np.apply_along_axis(lambda line, taps=taps: _same(line, taps), axis, array)
            for array in (sums, weights)
        )
    return np.divide(sums, weights, where=organ > 0, out=np.zeros_like(sums)), weights


def _same(line, taps):
    reach = len(taps) // 2
    return np.convolve(np.pad(line, reach), taps, "valid")


def level_of(values, organ, spacing):
    """Return level, spread, noise, grain and the smoothed organ."""
    mean, inside = smoothed(values, organ, [2 / edge for edge in spacing])
    core = (organ > 0) & (inside >= 0.97)
    if core.sum() < 64:
        core = organ > 0
    level = mode(mean[core])
    spread = 1.4826 * np.median(np.abs(mean[core] - level))
    noise = 1.4826 * np.median(np.abs(values[core] - mean[core]))
    blurs = []
    fine = np.where(organ, values - mean, 0)
    for axis, edge in enumerate(spacing):
        here, there = np.delete(fine, -1, axis), np.delete(fine, 0, axis)
        both = (np.delete(organ, -1, axis) * np.delete(organ, 0, axis)) > 0
        squares = ((here**2 + there**2) / 2)[both].sum()
        correlation = min((here * there)[both].sum() / squares, 0.95) if squares else 0
        blurs.append(0 if correlation < 0.02 else edge / (2 * math.sqrt(-math.log(correlation))))
    return level, spread, noise, float(np.mean(blurs)), mean


def mode(values):
    first = math.floor(values.min()) - 18
    # Halves are rounded away from 0, as the core does.
    bins = (np.sign(values) * np.floor(np.abs(values) + 0.5)).astype(int) - first
    counts = np.bincount(bins, minlength=math.ceil(values.max()) + 19 - first)
    smooth = np.convolve(counts, kernel(3), "same")
    best = 9 + int(np.argmax(smooth[9:-9]))
    a, b, c = smooth[best - 1 : best + 2]
    shift = (a - c) / (2 * (a - 2 * b + c)) if a - 2 * b + c < 0 else 0
    return best + first + min(max(shift, -0.5), 0.5)


def directions(source):
    w, x, y, z = _unit([source.normal() for _ in range(4)])
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _unit(numbers):
    return np.array(numbers) / math.sqrt(sum(number**2 for number in numbers))


def _log_uniform(source, interval):
    low, high = interval
    return low * math.exp(source.uniform(0, math.log(high / low)))


def _part(source, chance, interval):
    there = source.uniform() < chance
    drawn = source.uniform(*interval)
    return drawn if there else 0.0


def draw(law, level, grain, source):
    """Draw one lesion centred at the origin: a dict of its fields."""
    radius = _log_uniform(source, law.radius)
    radii = np.array([radius * source.uniform(*law.axes) for _ in range(3)])
    axes = directions(source)
    boundary = source.uniform(*law.boundary) * radius
    edge = max(source.uniform(*law.edge), grain * math.sqrt(3) / math.pi)
    is_bright = source.uniform() < law.bright_chance
    drawn = _log_uniform(source, law.bright) if is_bright else -_log_uniform(source, law.dark)
    lowest = min(law.darkest_hu - level, -law.dark[0])
    contrast = max(drawn, lowest)
    lesion = {
        "centre": np.zeros(3), "radius": radius, "radii": radii, "axes": axes,
        "boundary": boundary, "edge": edge, "contrast": contrast,
        "texture": source.uniform(*law.texture), "grain": source.uniform(*law.grain),
        "noise_share": source.uniform(*law.noise_share),
    }  # fmt: skip
    drop = _part(source, law.core_chance, law.core)
    lesion["core"] = max(contrast - drop, min(lowest, contrast)) - contrast
    lesion["core_size"] = source.uniform(*law.core_size)
    lesion["rim"] = _part(source, law.rim_chance, law.rim)
    lesion["rim_width"] = source.uniform(*law.rim_width)
    lesion["capsule"] = _part(source, law.capsule_chance, law.capsule)
    lesion["capsule_width"] = source.uniform(*law.capsule_width)
    lesion["is_over"] = source.uniform() < law.over_vessels_chance
    lesion["offset"] = np.array([source.uniform(0, 32) for _ in range(3)])
    return lesion


def draw_cluster(law, level, grain, source):
    first = draw(law, level, grain, source)
    lesions = [first]
    if source.uniform() >= law.cluster_chance:
        return lesions
    for _ in range(1 + source.integer(law.cluster_count - 1)):
        other = draw(law, level, grain, source)
        size = max(source.uniform(*law.cluster_radius) * first["radius"], law.radius[0])
        share = size / other["radius"]
        towards = directions(source)[0]
        other["centre"] = towards * source.uniform(0.8, 1.6) * (first["radius"] + size)
        for name in ("radius", "radii", "boundary"):
            other[name] = other[name] * share
        look = "contrast texture grain noise_share core core_size rim capsule is_over"
        other.update({name: first[name] for name in look.split()})
        lesions.append(other)
    return lesions


def _smooth_step(low, high, x):
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def paint(lesion, law, values, fine, rise, places, texture):
    """Return values with a lesion painted over, and its part; all arrays of the same voxels."""
    own = (places - lesion["centre"]) @ lesion["axes"].T
    q = own / lesion["radii"]
    length = np.linalg.norm(q, axis=-1)
    gradient = np.linalg.norm(q / lesion["radii"], axis=-1)
    distance = np.where(
        gradient > 1e-6, length * (length - 1) / np.maximum(gradient, 1e-9), -lesion["radii"].min()
    )
    octaves = [(1.3 * 2.2**k / lesion["radius"], 0.55**k) for k in range(4)]
    octaves = [octave for k, octave in enumerate(octaves) if k == 0 or 1 / octave[0] >= 1.5]
    power = math.sqrt(sum(weight**2 for _, weight in octaves))
    for frequency, weight in octaves:
        scale = lesion["boundary"] * weight / (NOISE_DEVIATION * power)
        distance = distance - scale * texture(own * frequency + lesion["offset"])
    vessel = _smooth_step(0.6 * law.vessel_rise, 1.4 * law.vessel_rise, rise)
    spared = 1.0 if lesion["is_over"] else 1 - vessel
    part = spared / (1 + np.exp(np.clip(distance / lesion["edge"], -500, 500)))
    hu = lesion["contrast"] + lesion["texture"] / NOISE_DEVIATION * texture(
        own / lesion["grain"] + lesion["offset"] + 11.37
    )
    edge = 1 - lesion["core_size"]
    hu = hu + lesion["core"] * _smooth_step(edge - 0.12, edge + 0.12, -distance / lesion["radius"])
    rim, capsule = lesion["rim_width"] / 2, lesion["capsule_width"] / 2
    hu = hu + lesion["rim"] * np.maximum(1 - np.abs(distance + rim) / rim, 0)
    hu = hu + lesion["noise_share"] * fine
    shell = lesion["capsule"] * spared * np.maximum(1 - np.abs(distance - capsule) / capsule, 0)
    return values + part * (hu - values) + shell, part


def insert(values, organ, spacing, law, count, seed):
    """Return HU, the lesions' part, and the lesions."""
    level, _, noise, grain, mean = level_of(values.astype(float), organ, spacing)
    root = RandomSource(seed)
    texture = SmoothNoise(root.stream(2**64 - 1))
    inside = np.argwhere(organ)
    lesions = []
    for i in range(count):
        source = root.stream(i)
        cluster = draw_cluster(law, level, grain, source)
        for _ in range(64):
            voxel = inside[source.integer(len(inside))]
            centre = voxel * np.array(spacing)
            spares = not cluster[0]["is_over"] and mean[tuple(voxel)] - level > law.vessel_rise
            clear = all(
                np.linalg.norm(other["centre"] - centre)
                > 1.3 * (other["radius"] + cluster[0]["radius"])
                for other in lesions
            )
            if clear and not spares:
                break
        for lesion in cluster:
            lesion["centre"] = lesion["centre"] + centre
        lesions += cluster
    at = tuple(inside.T)
    fine = np.clip(values[at] - mean[at], -3 * noise, 3 * noise)
    # HU against the level, so that painting knows no other.
    painted, part = values[at] - level, np.zeros(len(inside))
    for lesion in lesions:
        painted, own = paint(
            lesion, law, painted, fine, mean[at] - level, inside * np.array(spacing), texture
        )
        part = np.maximum(part, own)
    result, parts = values.astype(float), np.zeros(values.shape)
    result[at], parts[at] = painted + level, part
    return result, parts, lesions
