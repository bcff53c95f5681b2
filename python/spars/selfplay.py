"""Self-play on one scan: a learner against an opponent, the scores of their windows in a map."""

import hashlib
import platform
from dataclasses import dataclass, field

import numpy as np

from spars import _native
from spars._archives import read_npz, write_npz
from spars._checks import check_array, check_float, check_integer
from spars._errors import FormatError
from spars._game import ACTIONS, Field, Games, wrapped_uint8
from spars.policy import MlpPolicy
from spars.ppo import gae, log_dict, packed_hyperparameters, resize_multiplicity
from spars.volume import as_volume, resample

__all__ = ["Run", "Snapshot", "self_play"]

FILE_FORMAT = "spars self-play 1"
_SCHEDULED = ("learning_rate", "clip_range", "clip_range_vf")


def self_play(
    volume,
    classifier,
    *,
    iterations=100,
    window=(48, 48, 24),
    grid=None,
    protocol="paper",
    termination_threshold=0.3,
    stride=4,
    reference=None,
    n_steps=32,
    batch_size=8,
    n_epochs=1,
    learning_rate=3e-4,
    gamma=0.99,
    gae_lambda=0.95,
    clip_range=0.2,
    clip_range_vf=None,
    normalize_advantage=True,
    ent_coef=0.0,
    vf_coef=0.5,
    max_grad_norm=0.5,
    target_kl=None,
    opponent_update_interval=32,
    snapshot_interval=None,
    seed=0,
    checkpoint=None,
    progress=None,
    callback=None,
    **switches,
):
    """Let two PPO agents compete for the windows that score highest on one scan.

    Each iteration collects `n_steps` steps of the game and makes one update of the learner. The
    policy is stable-baselines3's "MlpPolicy" on the window resized to the classifier's input,
    held in collapsed form: one weight for all replicas of a voxel.

    Parameters
    ----------
    volume : Volume, array, image or path
        The scan, (X, Y, Z). An array is taken to be on the grid already unless `grid` is given.
    classifier : Classifier, ScoreAtlas or callable
        Scores windows in [0, 1]; each window is scored once.
    iterations : int
        Rounds of collecting and updating; 10,000 in the published run.
    window : (int, int, int)
        Extent of the moving window in voxels of the grid.
    grid : (int, int, int), optional
        The model grid; (256, 256, 180) for a scan.
    protocol : {"paper", "published"} or Protocol
        What is done where the released scripts and the paper's text part ways.
    termination_threshold : float
        Score above which an episode ends, in [0, 1].
    stride : int
        Voxels a window moves in one step.
    reference : Volume, array or path, optional
        A mask of the scan's shape (0 and 1). Its Dice with the map so far is recorded after each
        iteration; nothing in the search sees it.
    n_steps, batch_size, n_epochs, learning_rate, gamma, gae_lambda, clip_range, clip_range_vf, \
    normalize_advantage, ent_coef, vf_coef, max_grad_norm, target_kl
        As in stable-baselines3; the defaults are the published run's.
    opponent_update_interval : int
        With D8 "snapshot": the opponent becomes a copy of the learner after the first update at
        which this many steps have passed since it last did.
    snapshot_interval : int, optional
        Iterations between kept copies of the learner; a quarter of `iterations` by default. One
        takes 28 MB for a window of 48 x 48 x 24.
    seed : int
        Of the initialisation, the actions and the minibatches.
    checkpoint : path, optional
        Where `Run.save` is called at the end, and when the run is interrupted.
    progress : callable, optional
        Called with (done, planned) iterations.
    callback : callable, optional
        Called with the run after each iteration; returning False ends it.
    **switches
        Single switches of the protocol, for example ``tie_reward="learner"``.

    Returns
    -------
    Run

    Raises
    ------
    ValueError, TypeError
        A parameter is out of range, or the window is larger than the grid.
    NonFiniteError
        The scan holds NaN or infinity, or an update produced one.

    Notes
    -----
    Memory is the scan on the grid, the map (both 47 MB at 256 x 256 x 180), three copies of the
    policy for learner and Adam and one for the opponent (28 MB each at 48 x 48 x 24), and the
    observations of one rollout (7 MB). Each visit to a window takes 12 bytes.
    """
    owner = "self_play"
    iterations = check_integer(iterations, "iterations", owner, 1)
    if snapshot_interval is None:
        snapshot_interval = max(1, iterations // 4)
    played = Field(
        volume, classifier, window, protocol, termination_threshold, grid, stride, switches, owner
    )
    rates = {
        "learning_rate": learning_rate,
        "clip_range": clip_range,
        "clip_range_vf": clip_range_vf,
        "n_epochs": n_epochs,
        "batch_size": batch_size,
        "normalize_advantage": normalize_advantage,
        "ent_coef": ent_coef,
        "vf_coef": vf_coef,
        "max_grad_norm": max_grad_norm,
        "target_kl": target_kl,
    }
    plan = _Plan(
        n_steps=check_integer(n_steps, "n_steps", owner, 2),
        gamma=check_float(gamma, "gamma", owner, 0.0, 1.0),
        gae_lambda=check_float(gae_lambda, "gae_lambda", owner, 0.0, 1.0),
        opponent_update_interval=check_integer(
            opponent_update_interval, "opponent_update_interval", owner, 1
        ),
        snapshot_interval=check_integer(snapshot_interval, "snapshot_interval", owner, 1),
        seed=check_integer(seed, "seed", owner, 0, 2**63 - 1),
        hyperparameters=packed_hyperparameters(owner, **rates, adam_eps=1e-5),
        rates=tuple(rates[name] for name in _SCHEDULED),
    )
    overlap = None
    if reference is not None:
        overlap = _Overlap(as_volume(reference).array, as_volume(volume).shape, played)
    configuration = _configuration(played, plan, rates)
    run = Run(configuration, played, _Match(played, plan, overlap))
    return run.resume(iterations, checkpoint=checkpoint, progress=progress, callback=callback)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A copy of the learner: `parameters` under stable-baselines3's names after `iteration`."""

    iteration: int
    parameters: dict = field(repr=False)


class Run:
    """What self-play did, iteration by iteration, and the map it left.

    Made by `self_play`; a run that was loaded can be read, not resumed.

    Attributes
    ----------
    score_map : ndarray of float32, shape of the grid
        The accumulated scores, read when the protocol's `map_read` says.
    rewards : ndarray of float64, shape (iterations,)
        The learner's mean reward of a step.
    last_rewards : ndarray of float64, shape (iterations,)
        Its reward in the last step, which is what the released scripts collect.
    scores : ndarray of float64, shape (iterations, 2)
        Mean score of the learner's and of the opponent's windows.
    dice : ndarray of float64, shape (iterations,), or None
        Dice of the thresholded map with the reference, in the scan's voxels under the paper's
        protocol; NaN where both are empty.
    terminations, truncations : ndarray of int64, shape (iterations,)
        Episodes ended by a score, and by the step limit.
    windows : ndarray of int16, shape (iterations, n_steps, 2, 3)
        The windows' origins after every step, learner first, as the protocol keeps them.
    log : dict of str to ndarray, shape (iterations,)
        Every logged quantity of the updates under stable-baselines3's names.
    snapshots : list of Snapshot
    grid : tuple of three ints
    configuration : dict
        Everything needed to repeat the run, as plain values, with versions and input hashes.
    """

    def __init__(self, configuration, played=None, match=None):
        self.configuration = configuration
        self.grid = tuple(configuration["grid"])
        self.snapshots = []
        self._records = []
        self._logs = []
        self._map = None
        self._played = played
        self._match = match

    def resume(self, iterations, *, checkpoint=None, progress=None, callback=None):
        """Play on for more iterations, with the results of an uninterrupted run; return self.

        Parameters
        ----------
        iterations : int
            How many more.
        checkpoint, progress, callback
            As for `self_play`.

        Raises
        ------
        ValueError
            The run was loaded from a file.
        """
        iterations = check_integer(iterations, "iterations", "resume", 1)
        if self._match is None:
            raise ValueError("This run was loaded from a file: it can be read, not resumed.")
        interval = self.configuration["snapshot_interval"]
        try:
            for done in range(1, iterations + 1):
                record, log = self._match.iterate()
                self._records.append(record)
                self._logs.append(log)
                self._map = None
                if len(self) % interval == 0:
                    self.snapshots.append(Snapshot(len(self), self._match.learner.parameters()))
                if progress is not None:
                    progress(done, iterations)
                if callback is not None and callback(self) is False:
                    break
        finally:
            self.configuration["iterations"] = len(self)
            if checkpoint is not None and len(self):
                self.save(checkpoint)
        return self

    def __len__(self):
        return len(self._records)

    @property
    def score_map(self):
        if self._map is None:
            self._map = self._match.score_map()
            self._map.setflags(write=False)
        return self._map

    @property
    def rewards(self):
        return self._column("reward")

    @property
    def last_rewards(self):
        return self._column("last_reward")

    @property
    def scores(self):
        return self._column("scores").reshape(len(self), 2)

    @property
    def dice(self):
        return self._column("dice") if "dice" in self._records[0] else None

    @property
    def terminations(self):
        return self._column("terminations", np.int64)

    @property
    def truncations(self):
        return self._column("truncations", np.int64)

    @property
    def windows(self):
        return np.stack([record["windows"] for record in self._records])

    @property
    def log(self):
        return {name: np.array([log[name] for log in self._logs]) for name in self._logs[0]}

    def _column(self, name, dtype=np.float64):
        return np.array([record[name] for record in self._records], dtype)

    def save(self, path):
        """Write the results and the snapshots as one npz file, whole or not at all."""
        columns = [name for name in self._records[0] if name != "windows"]
        arrays = {f"record.{name}": self._column(name) for name in columns}
        arrays |= {f"log.{name}": values for name, values in self.log.items()}
        arrays |= {"windows": self.windows, "score_map": self.score_map}
        for snapshot in self.snapshots:
            for name, values in snapshot.parameters.items():
                arrays[f"snapshot.{snapshot.iteration}.{name}"] = values
        write_npz(path, {"configuration": self.configuration}, arrays, FILE_FORMAT)

    @classmethod
    def load(cls, path):
        """Read a run that `save` wrote; nothing of the file is ever executed.

        Raises
        ------
        FormatError
            The file is not one of `save`, or is broken.
        """
        description, arrays = read_npz(path, FILE_FORMAT)
        try:
            run = cls(description["configuration"])
            run._map = arrays.pop("score_map")
            windows = arrays.pop("windows")
            named = {"record": {}, "log": {}}
            snapshots = {}
            for name, values in arrays.items():
                kind, rest = name.split(".", 1)
                if kind == "snapshot":
                    iteration, parameter = rest.split(".", 1)
                    snapshots.setdefault(int(iteration), {})[parameter] = values
                else:
                    named[kind][rest] = values
            run._records = [
                {name: values[i] for name, values in named["record"].items()}
                | {"windows": windows[i]}
                for i in range(len(windows))
            ]
            run._logs = [
                {name: values[i] for name, values in named["log"].items()}
                for i in range(len(windows))
            ]
            run.snapshots = [Snapshot(i, p) for i, p in sorted(snapshots.items())]
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise FormatError(f"{path}: not a run that Run.save wrote: {error!r}") from error
        return run

    def __repr__(self):
        return (
            f"Run(iterations={len(self)}, grid={self.grid}, "
            f"window={tuple(self.configuration['window'])})"
        )


@dataclass(frozen=True)
class _Plan:
    """How a match is played and learned from."""

    n_steps: int
    gamma: float
    gae_lambda: float
    opponent_update_interval: int
    snapshot_interval: int
    seed: int
    hyperparameters: tuple
    rates: tuple


class _Match:
    """The live part of a run: the game, the learner and its opponent."""

    def __init__(self, played, plan, overlap):
        self.plan = plan
        self.protocol = played.protocol
        self.window = played.window
        self.overlap = overlap
        self.keeps_map = played.protocol.map_read == "before_reset"
        # The game leaves resets to this loop: values of truncated places are read before them.
        self.games = Games(played, 1, resets_itself=False, maps="run")
        inputs = int(np.prod(played.window))
        multiplicity = resize_multiplicity(played.window, played.input_shape)
        self.learner = MlpPolicy(inputs, ACTIONS, multiplicity=multiplicity, seed=plan.seed)
        self.opponent = None
        if self.protocol.opponent == "snapshot":
            # A seed of its own: the opponent's draws must not repeat the learner's.
            self.opponent = MlpPolicy(
                inputs, ACTIONS, multiplicity=multiplicity, seed=plan.seed ^ (1 << 62)
            )
            self.opponent.set_parameters(self.learner.parameters())
        self.iterations = 0
        self.steps_since_refresh = 0
        self.starts_episode = True

    def iterate(self):
        """Collect a rollout, update, refresh the opponent; return the record and the log."""
        if self.iterations and self.protocol.reset_each_iteration:
            self._reset()
        obs, steps = self._collect()
        values = self.learner.values(obs)
        rewards = np.array([step["return"] for step in steps])
        starts = np.array([step["starts"] for step in steps], np.float64)
        advantages, returns = gae(
            rewards,
            values[:-1],
            starts,
            values[-1:],
            np.array([float(self.starts_episode)]),
            self.plan.gamma,
            self.plan.gae_lambda,
        )
        rollout = (
            np.ascontiguousarray(obs[:-1]).reshape(-1),
            np.array([step["action"] for step in steps], np.int64),
            values[:-1],
            np.array([step["log_prob"] for step in steps], np.float32),
            advantages.astype(np.float32),
            returns.astype(np.float32),
        )
        log = self.learner.learn(self.plan.hyperparameters, rollout)
        self.iterations += 1
        self._refresh_opponent()
        return self._record(steps), log_dict(log, *self.plan.rates)

    def score_map(self):
        return self.games.score_map()

    def _collect(self):
        """Return observations (n_steps + 1, inputs), the place after the last step among them."""
        count = self.plan.n_steps
        obs = np.empty((count + 1, self.learner.inputs), np.float32)
        steps = []
        for i in range(count):
            obs[i] = self._seen(0)
            action, log_prob = self.learner.act(obs[i : i + 1])
            answer = self._opponent_action()
            self.games.step(action.astype(np.int8), np.array([answer], np.int8))
            step = {
                "action": int(action[0]),
                "log_prob": float(log_prob[0]),
                "reward": float(self.games.rewards[0]),
                "starts": self.starts_episode,
                "terminated": bool(self.games.terminated[0]),
                "truncated": bool(self.games.truncated[0]),
                "scores": self.games.scores[0].astype(np.float64),
                "windows": self.games.windows()[0].astype(np.int16),
            }
            step["return"] = step["reward"]
            if step["truncated"] and not step["terminated"]:
                # The episode goes on behind the limit: its value there stands for the rest.
                beyond = self.learner.values(self._seen(0)[None])[0]
                step["return"] += self.plan.gamma * float(beyond)
            steps.append(step)
            self.starts_episode = step["terminated"] or step["truncated"]
            if self.starts_episode:
                self._reset()
        obs[count] = self._seen(0)
        return obs, steps

    def _reset(self):
        self.games.reset(0, keep_map=self.keeps_map)
        self.starts_episode = True

    def _seen(self, agent):
        """Return what an agent's policy receives of its window, flat (D12, D13)."""
        crop = self.games.observation(0, agent, self.window).reshape(-1)
        if self.protocol.observation_cast == "float32":
            return crop
        if agent == 0 or self.protocol.opponent_observation == "same":
            crop = wrapped_uint8(crop).astype(np.float32)
        return crop / np.float32(255)

    def _opponent_action(self):
        if self.opponent is not None:
            return int(self.opponent.act(self._seen(1)[None])[0][0])
        # As released: until the first refresh the competitor is a dummy that answers 0 (D8).
        return int(self.learner.act(self._seen(1)[None])[0][0]) if self.iterations else 0

    def _refresh_opponent(self):
        self.steps_since_refresh += self.plan.n_steps
        if self.opponent is not None and (
            self.steps_since_refresh >= self.plan.opponent_update_interval
        ):
            self.opponent.set_parameters(self.learner.parameters())
            self.steps_since_refresh = 0

    def _record(self, steps):
        record = {
            "reward": float(np.mean([step["reward"] for step in steps])),
            "last_reward": steps[-1]["reward"],
            "scores": np.mean([step["scores"] for step in steps], axis=0),
            "terminations": sum(step["terminated"] for step in steps),
            "truncations": sum(step["truncated"] and not step["terminated"] for step in steps),
            "windows": np.stack([step["windows"] for step in steps]),
        }
        if self.overlap is not None:
            record["dice"] = self.overlap.dice(self.score_map())
        return record


class _Overlap:
    """Dice of a map on the grid with a reference on the scan, without going to the scan.

    Every voxel of the scan takes its value from one voxel of the grid (nearest neighbour), so the
    overlap is a sum over grid voxels of how many scan voxels, and how many reference voxels, each
    one stands for: exactly Dice in the scan's voxels. Under "corner" the released scripts compare
    on the grid with the reference resized to it (D4).
    """

    def __init__(self, reference, scan_shape, played):
        reference = check_array(reference, "reference", "self_play", np.float32, scan_shape)
        if not np.isin(reference, (0, 1)).all():
            raise ValueError(
                "The 'reference' parameter of self_play must hold 0 and 1 only. Got other values "
                "instead; say which label is meant, for example 'reference == 2'."
            )
        self.threshold = np.float32(played.protocol.segmentation_threshold)
        grid = played.grid
        if played.protocol.scan_frame == "corner":
            reference = resample(reference, grid, "nearest")
        axes = [
            _grid_places(length, scan) for length, scan in zip(grid, reference.shape, strict=True)
        ]
        self.counts = [
            np.bincount(places, minlength=length) for places, length in zip(axes, grid, strict=True)
        ]
        self.inside = np.zeros(grid, np.float64)
        voxels = np.nonzero(reference)
        np.add.at(self.inside, tuple(a[v] for a, v in zip(axes, voxels, strict=True)), 1)
        self.total = float(len(voxels[0]))

    def dice(self, score_map):
        mask = score_map > self.threshold
        common = float(self.inside[mask].sum())
        x, y, z = self.counts
        size = float(np.einsum("i,j,k,ijk->", x, y, z, mask, optimize=True))
        both = size + self.total
        return 2 * common / both if both else float("nan")


def _grid_places(length, scan):
    """Return which grid voxel each scan voxel along one axis takes its value from."""
    if length == scan:
        return np.arange(scan)
    along = np.arange(length, dtype=np.float32).reshape(length, 1, 1)
    return resample(along, (scan, 1, 1), "nearest").ravel().astype(np.int64)


def _configuration(played, plan, rates):
    return {
        "window": list(played.window),
        "grid": list(played.grid),
        "stride": played.stride,
        "input_shape": list(played.input_shape),
        "termination_threshold": played.termination_threshold,
        "protocol": played.protocol.to_dict(),
        "n_steps": plan.n_steps,
        "gamma": plan.gamma,
        "gae_lambda": plan.gae_lambda,
        **rates,
        "opponent_update_interval": plan.opponent_update_interval,
        "snapshot_interval": plan.snapshot_interval,
        "seed": plan.seed,
        "iterations": 0,
        "input_sha256": hashlib.sha256(played.array.tobytes()).hexdigest(),
        "versions": {
            "spars": _native.version(),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
