"""The object presence classifier: a 3D CNN that learns "tumour present" from image-level labels."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from spars._core import native
from spars._core.handles import Handle, Native
from spars._support.checks import (
    check_array,
    check_extent,
    check_integer,
    sentence,
)
from spars._support.defaults import INPUT_OF_RECORD, WINDOW_OF_RECORD
from spars._support.errors import FormatError, NonFiniteError
from spars._support.notebook import card, triple
from spars._support.progress import as_progress
from spars._support.types import Extent3, FloatArray, PathLike, Progress, Scan
from spars.classifier import files
from spars.classifier.explanation import attributions, explain, input_gradients
from spars.classifier.onnx import save_onnx
from spars.classifier.parameters import layout, split, value_count
from spars.classifier.recipe import Recipe
from spars.classifier.scores import window_scores
from spars.classifier.training.fit import fit
from spars.classifier.training.history import History
from spars.lesions.windows import Windows
from spars.volume.datasets import Case
from spars.volume.protocol import IntensityWindow

__all__ = ["Classifier", "History"]


class Classifier(Native):
    """The object presence classifier of SPARS, with parameters that have not learned anything yet.

    Four 3 x 3 x 3 convolutions (1-8 stride 1; 8-16, 16-32, 32-64 stride 2; no padding), batch norm
    and ReLU after each, a max-pool of 2 after the first three, then fully connected layers
    1152-1600-800-400-128-2 for inputs of 256 x 256 x 180. Parameters start by PyTorch's default
    law: uniform in +-1/sqrt(fan_in), batch norm as the identity.

    Parameters
    ----------
    input_shape : tuple of three ints
        The network's input along x, y, z; windows are resized to it. Every stage needs a voxel
        left: 108 along each axis, or more.
    intensity_window : IntensityWindow, optional
        The HU range the network sees, applied to volumes by `score`, in training and in games.
        None passes HU as they are, until `fit` sets the one of its protocol.
    seed : int
        Seed of the initial parameters, 0 to 2^64 - 1.

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range; for `input_shape` the message names the first stage that would
        have no voxel.

    Notes
    -----
    Tan, Hu and Saeed, arXiv 2505.18989. A classifier may be used from several threads. Copies and
    pickles have parameters of their own, with recipe and training record.

    Examples
    --------
    >>> classifier = spars.Classifier((108, 108, 108), spars.IntensityWindow(40, 400), seed=0)
    >>> classifier.input_shape, classifier.intensity_window, classifier.recipe, classifier.training
    ((108, 108, 108), IntensityWindow(level=40.0, width=400.0), None, None)
    >>> classifier.save("weights.safetensors")
    >>> parameters = spars.Classifier.load("weights.safetensors").parameters()
    >>> again = spars.Classifier.from_parameters(parameters, classifier.input_shape)
    >>> list(parameters)[0], again.input_shape
    ('conv1.weight', (108, 108, 108))
    """

    def __init__(
        self,
        input_shape: Sequence[int] = INPUT_OF_RECORD,
        intensity_window: IntensityWindow | None = None,
        seed: int = 0,
    ) -> None:
        input_shape = check_extent(input_shape, "input_shape", "Classifier")
        seed = check_integer(seed, "seed", "Classifier", 0, 2**64 - 1)
        _checked_window(intensity_window)
        self._handle = Handle(native.classifier_create(input_shape, seed))
        self._training: dict[str, Any] | None = None
        self._recipe: Recipe | None = None
        self.intensity_window = intensity_window

    @classmethod
    def _of_handle(cls, value: int) -> Self:
        classifier = cls.__new__(cls)
        classifier._handle = Handle(value)
        classifier._training = None
        classifier._recipe = None
        return classifier

    def _value(self) -> tuple[Extent3, FloatArray, int, IntensityWindow | None]:
        flat = np.empty(value_count(layout(self.input_shape)), np.float32)
        native.classifier_parameters(self._handle.value, flat)
        tracked = native.classifier_batches_tracked(self._handle.value)
        return self.input_shape, flat, tracked, self.intensity_window

    def _made(self, value: tuple[Extent3, FloatArray, int, IntensityWindow | None]) -> Handle:
        input_shape, flat, tracked, window = value
        handle = Handle(native.classifier_from_parameters(input_shape, flat))
        native.classifier_set_parameters(handle.value, flat, tracked)
        native.classifier_set_intensity_window(handle.value, window)
        return handle

    @classmethod
    def from_parameters(
        cls,
        parameters: Mapping[str, ArrayLike],
        input_shape: Sequence[int] = INPUT_OF_RECORD,
        intensity_window: IntensityWindow | None = None,
    ) -> Self:
        """Return a classifier with these parameters.

        Parameters
        ----------
        parameters : mapping of str to array_like
            Arrays under PyTorch's `state_dict` names: conv1 to conv4 and fc1 to fc5 (weight, bias),
            bn1 to bn4 (weight, bias, running_mean, running_var). num_batches_tracked is ignored.
        input_shape : tuple of three ints
            The network's input along x, y, z.
        intensity_window : IntensityWindow, optional
            The HU range the network sees; None passes HU as they are.

        Returns
        -------
        Classifier

        Raises
        ------
        TypeError, ValueError
            A name is missing or unknown, or a shape does not fit; the message names it.
        NonFiniteError
            A parameter holds NaN or infinity.
        """
        owner = "Classifier.from_parameters"
        input_shape = check_extent(input_shape, "input_shape", owner)
        _checked_window(intensity_window)
        if not isinstance(parameters, Mapping):
            raise TypeError(
                sentence("parameters", owner, "a mapping of arrays by name", parameters)
            )
        tensors = layout(input_shape)
        known = {name for name, _, _ in tensors}
        extra = [n for n in parameters if n not in known and not _is_counter(n)]
        missing = [name for name, _, _ in tensors if name not in parameters]
        if extra or missing:
            what = f"without {extra[0]!r}" if extra else f"with {missing[0]!r}"
            got = f"{len(missing)} missing and {len(extra)} unknown names"
            allowed = f"the classifier's {len(tensors)} arrays, {what}"
            raise ValueError(
                f"The 'parameters' parameter of {owner} must be {allowed}. Got {got} instead."
            )
        flat = [
            check_array(parameters[name], name, owner, np.float32, shape).ravel()
            for name, shape, _ in tensors
        ]
        handle = native.classifier_from_parameters(input_shape, np.concatenate(flat))
        classifier = cls._of_handle(handle)
        classifier.intensity_window = intensity_window
        return classifier

    @property
    def input_shape(self) -> Extent3:
        """The network's input along x, y, z."""
        return native.classifier_input_shape(self._handle.value)

    @property
    def intensity_window(self) -> IntensityWindow | None:
        """The HU range the network sees, applied to volumes; None passes HU as they are."""
        window = native.classifier_intensity_window(self._handle.value)
        if window.level is None or window.width is None:
            return None
        return IntensityWindow(window.level, window.width)

    @intensity_window.setter
    def intensity_window(self, window: IntensityWindow | None) -> None:
        native.classifier_set_intensity_window(self._handle.value, _checked_window(window))

    @property
    def recipe(self) -> Recipe | None:
        """What a scan must become before it is scored; None where nothing is known of it.

        `fit` sets it. It is saved with the classifier and comes back with it.

        Raises
        ------
        TypeError
            On setting anything but a `Recipe` or None.
        """
        return self._recipe

    @recipe.setter
    def recipe(self, recipe: Recipe | None) -> None:
        if recipe is not None and not isinstance(recipe, Recipe):
            raise TypeError(sentence("recipe", "Classifier", "a Recipe or None", recipe))
        self._recipe = recipe

    @property
    def training(self) -> dict[str, Any] | None:
        """What the last `fit` reported, as `History.to_dict` gives it; None before any.

        It is saved with the classifier and comes back with it.
        """
        return self._training

    def parameters(self) -> dict[str, FloatArray]:
        """Return a copy of the parameters as {name: float32 array}, in `state_dict` order."""
        tensors = layout(self.input_shape)
        flat = np.empty(value_count(tensors), np.float32)
        native.classifier_parameters(self._handle.value, flat)
        return split(flat, tensors)

    def logits(self, x: ArrayLike, progress: Progress | bool | None = None) -> FloatArray:
        """Return the network's two logits for inputs on its own grid, in evaluation mode.

        Parameters
        ----------
        x : array_like, shape (N, X, Y, Z) or (X, Y, Z)
            Inputs of `input_shape`; values are taken as they are, without an intensity window.
        progress : callable or True, optional
            Called about every 20 ms with (inputs done, inputs planned); True draws a bar (the
            extra "progress").

        Returns
        -------
        ndarray of float32, shape (N, 2)
            "No tumour" and "tumour"; (1, 2) for one input without a batch axis, (0, 2) for none.
            Within 1e-4, relative, of the same network in float64.

        Raises
        ------
        TypeError, ValueError
            `x` is not numeric or not of this shape.
        NonFiniteError
            `x` holds NaN or infinity.

        Examples
        --------
        >>> classifier = spars.Classifier((108, 108, 108), seed=0)
        >>> classifier.logits(np.zeros((1, 108, 108, 108), np.float32)).shape
        (1, 2)
        """
        progress = as_progress(progress, "logits", "inputs")
        x = self._batch(x, "logits", finite=False)
        logits = np.empty((len(x), 2), np.float32)
        try:
            native.classifier_logits(self._handle.value, x, logits, progress)
        except NonFiniteError:
            # All threads have looked for it there; only the sentence is missing.
            self._batch(x, "logits")
            raise
        return logits

    def loss_and_gradients(
        self, crops: ArrayLike, has_tumour: ArrayLike, progress: Progress | bool | None = None
    ) -> tuple[float, dict[str, FloatArray]]:
        """Return a batch's loss in training mode and its gradient for every trainable parameter.

        Batch norm uses the batch's own statistics. Nothing of the classifier changes, its running
        statistics included.

        Parameters
        ----------
        crops : array_like, shape (N, X, Y, Z) or (X, Y, Z)
            Inputs of `input_shape`, N at least 1; values are taken as they are.
        has_tumour : array_like of int, shape (N,)
            0 or 1 for each crop; a number alone for one crop.
        progress : callable or True, optional
            Called about every 20 ms with (work done, work planned); True draws a bar (the
            extra "progress").

        Returns
        -------
        loss : float
            Mean cross entropy.
        gradients : dict of str to ndarray of float32
            The loss's gradients under the parameters' names, running statistics left out.

        Raises
        ------
        TypeError, ValueError
            `crops` or `has_tumour` is not of this shape or holds other values.
        NonFiniteError
            `crops` holds NaN or infinity, or the pass left the finite numbers: the tensor that did
            so first, in the order of computation, is named.

        Examples
        --------
        >>> classifier = spars.Classifier((108, 108, 108), seed=0)
        >>> crops = np.random.default_rng(0).normal(size=(2, 108, 108, 108)).astype(np.float32)
        >>> loss, gradients = classifier.loss_and_gradients(crops, [True, False])
        >>> loss > 0, "conv1.weight" in gradients
        (True, True)
        """
        owner = "loss_and_gradients"
        crops = self._batch(crops, owner, name="crops")
        labels = np.atleast_1d(np.asarray(has_tumour))
        if labels.shape != (len(crops),) or not np.isin(labels, (0, 1)).all() or len(crops) == 0:
            allowed = f"{len(crops)} labels, each 0 or 1"
            raise ValueError(sentence("has_tumour", owner, allowed, labels))
        trained = [tensor for tensor in layout(self.input_shape) if tensor[2]]
        flat = np.empty(value_count(trained), np.float32)
        batch = {"crops": crops, "has_tumour": np.ascontiguousarray(labels, np.int64)}
        report = as_progress(progress, owner)
        loss = native.classifier_loss_and_gradients(self._handle.value, batch, flat, report)
        return loss, split(flat, trained)

    def score(
        self,
        volume: Scan,
        origins: ArrayLike,
        window: Sequence[int] = WINDOW_OF_RECORD,
        progress: Progress | bool | None = None,
    ) -> FloatArray:
        """Return how likely each window of a volume holds tumour, by this classifier.

        Windows are cut from the array as given, scaled by `intensity_window` if there is one, and
        resized to `input_shape` by nearest neighbour (PyTorch's index rule).

        Parameters
        ----------
        volume : Volume, array_like, path, nibabel or SimpleITK image
            HU, indexed [x, y, z].
        origins : array_like of int, shape (N, 3)
            The windows' lowest corners in the volume's voxels; every window must lie inside.
        window : tuple of three ints
            The windows' extent along x, y, z in voxels.
        progress : callable or True, optional
            Called about every 20 ms with (work done, work planned); True draws a bar (the
            extra "progress").

        Returns
        -------
        ndarray of float32, shape (N,)
            softmax(logits)[1], in [0, 1]. Empty for no origins.

        Raises
        ------
        TypeError, ValueError
            A parameter is out of range; a window that is not inside is named.
        NonFiniteError
            A window holds NaN or infinity.

        Examples
        --------
        >>> classifier = spars.Classifier((108, 108, 108), seed=0)
        >>> scan = spars.phantom(seed=1, shape=(48, 48, 32)).volume
        >>> classifier.score(scan, [(0, 0, 0), (8, 8, 8)], (12, 12, 12)).shape
        (2,)
        """
        return window_scores((self,), volume, origins, window, progress)

    attributions = attributions
    explain = explain
    input_gradients = input_gradients
    save_onnx = save_onnx

    def save(self, path: PathLike, dtype: str = "float32") -> None:
        """Write the classifier under PyTorch's parameter names: safetensors, or a `.pth` file.

        `net.load_state_dict` takes what `safetensors.torch.load_file(path)` returns, or
        `torch.load(path, weights_only=True)`. The input shape, the intensity window, what `fit`
        reported and the version go with it: as safetensors' metadata, or in a member of the
        archive that PyTorch passes over. PyTorch is not needed. The file is replaced at once and
        only by a whole one. safetensors files carry the SHA-256 of their content, which `load`
        compares.

        Parameters
        ----------
        path : str or path-like
            Where; an existing file is replaced. `.pth` and `.pt` become a PyTorch `state_dict`,
            everything else safetensors; an ending of another format is refused.
        dtype : {"float32", "float16"}
            What parameters are written as. "float16" rounds them to 11 bits and halves the file;
            safetensors alone.

        Raises
        ------
        ValueError
            "float16" with `.pth` or `.pt`, or for a parameter that it does not hold; or the path's
            ending is that of another format.
        OSError
            It cannot be written.
        """
        files.write((self,), path, dtype)

    @classmethod
    def load(cls, path: PathLike, input_shape: Sequence[int] | None = None) -> Self:
        """Return the classifier in a safetensors file or a PyTorch `state_dict` (`.pth`).

        PyTorch is not needed, and nothing in the file is ever run: pickles are read by a reader
        that knows tensors and nothing else. A "module." before the names is dropped. Checkpoints
        that hold the parameters under `state_dict` or `model_state_dict`, and files from before
        PyTorch 1.6, are read too.

        Parameters
        ----------
        path : str or path-like
            Which of the two formats it is in, its first bytes say.
        input_shape : tuple of three ints, optional
            The network's input. None takes the file's, or (256, 256, 180) where it names none.

        Returns
        -------
        Classifier
            With the file's intensity window; None where it names none, as in PyTorch's own files.

        Raises
        ------
        OSError
            The file cannot be read.
        FormatError
            It is broken, truncated, changed, contradicts itself, holds anything but this network's
            tensors, or those of several networks (`spars.load_classifier` takes either), or asks to
            run something; the message names the field.
        """
        found = files.read(path, input_shape, cls)
        if len(found) > 1:
            raise FormatError(
                f"{path} must hold one classifier. Got an ensemble of {len(found)}: "
                "spars.Ensemble.load reads it."
            )
        return found[0]

    def fit(
        self,
        dataset: Iterable[Case] | Windows,
        validation: Iterable[Case] | Windows | None = None,
        **options: Any,
    ) -> History:
        history = fit(self, dataset, validation, **options)
        self._training = history.to_dict()
        return history

    def __repr__(self) -> str:
        return f"<spars.Classifier for {self.input_shape}, {self.intensity_window}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what the network takes, and what it learned on."""
        seen, recipe = self.intensity_window, self.recipe
        trained = [tensor for tensor in layout(self.input_shape) if tensor.is_trained]
        rows = [
            ("input", triple(self.input_shape)),
            ("parameters", f"{value_count(trained):,}"),
            ("sees", None if seen is None else f"level {seen.level:g}, width {seen.width:g} HU"),
            ("window", None if recipe is None else triple(recipe.window)),
            (
                "voxels",
                None if recipe is None or recipe.spacing is None else f"{recipe.spacing:g} mm",
            ),
        ]
        return card("Classifier", rows)

    def _batch(
        self, x: ArrayLike, owner: str, *, finite: bool = True, name: str = "x"
    ) -> FloatArray:
        shape = self.input_shape
        x = np.asarray(x)
        if x.ndim == 3:
            x = x[np.newaxis]
        return check_array(x, name, owner, np.float32, (None, *shape), finite=finite)


# Told of as the function is, settings and all.
functools.update_wrapper(Classifier.fit, fit)


def _checked_window(window: object) -> IntensityWindow | None:
    if window is None:
        return None
    if not isinstance(window, IntensityWindow):
        raise TypeError(
            sentence("intensity_window", "Classifier", "an IntensityWindow or None", window)
        )
    return window


def _is_counter(name: str) -> bool:
    return name in {f"bn{i}.num_batches_tracked" for i in range(1, 5)}
