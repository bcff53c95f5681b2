"""A study: settings, folds and seeds over a data set, run so that it survives and scales out."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from spars._support.callbacks import CallbackList, Callbacks, check_callbacks
from spars._support.checks import check_bool, check_choice, check_integer, check_text, sentence
from spars._support.extras import require
from spars._support.progress import as_progress
from spars._support.types import PathLike, Progress
from spars.study import engine, scans, studies
from spars.study.document import (
    KEYS,
    SCHEMA,
    DataSettings,
    SplitSettings,
    changed,
    check_keys,
    check_mapping,
    described,
    read,
    section,
    variants,
)
from spars.study.engine import Inline, Outcome, perform
from spars.study.forecast import forecast
from spars.study.inspection import check_inputs
from spars.study.lock import hashed_weights, write_lock
from spars.study.results import Results
from spars.study.tasks import Plan, Task, plan_of
from spars.volume.cases import Case, Dataset

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Outcome", "Study"]

_OWNER = "Study"


class Study:
    """Settings, folds and seeds over a data set: what is trained, segmented and measured.

    A study is made of tasks: trainings, the scores of every window where several searches share
    them, and segmentations with their measures, one for each setting, fold, seed and scan. Each
    has the hash of all that its result follows from for a name, is done once, whoever asks for it,
    and leaves a folder of its own.

    Parameters
    ----------
    data : mapping or sequence of spars.datasets.Case
        The scans: ``cases``, ``csv`` with ``root``, ``msd`` or ``phantoms``; ``groups``, the CSV's
        column of patients or a mapping; ``region``, "organ" to search in the organs;
        ``reference_value``, 2 by default; ``on``, as `spars.datasets.from_csv` takes it.
    split : mapping, optional
        ``folds``, ``file`` (nnU-Net's ``splits_final.json``) or ``train`` with ``test``; also
        ``validation``, ``stratified``, ``grouped``, ``seed`` and ``overlap``. Without it every scan
        is segmented, by weights that are given.
    base : mapping, optional
        What all settings have in common. ``training`` holds keywords of `Classifier.fit`,
        ``segmentation`` those of `spars.segment` and `spars.self_play`, ``recipe`` those of
        `spars.Recipe`, and ``classifier`` its ``input_shape``, or ``weights``: a file or
        "pretrained". ``window``, ``grid`` and ``protocol`` stand for those of training and
        segmentation; ``training_scans`` trains on the first so many. ``segmentation: null`` trains
        only.
    sweep : mapping of str to list, optional
        Values by name, with dots into sections, as ``{"segmentation.iterations": [100, 1000]}``.
        Every combination is a setting.
    settings : mapping of str to mapping, optional
        Settings by name instead: what each changes in `base`.
    seeds : sequence of int
        Each trains and segments once, but where a section has a ``seed`` of its own.
    preset : str, optional
        "published/all", or one of its studies: "main", "training_sizes", "termination_thresholds",
        "window_sizes". What else is given wins over it.
    share_scores : bool
        Whether a scan's windows that several tasks may ask for are all scored once, beforehand.
    name : str
    schema : int
        The form of this description, 1.

    Raises
    ------
    TypeError, ValueError
        A key is unknown, with the nearest that is known, or a value is out of its range.

    Examples
    --------
    >>> study = spars.Study(
    ...     {"phantoms": {"n": 6, "shape": [24, 24, 20]}},
    ...     split={"folds": 2},
    ...     base={
    ...         "classifier": {"input_shape": [108, 108, 108]}, "window": [12, 12, 10],
    ...         "grid": "native", "training": {"epochs": 1, "crops_per_scan": 2},
    ...         "segmentation": {"method": "exhaustive"},
    ...     },
    ...     seeds=[0, 1, 2],
    ... )
    >>> len(study.tasks)
    24
    >>> study.check()
    >>> study.table()[0]["state"], len(study.plan()), study.to_dict()["seeds"]
    ('waiting', 24, [0, 1, 2])
    """

    def __init__(
        self,
        data: Mapping[str, Any] | Sequence[Case] | None = None,
        *,
        split: Mapping[str, Any] | None = None,
        base: Mapping[str, Any] | None = None,
        sweep: Mapping[str, Sequence[Any]] | None = None,
        settings: Mapping[str, Any] | None = None,
        seeds: Sequence[int] | None = None,
        preset: str | None = None,
        share_scores: bool = True,
        name: str = "study",
        schema: int = SCHEMA,
    ) -> None:
        if not isinstance(schema, int) or schema != SCHEMA:
            raise ValueError(sentence("schema", _OWNER, f"{SCHEMA}", schema))
        self.name = check_text(name, "name", _OWNER)
        self._data = _described_data(data)
        self.data = section(self._data, DataSettings, "A study's data")
        given = {
            "split": split, "base": base, "sweep": sweep, "settings": settings, "seeds": seeds,
        }  # fmt: skip
        given = {
            key: described(value, f"A study's {key}")
            for key, value in given.items()
            if value is not None
        }
        for key in ("split", "base", "sweep", "settings"):
            check_mapping(given.get(key), f"A study's {key}")
        self._given = {"preset": preset, "share_scores": share_scores, **given}
        if preset is not None:
            given = studies.expanded(preset, given, [case.name for case in self.cases])
        self._document = given
        self.split = section(given.get("split"), SplitSettings, "A study's split")
        self.seeds = _seeds(given.get("seeds", (0,)))
        self.share_scores = check_bool(share_scores, "share_scores", _OWNER)
        self.variants = variants(given)

    @classmethod
    def load(cls, file: PathLike, changes: Sequence[str] = ()) -> Self:
        """Read a study from a YAML file (the extra "study"), or from a JSON file.

        Parameters
        ----------
        file : path
            Relative paths in it start from its folder.
        changes : sequence of str
            ``"base.training.epochs=2"`` and the like, over what the file says.

        Raises
        ------
        ImportError
            PyYAML is missing.
        OSError
            The file cannot be read.
        TypeError, ValueError
            It is no study; the message names the key.

        Examples
        --------
        >>> import json
        >>> described = {"schema": 1, "data": {"phantoms": {"n": 2}}, "split": {"folds": 2}}
        >>> _ = open("study.json", "w").write(json.dumps(described))
        >>> study = spars.Study.load("study.json", ["seeds=[0, 1]"])
        >>> study.seeds
        (0, 1)
        """
        found = changed(read(file), changes)
        check_keys(found, KEYS, f"{file}: a study")
        return cls(**({"name": Path(file).stem} | found))

    def to_dict(self) -> dict[str, Any]:
        """Return the study's description as it was given, as plain values."""
        data = dict(self._data)
        if "cases" in data:
            data["cases"] = [case.name for case in self.cases]
        return {"schema": SCHEMA, "name": self.name, "data": data, **self._given}

    @functools.cached_property
    def cases(self) -> Dataset:
        """The scans."""
        return scans.checked(scans.cases_of(self.data))

    @functools.cached_property
    def groups(self) -> dict[str, str]:
        """Each scan's patient."""
        return scans.groups_of(self.data, self.cases)

    @functools.cached_property
    def folds(self) -> dict[str, list[scans.Fold]]:
        """The folds of each setting."""
        return {
            variant.name: scans.folds_of(
                self.split, self.cases, self.groups, variant.training_scans
            )
            for variant in self.variants
        }

    @functools.cached_property
    def _weights(self) -> dict[str, str]:
        """Files of weights by their hash."""
        given = [variant.classifier.get("weights") for variant in self.variants]
        return hashed_weights(path for path in given if path is not None)

    @functools.cached_property
    def _plan(self) -> Plan:
        value = self.data.reference_value
        data = {
            "region": self.data.region,
            "reference_value": list(value) if isinstance(value, tuple) else value,
        }
        hashes = {path: name for name, path in self._weights.items()}
        return plan_of(
            [variant.with_weights(hashes) for variant in self.variants],
            self.folds, self.seeds, self.groups, data, shares_scores=self.share_scores,
        )  # fmt: skip

    @property
    def tasks(self) -> dict[str, Task]:
        """The tasks by id, those that others need first."""
        return self._plan.tasks

    def check(self, folder: PathLike | None = None) -> None:
        """Check the inputs without loading a scan, as `run` does before the first task.

        Parameters
        ----------
        folder : path, optional
            Where the study is to be run: its disk must have the room.

        Raises
        ------
        ValueError
            A scan is too small for a window or a grid, is trained on and measured, has no label or
            no mask where one is needed; nothing that is segmented shows tumour; or memory or disk
            do not suffice. The message names the scan.
        """
        check_inputs(self, self._plan, None if folder is None else Path(folder))

    def plan(self, folder: PathLike | None = None) -> DataFrame:
        """Return the tasks as a table (pandas, the extra "study").

        Parameters
        ----------
        folder : path, optional
            The study's folder, which tells states and how long tasks of a kind have taken.

        Returns
        -------
        pandas.DataFrame
            id, kind, setting, fold, seed, case (of a task that several share the first), state,
            seconds and bytes: what it took, or roughly what it will take.
        """
        pandas = require("pandas", "study", "A study's plan")
        return pandas.DataFrame(self.table(folder))

    def table(self, folder: PathLike | None = None) -> list[dict[str, Any]]:
        """Return what `plan` says, as a list of plain rows."""
        place = None if folder is None else Path(folder)
        first: dict[str, Any] = {}
        for row in self._plan.rows:
            first.setdefault(row.task, row)
        for task in reversed(self.tasks.values()):
            for needed in task.needs:
                if task.id in first:
                    first.setdefault(needed, first[task.id])
        expected = forecast(self, self._plan, place)
        return [
            {
                "id": name,
                "kind": task.kind,
                "setting": first[name].setting,
                "fold": first[name].fold,
                "seed": first[name].seed,
                "case": task.spec.get("case", ""),
                "state": "waiting" if place is None else engine.state_of(place, task),
                "seconds": expected[name][0],
                "bytes": expected[name][1],
            }
            for name, task in self.tasks.items()
        ]

    def run(
        self,
        folder: PathLike,
        executor: Any = None,
        shard: tuple[int, int] | None = None,
        resume: bool = True,
        on_error: str = "record",
        callbacks: Callbacks | None = None,
        progress: Progress | bool | None = None,
    ) -> Results:
        """Run every task that is not done yet.

        Other processes and machines may run the same study in the same folder at the same time:
        each task is done by one of them. One that is killed loses what it was at; the same call
        goes on, trainings and self-play from their checkpoints.

        Parameters
        ----------
        folder : path
            Made if it is missing. Holds ``study.lock.yaml`` and a folder for each task.
        executor : object, optional
            Anything with the ``submit`` of `concurrent.futures.Executor`: a process pool,
            ``dask.distributed``'s ``Client.get_executor()``, Ray's or submitit's adapters. None
            does one task after the other. Results are the same to the bit on machines of one
            instruction set.
        shard : (int, int), optional
            ``(1, 2)`` does the first of two parts of the rows, by the hashes of their tasks, and
            what these need.
        resume : bool
            Whether the folder may hold a study that has begun.
        on_error : {"record", "raise"}
            Whether a task that fails is noted, the others being done all the same, or raises.
        callbacks : Callback, callable or sequence of them, optional
            Told of every task that ends, a callable by being called with its `Outcome`; one that
            returns False ends the study. See `spars.callbacks`.
        progress : callable or True, optional
            Called with (done, planned) tasks; True draws a bar (the extra "progress").

        Returns
        -------
        Results
            Of all that is done.

        Raises
        ------
        TypeError, ValueError
            As `check`; or the folder is one of other inputs or of another version of spars.
        FileExistsError
            The folder holds a study and `resume` is False.
        RuntimeError
            A task failed with ``on_error="raise"``.
        OSError
            The folder cannot be written to.

        Examples
        --------
        >>> study = spars.Study(
        ...     {"phantoms": {"n": 2, "shape": [64, 64, 48]}, "region": "organ"},
        ...     base={
        ...         "classifier": {"weights": "pretrained"},
        ...         "segmentation": {"method": "intensity"},
        ...     },
        ... )
        >>> len(study.run("intensity"))
        2
        """
        check_choice(on_error, "on_error", "run", ("record", "raise"))
        shard = _shard(shard)
        watchers = CallbackList(check_callbacks(callbacks, "callbacks", "run"), "study")
        report = as_progress(progress, "study", "tasks")
        place = Path(folder)
        if executor is not None and not callable(getattr(executor, "submit", None)):
            raise TypeError(sentence("executor", "run", "an object with submit, or None", executor))
        tasks = self._plan.of_shard(shard)
        self.check(place)
        place.mkdir(parents=True, exist_ok=True)
        write_lock(self, self._plan, place, resume=resume)
        pool = Inline() if executor is None else executor
        done: list[Outcome] = []

        def submit(task: Task) -> Any:
            # Absolute, for workers stand elsewhere.
            return pool.submit(perform, self.cases, self._weights, place.resolve(), task)

        def tell(outcome: Outcome) -> bool:
            done.append(outcome)
            if report is not None:
                report(len(done), len(tasks))
            values = engine.measured(place, outcome) if watchers else {}
            return watchers.step(values, len(done), outcome)

        with watchers.watching(self.to_dict()):
            engine.Run(tasks, submit, tell, raises=on_error == "raise").run()
        return Results.load(place)

    def __repr__(self) -> str:
        return (
            f"<Study {self.name!r}: {len(self.cases)} scans, {len(self.variants)} settings, "
            f"{len(self.tasks)} tasks>"
        )


def _described_data(data: Any) -> dict[str, Any]:
    """Return what was given as data as plain values, but for cases."""
    if not isinstance(data, Mapping):
        if isinstance(data, (str, bytes)) or not isinstance(data, Iterable):
            raise TypeError(sentence("data", _OWNER, "a mapping or a sequence of Case", data))
        return {"cases": list(data)}
    return {
        key: value if key == "cases" else described(value, f"A study's data.{key}")
        for key, value in data.items()
    }


def _seeds(seeds: Any) -> tuple[int, ...]:
    if isinstance(seeds, (str, bytes)) or not hasattr(seeds, "__iter__"):
        raise TypeError(sentence("seeds", _OWNER, "a sequence of integers", seeds))
    found = tuple(check_integer(seed, "seeds", _OWNER, 0, 2**32 - 1) for seed in seeds)
    if not found or len(set(found)) < len(found):
        raise ValueError(sentence("seeds", _OWNER, "one or more different integers", seeds))
    return found


def _shard(shard: Any) -> tuple[int, int] | None:
    if shard is None:
        return None
    try:
        number, count = shard
    except (TypeError, ValueError):
        raise TypeError(sentence("shard", "run", "two integers, as (1, 2)", shard)) from None
    count = check_integer(count, "shard", "run", 1)
    return check_integer(number, "shard", "run", 1, count), count
