"""A league of frozen players on one scan: who beats whom, how strong each is, and the cycles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._core import native
from spars._core.handles import Handle, Whole
from spars._support.archives import read_npz, write_npz
from spars._support.checks import (
    check_array,
    check_bool,
    check_choice,
    check_float,
    check_instance,
    check_integer,
    sentence,
    shown,
)
from spars._support.defaults import TERMINATION_THRESHOLD_OF_RECORD, WINDOW_OF_RECORD
from spars._support.errors import FormatError
from spars._support.progress import as_progress, shifted
from spars._support.provenance import digest, versions
from spars._support.types import FloatArray, PathLike, Progress, Scan
from spars.agents.networks import POLICIES, policy_shapes
from spars.agents.ppo import SEED_LIMIT, PolicyShape, checked_parameters
from spars.game.field import Field
from spars.game.scorers import Scorer
from spars.search.ratings import (
    Ratings,
    beats,
    cyclic_triples,
    elo_ratings,
    share_of_cycles,
    win_rates,
)
from spars.search.run import Run
from spars.search.saved import field_again
from spars.volume.protocol import Protocol

__all__ = ["League"]

FILE_FORMAT = "spars league 1"
EXTRACTOR = "features_extractor."
POLICY_PARTS = (EXTRACTOR, "mlp_extractor.policy_net.", "action_net.")
GAME_LIMIT = 1 << 32
STEP_LIMIT = 1 << 32


class League(Whole):
    """Players whose weights no longer change, and the table of their games.

    Make one of a run with `League.of`, or empty and `add` players of any runs on the same scan.

    Parameters
    ----------
    volume, scorer, window, grid, protocol, termination_threshold, stride, **switches
        What is played on, as for `spars.self_play`.
    policy : {"MlpPolicy", "CnnPolicy", "LocalPolicy"}
        What the players are, as for `spars.self_play`. "LocalPolicy" needs windows that stay inside
        the grid.
    mask_actions : bool
        Whether they never choose moves that would leave the grid.
    seed : int
        Seed of the games.
    max_steps : int
        A game's most steps where neither a score nor the protocol's `max_episode_steps` ends it.

    Attributes
    ----------
    names : list of str
    wins, ties : ndarray of int64, shape (members, members)
        Games that the row's player won against the column's; a game's winner has the positive sum
        of rewards: it won more steps than it lost.
    games : ndarray of int64, shape (members, members)
    configuration : dict
        Everything needed to repeat it, as plain values.

    Notes
    -----
    A member takes 4 bytes a parameter of its policy net twice, here and in the core, and 24 bytes
    a place of the scan: 31 MB for a window of 48 x 48 x 24 on the grid of record. Critics are not
    kept. What a player does at a place is computed once, so that a game soon costs no network.

    Examples
    --------
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> run = spars.self_play(
    ...     scan, darkness, iterations=2, window=(8, 8, 8), grid=scan.shape, n_steps=8,
    ...     opponent_update_interval=8,
    ... )
    >>> league = spars.League.of(run, max_steps=16).play(4)
    >>> league.payoff.shape, int(league.games.sum()), league.intransitivity(), league.cycles()
    ((2, 2), 8, nan, [])
    >>> league.ratings(resamples=100).names == tuple(league.names)
    True
    >>> league.save("league.npz")
    >>> again = spars.League.load("league.npz", scan, darkness)
    >>> again.add("newcomer", run.parameters)
    >>> again.add_run(run, prefix="again ") is again
    True
    """

    _shape: PolicyShape

    def __init__(
        self,
        volume: Scan,
        scorer: Scorer,
        *,
        window: Sequence[int] = WINDOW_OF_RECORD,
        grid: Sequence[int] | None = None,
        protocol: str | Protocol = "paper",
        termination_threshold: float = TERMINATION_THRESHOLD_OF_RECORD,
        stride: int = 4,
        policy: str = "MlpPolicy",
        mask_actions: bool = False,
        seed: int = 0,
        max_steps: int = 256,
        **switches: Any,
    ) -> None:
        played = Field(
            volume, scorer, window, protocol, termination_threshold, grid, stride, switches,
            "League",
        )  # fmt: skip
        self._begin(played, policy, mask_actions, seed, max_steps)

    def _begin(
        self, played: Field, policy: str, mask_actions: bool, seed: int, max_steps: int
    ) -> None:
        self.configuration: dict[str, Any] = {
            "window": list(played.window),
            "grid": list(played.grid),
            "stride": played.stride,
            "input_shape": list(played.input_shape),
            "termination_threshold": played.termination_threshold,
            "protocol": played.protocol.to_dict(),
            "policy": check_choice(policy, "policy", "League", POLICIES),
            "mask_actions": check_bool(mask_actions, "mask_actions", "League"),
            "seed": check_integer(seed, "seed", "League", 0, SEED_LIMIT),
            "max_steps": check_integer(max_steps, "max_steps", "League", 1, STEP_LIMIT),
            "input_sha256": digest(played.array),
            "versions": versions(),
        }
        self._field: Field | None = played
        self._handle: Handle | None = None
        self._members: list[dict[str, FloatArray]] = []
        self.names: list[str] = []
        self.wins = np.zeros((0, 0), np.int64)
        self.ties = np.zeros((0, 0), np.int64)

    @classmethod
    def of(cls, run: Run, *, seed: int = 0, max_steps: int = 256) -> Self:
        """Return a league of a run's snapshots and of its learner as it is now.

        Members are named by the iterations they had behind them.

        Parameters
        ----------
        run : Run
            One that can be resumed; its scan, scores and switches are the league's.
        seed, max_steps
            As for `League`.

        Raises
        ------
        ValueError
            The run was loaded without its scan and classifier.
        """
        check_instance(run, Run, "run", "League.of", "a Run")
        if run._live_run is None:
            raise ValueError(
                "The 'run' parameter of League.of must have its scan and classifier: give both to "
                f"Run.load. Got {shown(run)} without them instead."
            )
        league = cls.__new__(cls)
        c = run.configuration
        league._begin(run._live_run.field, c["policy"], c["mask_actions"], seed, max_steps)
        return league.add_run(run)

    def add_run(self, run: Run, prefix: str = "") -> Self:
        """Add a run's snapshots, and its learner as it is now, and return the league.

        Parameters
        ----------
        run : Run
            A run with the same window; where it was loaded without its scan, its snapshots alone
            are added.
        prefix : str
            Put before the iteration in their names.

        Raises
        ------
        ValueError
            The run has another policy, moves masked otherwise, or a name is taken; or it is of the
            exhaustion game, in which what a player does at a place depends on what its episode has
            shown, while a league computes it once.
        """
        check_instance(run, Run, "run", "League.add_run", "a Run")
        check_instance(prefix, str, "prefix", "League.add_run", "a text")
        if run.configuration["game"] != "search":
            raise ValueError(
                sentence(
                    "run",
                    "League.add_run",
                    "of the search game: a league computes once what a player does at a place, and "
                    "in the exhaustion game that depends on what has been shown",
                    run,
                )
            )
        for name in ("policy", "mask_actions"):
            if run.configuration[name] != self.configuration[name]:
                raise ValueError(
                    f"The 'run' parameter of League.add_run must have the league's {name}, "
                    f"{self.configuration[name]!r}. Got {run.configuration[name]!r} instead."
                )
        for snapshot in run.snapshots:
            self.add(f"{prefix}{snapshot.iteration}", snapshot.parameters)
        last = run.snapshots[-1].iteration if run.snapshots else -1
        learner = None if last == len(run) else run.parameters
        if learner is not None:
            self.add(f"{prefix}{len(run)}", learner)
        return self

    def add(self, name: str, parameters: Mapping[str, ArrayLike]) -> None:
        """Add a player; games with it are still to be played.

        Parameters
        ----------
        name : str
            One that no member has.
        parameters : mapping of str to array
            A policy under stable-baselines3's names, as snapshots have it; a critic is left out.

        Raises
        ------
        ValueError
            The name is taken, or the networks differ from those of the members.
        """
        if not isinstance(name, str) or not name or name in self.names:
            raise ValueError(sentence("name", "League.add", "a name that no member has", name))
        given = {
            key: np.asarray(value)
            for key, value in dict(parameters).items()
            if isinstance(key, str) and key.startswith(POLICY_PARTS)
        }
        arrays, shape = self._arrays(given)
        if self._members and self._shape != shape:
            raise ValueError(
                "The 'parameters' parameter of League.add must have the members' sizes "
                f"{self._shape[:3]}. Got {shape[:3]} instead."
            )
        self._shape = shape
        self._enter(arrays)
        self._members.append({key: arrays[key].copy() for key in given})
        self.names.append(name)
        self.wins, self.ties = (np.pad(table, (0, 1)) for table in (self.wins, self.ties))

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_handle": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for member in self._members:
            self._enter(self._arrays(member)[0])

    def _arrays(
        self, given: Mapping[str, NDArray[Any]]
    ) -> tuple[dict[str, FloatArray], PolicyShape]:
        """Return a player's arrays as the core takes them, a silent critic included; and sizes."""
        features, nets = self._extractor(given), _without_extractor(given)
        arrays, shape = checked_parameters(nets | _silent_critic(nets), "League.add")
        return features | {k: a.astype(np.float32, copy=False) for k, a in arrays.items()}, shape

    def _extractor(self, given: Mapping[str, NDArray[Any]]) -> dict[str, FloatArray]:
        """Return the convolutions among a policy's parameters, in the core's order."""
        shapes = policy_shapes(self.configuration["policy"], self.configuration["window"])
        wanted = {key: shape for key, shape in shapes.items() if key.startswith(EXTRACTOR)}
        found = {key for key in given if key.startswith(EXTRACTOR)}
        if found != set(wanted):
            raise ValueError(
                f"The 'parameters' parameter of League.add must hold {list(wanted)} beside the "
                f"nets of {self.configuration['policy']}. Got {sorted(found)} instead."
            )
        return {
            key: check_array(given[key], key, "League.add", np.float32, shape)
            for key, shape in wanted.items()
        }

    def _enter(self, arrays: Mapping[str, FloatArray]) -> None:
        """Hand a player to the core."""
        if self._field is None:
            return
        if self._handle is None:
            c = self.configuration
            field = self._field.handle
            self._handle = Handle(
                native.league_create(field, c["policy"], c["mask_actions"], self._shape)
            )
        flat = np.concatenate([array.reshape(-1) for array in arrays.values()])
        native.league_add(self._handle.value, flat)

    def play(self, games: int = 100, *, progress: Progress | bool | None = None) -> Self:
        """Let every two members play until they have had so many games with one another.

        They change sides from game to game. Game k of two players is the same whenever it is
        played: what was interrupted or saved goes on to the bit. Windows are scored as they are
        needed; with an atlas there is nothing left to score.

        Parameters
        ----------
        games : int
            Games of each pair, those already played included.
        progress : callable or True, optional
            Called with (done, planned) games; True draws a bar (the extra "progress").

        Returns
        -------
        League
            This one.

        Raises
        ------
        ValueError
            The league was loaded without its scan and scorer, or has fewer than two members.
        """
        games = check_integer(games, "games", "League.play", 1, GAME_LIMIT)
        if self._field is None:
            raise ValueError(
                "This league was loaded from a file without its scan and scorer: it can be read, "
                "not played on. Give both to League.load."
            )
        handle = self._handle
        if handle is None or len(self.names) < 2:
            raise ValueError(f"A league needs two members to play. Got {len(self.names)} instead.")
        progress = as_progress(progress, "league", "games")
        played = self.games
        missing = {
            (i, j): games - int(played[i, j])
            for i, j in combinations(range(len(self.names)), 2)
            if played[i, j] < games
        }
        done, planned = 0, sum(missing.values())
        for (i, j), count in missing.items():
            rewards = np.empty(count)
            block = {
                "first": i,
                "second": j,
                "start": int(played[i, j]),
                "steps": self.configuration["max_steps"],
                "seed": self.configuration["seed"],
                "rewards": rewards,
                "lengths": np.empty(count, np.int64),
            }
            moved = None if progress is None else shifted(progress, done, planned)
            native.league_play(handle.value, block, self._field.scorer, moved)
            self.wins[i, j] += int((rewards > 0).sum())
            self.wins[j, i] += int((rewards < 0).sum())
            self.ties[[i, j], [j, i]] += int((rewards == 0).sum())
            done += count
            if progress is not None:
                progress(done, planned)
        return self

    @property
    def games(self) -> NDArray[np.int64]:
        return self.wins + self.wins.T + self.ties

    @property
    def payoff(self) -> NDArray[np.float64]:
        """Each row's win rate against each column, ties as halves: float64 (members, members).

        NaN on the diagonal, and where two have not played.
        """
        return win_rates(self.wins, self.ties)

    def ratings(self, *, confidence: float = 0.95, resamples: int = 1000, seed: int = 0) -> Ratings:
        """Return everyone's Elo rating with its interval, as `spars.ratings.elo_ratings` does.

        Returns
        -------
        Ratings

        Raises
        ------
        ValueError
            Two members have not played.
        """
        return elo_ratings(
            self.names, self.wins, self.ties,
            confidence=confidence, resamples=resamples, seed=seed,
        )  # fmt: skip

    def cycles(self, *, confidence: float = 0.95) -> list[tuple[str, ...]]:
        """Return every three members of whom each beats the next and the last the first.

        Parameters
        ----------
        confidence : float
            In [0, 1): a member beats another where Wilson's interval of its win rate, of this
            confidence, lies above one half. 0 takes the win rate itself.

        Returns
        -------
        list of (str, str, str)
            Names, each triple once, in the order of members by its first.
        """
        better = self._beats(confidence)
        return [tuple(self.names[i] for i in triple) for triple in cyclic_triples(better)]

    def intransitivity(self, *, confidence: float = 0.95) -> float:
        """Return the share of cycles among all triples of which every pair is decided.

        Parameters
        ----------
        confidence : float
            As for `cycles`.

        Returns
        -------
        float
            In [0, 1]; 1/4 is what pairs decided by coin flips give. NaN where no triple is decided.
        """
        return share_of_cycles(self._beats(confidence))

    def _beats(self, confidence: float) -> NDArray[np.bool_]:
        confidence = check_float(confidence, "confidence", "cycles", 0.0, 1.0, open_high=True)
        return beats(self.wins, self.ties, confidence)

    def save(self, path: PathLike) -> None:
        """Write members, table and configuration as one npz file, whole or not at all."""
        arrays: dict[str, NDArray[Any]] = {"wins": self.wins, "ties": self.ties}
        for index, member in enumerate(self._members):
            arrays |= {f"member.{index}.{key}": array for key, array in member.items()}
        description = {"configuration": self.configuration, "names": self.names}
        write_npz(path, description, arrays, FILE_FORMAT)

    @classmethod
    def load(cls, path: PathLike, volume: Scan | None = None, scorer: Scorer | None = None) -> Self:
        """Read a league that `save` wrote; nothing of the file is ever executed.

        Parameters
        ----------
        path : path
            Where `save` wrote to.
        volume, scorer : optional
            The scan and the scorer of the league: then it can be played on.

        Raises
        ------
        FormatError
            The file is not one of `save`, or is broken.
        ValueError
            The scan is another one.
        """
        if (volume is None) != (scorer is None):
            raise ValueError(
                "The 'volume' and 'scorer' parameters of load must be given both or neither."
            )
        description, arrays = read_npz(path, FILE_FORMAT)
        league = cls.__new__(cls)
        league._field = None
        if volume is not None and scorer is not None:
            league._field = field_again(description.get("configuration", {}), volume, scorer, path)
        try:
            league.configuration = description["configuration"]
            league._read(description["names"], arrays)
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise FormatError(f"{path}: not a league that League.save wrote: {error!r}") from error
        return league

    def _read(self, names: Sequence[str], arrays: Mapping[str, NDArray[Any]]) -> None:
        self._handle, self._members, self.names = None, [], []
        self.wins = self.ties = np.zeros((0, 0), np.int64)
        for index, name in enumerate(names):
            start = f"member.{index}."
            self.add(
                name,
                {key.removeprefix(start): a for key, a in arrays.items() if key.startswith(start)},
            )
        for name in ("wins", "ties"):
            table = arrays[name]
            if table.shape != self.wins.shape or table.dtype != np.int64 or (table < 0).any():
                raise KeyError(f"{name} {table.dtype} {table.shape}")
        if not np.array_equal(arrays["ties"], arrays["ties"].T):
            raise KeyError("ties of a pair differ")
        self.wins, self.ties = arrays["wins"], arrays["ties"]

    def __repr__(self) -> str:
        return f"<spars.League of {len(self.names)} members, {int(self.games.sum()) // 2} games>"


def _without_extractor(given: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {key: value for key, value in given.items() if not key.startswith(EXTRACTOR)}


def _silent_critic(policy: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return a critic of one silent unit, so that a policy alone is an actor-critic."""
    first = policy.get("mlp_extractor.policy_net.0.weight")
    inputs = first.shape[1] if first is not None and first.ndim == 2 else 1
    return {
        "mlp_extractor.value_net.0.weight": np.zeros((1, inputs), np.float32),
        "mlp_extractor.value_net.0.bias": np.zeros(1, np.float32),
        "value_net.weight": np.zeros((1, 1), np.float32),
        "value_net.bias": np.zeros(1, np.float32),
    }
