"""How a study's tasks are run: each once, after those it needs, by whoever is free."""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spars._support.errors import FormatError, one_line
from spars._support.files import write_text
from spars._support.log import log
from spars._support.provenance import versions
from spars._support.runtime import instruction_set
from spars.study import leases, work
from spars.study.numbers import read_record, text_of, write_record
from spars.study.tasks import SCORE, TRAIN, Task, place_of_task
from spars.volume.cases import Dataset

DONE, ERROR, LOG, LEASE, SPEC = "DONE", "error.txt", "log.txt", "lease", "task.json"
#: Seconds until a task that another process works on is looked at again.
_PAUSE = 0.5


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Attributes
    ----------
    task, kind : str
    state : {"done", "failed", "blocked", "busy"}
        "blocked": a task that it needs has failed. "busy": another process works on it.
    seconds : float
        Of work; 0 where it had been done before.
    error : str
        One line.
    """

    task: str
    kind: str
    state: str
    seconds: float = 0.0
    error: str = ""


def measured(folder: Path, outcome: Outcome) -> dict[str, float]:
    """Return what a callback is told of a task: its time, and what it measured by its kind.

    Names are as ``"segment/dice"``; a task that is not done has measured nothing.
    """
    values = {"study/seconds": outcome.seconds, "study/failed": float(outcome.state == "failed")}
    done = done_of(folder, outcome.task) or {"measures": {}}
    return values | {
        f"{outcome.kind}/{name}": float(value)
        for name, value in done["measures"].items()
        if isinstance(value, (int, float))
    }


def perform(cases: Dataset, weights: Mapping[str, str], folder: Path, task: Task) -> Outcome:
    """Do a task unless it is done or somebody else is at it; write its folder, DONE the last.

    Parameters
    ----------
    cases : Dataset
        The study's scans.
    weights : mapping of str to str
        Files of weights by their hash.
    folder : Path
        The study's.
    task : Task
    """
    place = place_of_task(folder, task.id)
    if (place / DONE).is_file():
        return Outcome(task.id, task.kind, "done")
    place.mkdir(parents=True, exist_ok=True)
    lease = leases.Lease(place / LEASE)
    if not lease.take():
        return Outcome(task.id, task.kind, "busy")
    try:
        # Between the look and the lease another may have finished it.
        if (place / DONE).is_file():
            return Outcome(task.id, task.kind, "done")
        with _logged(place / LOG, task):
            return _performed(cases, weights, folder, task)
    finally:
        lease.release()


def _performed(cases: Dataset, weights: Mapping[str, str], folder: Path, task: Task) -> Outcome:
    place = place_of_task(folder, task.id)
    (place / ERROR).unlink(missing_ok=True)
    # For whoever looks: nothing reads it, so it need not be on the disk before the work begins.
    (place / SPEC).write_text(text_of(task.spec), encoding="utf-8")
    watched = work.Watched(cases)
    start = time.monotonic()
    try:
        if task.kind == TRAIN:
            measures = work.train(task, watched, folder)
        elif task.kind == SCORE:
            measures = work.score(task, watched, folder, weights)
        else:
            measures = work.segmented(task, watched, folder, weights)
    # Whatever it is that a task fails with, the others go on.
    except Exception as error:
        write_text(place / ERROR, one_line(error) + "\n")
        log.info("%s", "".join(traceback.format_exception(error)))
        text = f"{type(error).__name__}: {one_line(error)}"
        return Outcome(task.id, task.kind, "failed", time.monotonic() - start, text)
    seconds = time.monotonic() - start
    for leftover in place.glob("*.previous"):
        leftover.unlink()
    sizes = {path.name: path.stat().st_size for path in sorted(place.iterdir()) if path.is_file()}
    done = {
        "task": task.id,
        "kind": task.kind,
        "measures": measures,
        "masks_read": sorted(watched.masks_read),
        "seconds": round(seconds, 3),
        "bytes": sum(sizes.values()),
        "versions": versions() | {"instruction_set": instruction_set()},
    }
    write_record(place / DONE, done)
    log.info("done in %.3f s", seconds)
    return Outcome(task.id, task.kind, "done", seconds)


@contextlib.contextmanager
def _logged(path: Path, task: Task) -> Iterator[None]:
    """Write what this thread logs meanwhile to a file."""
    own = threading.get_ident()
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(lambda record: record.thread == own)
    before = log.level
    log.addHandler(handler)
    log.setLevel(min(logging.INFO, log.getEffectiveLevel()))
    try:
        log.info("%s %s begins", task.kind, task.id)
        yield
    finally:
        log.setLevel(before)
        log.removeHandler(handler)
        handler.close()


class Inline(concurrent.futures.Executor):
    """An executor that does its work at once, in the caller's own thread."""

    def submit(  # type: ignore[override]  # its types would only say Any in more words
        self, function: Callable[..., Any], /, *arguments: Any
    ) -> concurrent.futures.Future[Any]:
        """Return a future that is done."""
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        future.set_result(function(*arguments))
        return future


