"""Plain twins of rules that the core has: written out in Python, and compared with what ships."""

import collections
import io
import pickle
import zipfile

import numpy as np

from spars import resample
from spars.game.field import Games

AGENTS = ("learner", "opponent")
ACTIONS = 6


def moved(field, window, action):
    """Return where a move would lead, the border apart."""
    place = list(window)
    place[2 - action // 2] += (1 - 2 * (action % 2)) * field.stride
    return tuple(place)


def action_mask(field, window):
    """Return which actions change where a window stands: bool (6,)."""
    if field.protocol.border == "clamped_crop":
        return np.ones(ACTIONS, np.bool_)
    room = np.subtract(field.grid, field.window)
    places = np.array([moved(field, window, action) for action in range(ACTIONS)])
    return ((places >= 0) & (places <= room)).all(axis=1)


class ExhaustionTwin:
    """The exhaustion game with its rule in Python, on games of the window-search rule.

    It has what `spars.game.exhaustion.ExhaustionGame` has; `play_by_twin` gives it its place.
    """

    def __init__(self, shipped):
        self.field, self.rule = shipped.field, shipped.rule
        self.observation = shipped.observation
        self.games = Games(self.field)
        # One game for each move: a step from one place scores all its neighbours.
        self._probes = Games(self.field, ACTIONS, maps="none")
        self._every = np.arange(ACTIONS, dtype=np.int8)
        self.reset()

    def reset(self, keep_map=False):
        self.games.reset(0, keep_map)
        self.exhausted = []
        self.scores = np.full(2, np.nan, np.float32)
        self._look()

    @property
    def shown_count(self):
        return len(self.exhausted)

    def step(self, learner, opponent):
        answers = (learner, opponent)
        steps = int(self.games.steps()[0])
        moves = np.array([answer % ACTIONS for answer in answers], np.int8)
        self.games.step(moves[:1], moves[1:])
        places = [tuple(place) for place in self.games.windows()[0].tolist()]
        repeated = [place in self.exhausted for place in places]
        self.scores = np.where(repeated, np.float32(0), self.games.scores[0])
        terminated = any(answer >= ACTIONS for answer in answers)
        rewards = self._rewards(repeated, terminated, steps)
        for place in places:
            if place not in self.exhausted:
                self.exhausted.append(place)
        limit = self.field.protocol.max_episode_steps
        truncated = not terminated and limit is not None and steps + 1 >= limit
        self._look()
        return rewards, terminated, truncated

    def _rewards(self, repeated, terminated, steps):
        difference = float(self.scores[0]) - float(self.scores[1])
        tie = 1.0 if self.field.protocol.tie_reward == "learner" else 0.0
        first = 1.0 if difference > 0 else -1.0 if difference < 0 else tie
        rewards = [first, 0.0 - first]
        if terminated:
            early = self.rule.early_penalty if steps < self.rule.min_steps else 0.0
            rewards = [self.rule.final_factor * reward - early for reward in rewards]
        return tuple(
            reward - self.rule.repeat_penalty * again
            for reward, again in zip(rewards, repeated, strict=True)
        )

    def observed(self, agent):
        origin = self._windows[agent]
        shown = self._shown[agent].astype(np.float32)
        if self.observation == "window":
            crop = self.games.observation(0, agent, self.field.window)
            return np.concatenate([crop.reshape(-1), shown])
        room = np.subtract(self.field.grid, self.field.window)
        place = np.where(room > 0, 2 * np.clip(origin, 0, room) / np.maximum(room, 1) - 1, 0)
        left = np.where(shown == 1, 0, self._neighbours[agent])
        return np.concatenate([left, shown, place]).astype(np.float32)

    def action_mask(self, agent):
        return np.tile(action_mask(self.field, self._windows[agent]), 2)

    def _look(self):
        start = self.games.windows()[0]
        for index in range(ACTIONS):
            self._probes.restore(index, start, 0)
        self._probes.step(self._every, self._every)
        reached = self._probes.windows()
        self._windows = [tuple(place) for place in start.tolist()]
        self._neighbours = self._probes.scores.T.copy()
        self._shown = np.array(
            [
                [tuple(place) in self.exhausted for place in reached[:, agent].tolist()]
                for agent in (0, 1)
            ]
        )


def play_by_twin(environment):
    """Return an environment of the exhaustion game, playing by the twin's rule from now on."""
    environment.game = ExhaustionTwin(environment.game)
    environment._games = environment.game.games
    return environment


def box_of(window, extent, part=None):
    """Return the slices that a window's score is added to: all of it, or a part in its middle."""
    part = extent if part is None else part
    starts = [a + (n - m) // 2 for a, n, m in zip(window, extent, part, strict=True)]
    return tuple(slice(a, a + m) for a, m in zip(starts, part, strict=True))


def covers(windows, extent, grid, voxel, part=None):
    """Return which windows write a voxel, by slicing an array of the grid: bool (n,)."""
    found = []
    for window in windows.tolist():
        written = np.zeros(grid, np.bool_)
        written[box_of(window, extent, part)] = True
        found.append(written[tuple(voxel)])
    return np.array(found, np.bool_)


def visits(windows, scores, ends, configuration):
    """Return a run's visits as lists of (origin, agent, score, step, kept), step by step."""
    protocol, games = configuration["protocol"], configuration.get("n_envs", 1)
    grid, window = (np.array(configuration[name]) for name in ("grid", "window"))
    given = protocol["credited_part"]
    part = window if given == "window" else np.array(given)
    windows, scores = windows.reshape(-1, games, 2, 3), scores.reshape(-1, games, 2)
    ended = ends.reshape(-1, games) != 0
    told = []
    for step in range(len(windows)):
        for game in range(games):
            later = ended[step:, game].any()
            if protocol["reset_each_iteration"]:
                later |= step < len(windows) - configuration["n_steps"]
            kept = not later or protocol["map_read"] == "before_reset"
            for agent in range(1 if protocol["credited_agents"] == "learner" else 2):
                place = windows[step, game, agent].astype(np.int64)
                start = place + (window - part) // 2
                if not ((start > -(grid + part)) & (start < grid)).all():
                    continue
                credited = agent if protocol["credited_score"] == "own" else 1 - agent
                told.append(
                    (tuple(place.tolist()), agent, float(scores[step, game, credited]),
                     step * games + game, kept)
                )  # fmt: skip
    return told


def classification_metrics(scores, has_tumour):
    """Return what follows from the confusion of scores with labels, and the area by all pairs."""
    found, is_tumour = scores > 0.5, has_tumour == 1
    tp, fp = int((found & is_tumour).sum()), int((found & ~is_tumour).sum())
    tn, fn = int((~found & ~is_tumour).sum()), int((~found & is_tumour).sum())

    def ratio(part, whole):
        return part / whole if whole else float("nan")

    pairs = np.sign(scores[is_tumour][:, None] - scores[~is_tumour][None, :])
    return {
        "true_positives": tp,
        "false_positives": fp,
        "true_negatives": tn,
        "false_negatives": fn,
        "accuracy": ratio(tp + tn, tp + fp + tn + fn),
        "precision": ratio(tp, tp + fp),
        "sensitivity": ratio(tp, tp + fn),
        "specificity": ratio(tn, tn + fp),
        "roc_auc": ratio(float((pairs + 1).sum()) / 2, pairs.size),
    }


def resize_multiplicity(window, shape):
    """Return how often nearest-neighbour resizing repeats each voxel, by resizing their numbers."""
    numbers = np.arange(np.prod(window), dtype=np.int32).reshape(window)
    return np.bincount(resample(numbers, shape, "nearest").ravel(), minlength=numbers.size)


def to_scan(score_map, shape, frame):
    """Bring a map from the grid to a scan's voxels."""
    if frame == "resampled":
        return resample(score_map, shape, "nearest")
    out = np.zeros(shape, np.float32)
    common = tuple(slice(0, min(a, b)) for a, b in zip(score_map.shape, shape, strict=True))
    out[common] = score_map[common]
    return out


def reference_counts(reference, grid, frame):
    """Return a reference's planes, marks and total on a grid, voxel by voxel of the scan."""
    if frame == "corner":
        reference = resample(reference, grid, "nearest")
    names = np.arange(np.prod(grid), dtype=np.int64).reshape(grid)
    shown = resample(names, reference.shape, "nearest")
    marks = np.bincount(shown[reference != 0], minlength=names.size).reshape(grid)
    planes = [
        np.bincount(np.unravel_index(shown, grid)[axis].ravel(), minlength=grid[axis])
        // (shown.size // shown.shape[axis])
        for axis in range(3)
    ]
    return np.concatenate(planes), marks, int((reference != 0).sum())


class TensorReader(pickle.Unpickler):
    """Reads a PyTorch file of ours by Python's unpickler, which a file from elsewhere can harm."""

    def __init__(self, content):
        self._archive = zipfile.ZipFile(io.BytesIO(content))
        super().__init__(io.BytesIO(self._archive.read("archive/data.pkl")))

    def find_class(self, module, name):
        known = {
            ("torch._utils", "_rebuild_tensor_v2"): self._tensor,
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch", "FloatStorage"): np.dtype("<f4"),
        }
        return known[module, name]

    def persistent_load(self, identity):
        _, dtype, key, _, count = identity
        values = np.frombuffer(self._archive.read(f"archive/data/{key}"), dtype)
        assert len(values) == count
        return values

    def _tensor(self, values, offset, shape, stride, *_):
        strides = [step * values.itemsize for step in stride]
        return np.lib.stride_tricks.as_strided(values[offset:], shape, strides)
