"""Self-play on one scan: a learner against an opponent, the scores of their windows in a map."""

from dataclasses import dataclass, field

import numpy as np

from spars._archives import read_npz, write_npz
from spars._checks import check_float, check_integer
from spars._errors import FormatError
from spars._game import Field
from spars._insight import Insight
from spars._match import RECORD_NAMES, match_of
from spars._provenance import digest, versions
from spars._reference import Reference
from spars.ppo import LOG_NAMES, SEED_LIMIT, split_parameters
from spars.protocol import IntensityWindow, Protocol
from spars.volume import as_volume

__all__ = ["Run", "Snapshot", "self_play"]

FILE_FORMAT = "spars self-play 1"


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
        Steps after which the opponent becomes a copy of the learner (D8 "snapshot"), or begins to
        be the learner itself, having answered action 0 until then ("live").
    snapshot_interval : int, optional
        Iterations between kept copies of the learner; a quarter of `iterations` by default, 0
        for none. One takes 28 MB for a window of 48 x 48 x 24.
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
    An iteration happens whole or, when it is interrupted or fails, not at all.

    Memory is the scan on the grid, the map (47 MB at 256 x 256 x 180, 94 MB where scores are
    averaged), three copies of the policy for the learner and Adam (28 MB each at 48 x 48 x 24), one
    more while a frozen opponent differs from the learner, and about 100 bytes a step.

    Time, once scores are known, is an iteration's `n_steps` readings of the policy's first layer
    and one reading and writing of all weights and moments a minibatch: see Benchmarks/RESULTS.md.
    """
    owner = "self_play"
    iterations = check_integer(iterations, "iterations", owner, 1)
    if snapshot_interval is None:
        snapshot_interval = max(1, iterations // 4)
    played = Field(
        volume, classifier, window, protocol, termination_threshold, grid, stride, switches, owner
    )
    if reference is not None:
        reference = Reference(as_volume(reference).array, as_volume(volume).shape, played)
    configuration = {
        "window": list(played.window),
        "grid": list(played.grid),
        "stride": played.stride,
        "input_shape": list(played.input_shape),
        "termination_threshold": played.termination_threshold,
        "protocol": played.protocol.to_dict(),
        "n_steps": check_integer(n_steps, "n_steps", owner, 2, 1 << 20),
        "gamma": check_float(gamma, "gamma", owner, 0.0, 1.0),
        "gae_lambda": check_float(gae_lambda, "gae_lambda", owner, 0.0, 1.0),
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
        "opponent_update_interval": check_integer(
            opponent_update_interval, "opponent_update_interval", owner, 1, 1 << 53
        ),
        "snapshot_interval": check_integer(
            snapshot_interval, "snapshot_interval", owner, 0, 1 << 53
        ),
        "seed": check_integer(seed, "seed", owner, 0, SEED_LIMIT),
        "iterations": 0,
        "input_sha256": digest(played.array),
        "versions": versions(),
    }
    run = Run(configuration, match_of(played, configuration, reference))
    return run.resume(iterations, checkpoint=checkpoint, progress=progress, callback=callback)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A copy of the learner: `parameters` under stable-baselines3's names after `iteration`."""

    iteration: int
    parameters: dict = field(repr=False)