class Run:
    """Tasks under way.

    Parameters
    ----------
    tasks : mapping of str to Task
        Those that others need first.
    submit : callable
        Of a task: begins it and returns a future of its `Outcome`.
    tell : callable
        Called with each `Outcome`; returns False to end the study.
    raises : bool
        Whether a task that fails ends the study.
    """

    def __init__(
        self,
        tasks: Mapping[str, Task],
        submit: Callable[[Task], Any],
        tell: Callable[[Outcome], object],
        *,
        raises: bool,
    ) -> None:
        self.waiting = dict(tasks)
        self.submit = submit
        self.tell = tell
        self.raises = raises
        self.running: dict[Any, Task] = {}
        self.outcomes: dict[str, Outcome] = {}
        # When a task of another process is to be looked at again.
        self._later: dict[str, float] = {}
        self._stirred = threading.Event()
        self._is_ended = False

    def run(self) -> dict[str, Outcome]:
        """Run all tasks; return how each ended."""
        try:
            while (self.waiting or self.running) and not self._is_ended:
                self._stirred.clear()
                if not (self._begin() | self._collect()):
                    self._stirred.wait(_PAUSE if self._later and not self.running else 0.05)
        finally:
            for future in self.running:
                future.cancel()
        return self.outcomes

    def _begin(self) -> bool:
        """Submit what is ready; return whether anything was."""
        moved = False
        for task in list(self.waiting.values()):
            if self._is_ended:
                break
            states = [self.outcomes[name].state for name in task.needs if name in self.outcomes]
            if any(state != "done" for state in states):
                del self.waiting[task.id]
                self._settle(Outcome(task.id, task.kind, "blocked"))
            elif len(states) < len(task.needs) or self._later.get(task.id, 0.0) > time.monotonic():
                continue
            else:
                del self.waiting[task.id]
                future = self.submit(task)
                self.running[future] = task
                if hasattr(future, "add_done_callback"):
                    future.add_done_callback(lambda _: self._stirred.set())
                if future.done():
                    self._collect()
            moved = True
        return moved

    def _collect(self) -> bool:
        """Take in what is done; return whether anything was."""
        finished = [future for future in self.running if future.done()]
        for future in finished:
            task = self.running.pop(future)
            outcome = future.result()
            if outcome.state == "busy":
                self._later[task.id] = time.monotonic() + _PAUSE
                self.waiting[task.id] = task
                continue
            self._later.pop(task.id, None)
            self._settle(outcome)
        return bool(finished)

    def _settle(self, outcome: Outcome) -> None:
        self.outcomes[outcome.task] = outcome
        if self.raises and outcome.state == "failed":
            raise RuntimeError(f"The task {outcome.task} ({outcome.kind}) failed: {outcome.error}")
        if self.tell(outcome) is False:
            self._is_ended = True


def state_of(folder: Path, task: Task) -> str:
    """Return "done", "failed", "running" or "waiting", by what stands in a task's folder."""
    place = place_of_task(folder, task.id)
    if (place / DONE).is_file():
        return "done"
    if leases.is_live(place / LEASE):
        return "running"
    return "failed" if (place / ERROR).is_file() else "waiting"


def done_of(folder: Path, task: str) -> dict[str, Any] | None:
    """Return what a task left when it was done; None where it is not.

    Raises
    ------
    FormatError
        It was changed since, or is another task's.
    """
    path = place_of_task(folder, task) / DONE
    try:
        found = read_record(path)
    except FileNotFoundError:
        return None
    if found.get("task") != task:
        raise FormatError(f"{path}: it is of the task {found.get('task')!r}.")
    return found
