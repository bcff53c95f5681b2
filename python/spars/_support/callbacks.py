"""What watches long work: one contract for training, play and studies.

A `Callback` gets numbers by name, whatever the work is. A plain callable gets the work itself: a
training's ``(classifier, record)``, a run's ``run``. Either ends the work by returning False.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from spars._support.checks import sentence

__all__ = ["Callback", "CallbackList", "Callbacks", "check_callbacks"]


class Callback:
    """Watches a training, a run or a study; override what is of use.

    Methods are called in the order below, by the thread that works. What one raises ends the work,
    which keeps its checkpoint, and `on_end` is still called.

    Examples
    --------
    >>> class Printed(spars.callbacks.Callback):
    ...     def on_start(self, kind, configuration):
    ...         print("begins:", kind)
    ...
    ...     def on_step(self, values, step):
    ...         print(step, sorted(values)[0])
    ...
    ...     def on_end(self, error):
    ...         print("ends:", error)
    >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
    >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
    >>> run = spars.self_play(
    ...     scan, darkness, iterations=2, window=(8, 8, 8), grid=scan.shape, n_steps=8,
    ...     callback=Printed(),
    ... )
    begins: self_play
    8 rollout/learner_score_last
    16 rollout/learner_score_last
    ends: None
    """

    def on_start(self, kind: str, configuration: Mapping[str, Any]) -> None:
        """Be told that work begins, or goes on from a checkpoint.

        Parameters
        ----------
        kind : {"fit", "self_play", "study"}
            What work it is.
        configuration : mapping
            Everything needed to repeat it, as plain values.
        """

    def on_step(self, values: Mapping[str, float], step: int) -> object:
        """Be told what was measured; return False to end the work.

        Parameters
        ----------
        values : mapping of str to float
            By names as ``"train/loss"``. NaN is what is not defined.
        step : int
            Where on the axis of steps that is, growing from call to call: a training's epoch, a
            run's steps of the game, how many tasks of a study are done.
        """

    def on_end(self, error: BaseException | None = None) -> None:
        """Be told that work ends, and by which exception if it was one."""


#: What a `callback` parameter takes.
Callbacks: TypeAlias = (
    "Callback | Callable[..., object] | Sequence[Callback | Callable[..., object]]"
)


def check_callbacks(value: object, name: str, owner: str) -> tuple[Any, ...]:
    """Return a `callback` parameter as a tuple; None is none.

    Raises
    ------
    TypeError
        Something is neither a `Callback` nor callable.
    """
    if value is None:
        return ()
    given = value if isinstance(value, (list, tuple)) else (value,)
    if not all(isinstance(each, Callback) or callable(each) for each in given):
        raise TypeError(
            sentence(name, owner, "a Callback, a callable or a sequence of them", value)
        )
    return tuple(given)


class CallbackList:
    """The callbacks of one piece of work.

    Parameters
    ----------
    callbacks : sequence of Callback or callable
        As `check_callbacks` returns them.
    kind : str
        What `Callback.on_start` is told.
    """

    def __init__(self, callbacks: Sequence[Any], kind: str) -> None:
        self._callbacks = tuple(callbacks)
        self._kind = kind

    def __bool__(self) -> bool:
        return bool(self._callbacks)

    @contextlib.contextmanager
    def watching(self, configuration: Mapping[str, Any]) -> Iterator[None]:
        """Tell of the start, and, however the work within ends, of the end."""
        begun: list[Any] = []
        error: BaseException | None = None
        try:
            for each in self._callbacks:
                begun.append(each)
                if isinstance(each, Callback):
                    each.on_start(self._kind, configuration)
            yield
        except BaseException as raised:
            error = raised
            raise
        finally:
            # One that fails at the end does not keep the others from theirs.
            with contextlib.ExitStack() as ends:
                for each in reversed(begun):
                    if isinstance(each, Callback):
                        ends.callback(each.on_end, error)
                    else:
                        ends.callback(getattr(each, "close", lambda: None))

    def step(self, values: Mapping[str, float], step: int, *work: Any) -> bool:
        """Tell all of a step, plain callables by `work`; return whether the work goes on."""
        return all(
            [
                (each.on_step(values, step) if isinstance(each, Callback) else each(*work))
                is not False
                for each in self._callbacks
            ]
        )