class Run(Insight):
    """What self-play did, iteration by iteration, and the map it left.

    Made by `self_play` or `load`.

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
    windows : ndarray of int32, shape (iterations, n_steps, 2, 3)
        The windows' origins after every step, learner first, as the protocol keeps them.
    step_scores : ndarray of float32, shape (iterations, n_steps, 2)
        Their scores.
    actions : ndarray of int8, shape (iterations, n_steps, 2)
        What was answered.
    ends : ndarray of uint8, shape (iterations, n_steps)
        1 where the step terminated an episode, 2 where it truncated one, else 0.
    log : dict of str to ndarray, shape (iterations,)
        Every logged quantity of the updates under stable-baselines3's names.
    snapshots : list of Snapshot
    grid : tuple of three ints
    configuration : dict
        Everything needed to repeat the run, as plain values, with versions and input hashes.
    """

    def __init__(self, configuration, match=None):
        self.configuration = configuration
        self.grid = tuple(configuration["grid"])
        self.snapshots = []
        steps = configuration["n_steps"]
        self._records = np.empty((0, len(RECORD_NAMES)))
        self._steps = {
            "windows": np.empty((0, steps, 2, 3), np.int32),
            "step_scores": np.empty((0, steps, 2), np.float32),
            "actions": np.empty((0, steps, 2), np.int8),
            "ends": np.empty((0, steps), np.uint8),
        }
        self._pending = []
        self._count = 0
        self._map = None
        self._match = match
        self._has_reference = match is not None and match.has_reference

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
            The run was loaded without its scan and classifier.
        """
        iterations = check_integer(iterations, "iterations", "resume", 1, 1 << 32)
        if self._match is None:
            raise ValueError(
                "This run was loaded from a file without its scan and classifier: it can be read, "
                "not resumed. Give both to Run.load."
            )
        try:
            if callback is None:
                self._match.play(iterations, progress)
            else:
                for done in range(1, iterations + 1):
                    self._match.play(1)
                    self._gather()
                    if progress is not None:
                        progress(done, iterations)
                    if callback(self) is False:
                        break
        finally:
            self._gather()
            if checkpoint is not None and len(self):
                self.save(checkpoint)
        return self

    def _gather(self):
        """Take over what the core has played since the last call."""
        records, steps, snapshots = self._match.played()
        if not len(records):
            return
        self._map = None
        self._pending.append((records, steps))
        self._count += len(records)
        self.configuration["iterations"] = len(self)
        for iteration, flat in snapshots:
            self.snapshots.append(Snapshot(iteration, split_parameters(flat, self._match.shape)))

    def _settle(self):
        """Join what was gathered; many small parts would be joined again and again otherwise."""
        if self._pending:
            self._records = np.concatenate([self._records, *(r for r, _ in self._pending)])
            self._steps = {
                name: np.concatenate([values, *(steps[name] for _, steps in self._pending)])
                for name, values in self._steps.items()
            }
            self._pending = []

    def __len__(self):
        return self._count

    @property
    def score_map(self):
        if self._map is None:
            self._map = self._match.score_map()
            self._map.setflags(write=False)
        return self._map

    @property
    def rewards(self):
        return self._column("reward_mean")

    @property
    def last_rewards(self):
        return self._column("reward_last")

    @property
    def scores(self):
        return np.stack(
            [self._column("learner_score_mean"), self._column("opponent_score_mean")], axis=1
        )

    @property
    def dice(self):
        return self._column("dice") if self._has_reference else None

    @property
    def terminations(self):
        return self._column("terminations").astype(np.int64)

    @property
    def truncations(self):
        return self._column("truncations").astype(np.int64)

    @property
    def windows(self):
        return self._step_column("windows")

    @property
    def step_scores(self):
        return self._step_column("step_scores")

    @property
    def actions(self):
        return self._step_column("actions")

    @property
    def ends(self):
        return self._step_column("ends")

    @property
    def log(self):
        log = {name: self._column(name) for name in LOG_NAMES}
        for name in ("learning_rate", "clip_range", "clip_range_vf"):
            if self.configuration[name] is not None:
                log[f"train/{name}"] = np.full(len(self), float(self.configuration[name]))
        return log

    def _column(self, name):
        self._settle()
        return self._records[:, RECORD_NAMES.index(name)].copy()

    def _step_column(self, name):
        self._settle()
        return self._steps[name]

    def save(self, path):
        """Write everything but the scan and the classifier as one npz file, whole or not at all.

        A run that can be resumed takes 12 bytes a parameter for that (85 MB for a window of
        48 x 48 x 24) beside its map, snapshots and about 36 bytes a step.
        """
        self._settle()
        arrays = {"records": self._records, "score_map": self.score_map, **self._steps}
        for snapshot in self.snapshots:
            for name, values in snapshot.parameters.items():
                arrays[f"snapshot.{snapshot.iteration}.{name}"] = values
        if self._match is not None:
            arrays |= {f"state.{name}": a for name, a in self._match.state().items()}
        description = {"configuration": self.configuration, "has_reference": self._has_reference}
        write_npz(path, description, arrays, FILE_FORMAT)

    @classmethod
    def load(cls, path, volume=None, classifier=None, reference=None):
        """Read a run that `save` wrote; nothing of the file is ever executed.

        Parameters
        ----------
        path : path
            Where `save` wrote to.
        volume, classifier : optional
            The scan and the scorer of the run, as given to `self_play`: then it can be resumed.
            Scores that were known stay known.
        reference : optional
            As given to `self_play`; needed to resume a run that had one.

        Raises
        ------
        FormatError
            The file is not one of `save`, or is broken.
        ValueError
            The scan is another one, or the reference is missing.
        """
        description, arrays = read_npz(path, FILE_FORMAT)
        try:
            run = cls(description["configuration"])
            run._read(description, arrays)
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise FormatError(f"{path}: not a run that Run.save wrote: {error!r}") from error
        if (volume is None) != (classifier is None):
            raise ValueError(
                "The 'volume' and 'classifier' parameters of load must be given both or neither."
            )
        if volume is not None:
            run._attach(path, volume, classifier, reference, arrays)
        return run

    def _read(self, description, arrays):
        self._has_reference = bool(description["has_reference"])
        self._map = arrays["score_map"]
        if self._map.shape != self.grid or self._map.dtype != np.float32:
            raise ValueError(f"score_map {self._map.dtype} {self._map.shape}")
        self._records = arrays["records"]
        self._count = len(self._records)
        for name, empty in self._steps.items():
            wanted = (self._count, *empty.shape[1:])
            if arrays[name].shape != wanted or arrays[name].dtype != empty.dtype:
                raise ValueError(f"{name} {arrays[name].dtype} {arrays[name].shape}")
            self._steps[name] = arrays[name]
        if self._records.shape != (self._count, len(RECORD_NAMES)):
            raise ValueError(f"records {self._records.shape}")
        snapshots = {}
        for name, values in arrays.items():
            if name.startswith("snapshot."):
                _, iteration, parameter = name.split(".", 2)
                snapshots.setdefault(int(iteration), {})[parameter] = values
        self.snapshots = [Snapshot(i, p) for i, p in sorted(snapshots.items())]

    def _attach(self, path, volume, classifier, reference, arrays):
        """Bring the run back to life."""
        c = self.configuration
        if self._has_reference and reference is None:
            raise ValueError(
                "The 'reference' parameter of load must be the mask that the run was given. "
                "Got None instead."
            )
        try:
            switches = dict(c["protocol"])
            window = switches["intensity_window"]
            switches["intensity_window"] = None if window is None else IntensityWindow(**window)
            if isinstance(switches["crop_size"], list):
                switches["crop_size"] = tuple(switches["crop_size"])
            protocol = Protocol(**switches)
            state = {n.removeprefix("state."): a for n, a in arrays.items() if n[:6] == "state."}
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{path}: not a run that Run.save wrote: {error!r}") from error
        scan = as_volume(volume)
        played = Field(
            scan, classifier, tuple(c["window"]), protocol, c["termination_threshold"],
            None if protocol.scan_frame == "native" else self.grid, c["stride"],
            {"intensity_window": protocol.intensity_window}, "load",
        )  # fmt: skip
        if digest(played.array) != c["input_sha256"]:
            raise ValueError(
                "The 'volume' parameter of load must be the scan of the run. Got one of other "
                "values on its grid instead."
            )
        mask = None
        if self._has_reference:
            mask = Reference(as_volume(reference).array, scan.shape, played)
        try:
            match = match_of(played, c, mask)
            match.restore(state)
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{path}: not a run that Run.save wrote: {error!r}") from error
        self._match = match

    def __repr__(self):
        return (
            f"Run(iterations={len(self)}, grid={self.grid}, "
            f"window={tuple(self.configuration['window'])})"
        )
