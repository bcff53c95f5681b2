"""Hostile calls of the extension: each is an exception that names what is wrong, never a crash."""

import gc
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from spars._core import native

MASK = np.ones((2, 3, 4), np.uint8)


def measures(**changes):
    """What `metrics_surface` takes, with changes."""
    given = {
        "percentiles": np.array([95.0]),
        "tolerances": np.array([1.0]),
        "hausdorff": np.empty(1),
        "surface_dice": np.empty(1),
    }
    return given | changes


def surface(wanted, spacing=(1, 1, 1), progress=None):
    return native.metrics_surface(MASK, MASK, spacing, wanted, progress)


def configuration(**changes):
    """A game of 4 x 4 x 4 voxels, with changes of what it is played on or by."""
    protocol = {
        "credited_score": "own", "credited_agents": "both", "border": "inside",
        "opponent": "snapshot", "map_read": "before_reset", "observation_cast": "float32",
        "opponent_observation": "same", "accumulation": "mean", "tie_reward": "none",
        "border_crops": "full", "credited_extent": None,
    }  # fmt: skip
    game = {
        "grid": (4, 4, 4), "window": (2, 2, 2), "stride": 1, "termination_threshold": 0.5,
        "max_episode_steps": None,
    }  # fmt: skip
    switches = {name: changes.pop(name) for name in list(changes) if name in protocol}
    return game | {"protocol": protocol | switches} | changes


def field(**changes):
    volume = np.zeros((4, 4, 4), np.float32)
    return native.field_create(volume, configuration(**changes), np.zeros(0, np.int64), False)


@pytest.fixture
def game():
    on = field()
    handle = native.game_create(on, 2, False, "run")
    yield handle
    native.release(handle)
    native.release(on)


def outcomes(n=2, **changes):
    given = {
        "rewards": np.zeros(n, np.float32),
        "terminated": np.zeros(n, np.bool_),
        "truncated": np.zeros(n, np.bool_),
        "scores": np.zeros((n, 2), np.float32),
    }
    return given | changes


def quarter(_crops, count, *_extent):
    return np.full(count, 0.25, np.float32)


@pytest.mark.parametrize("arguments", [(), (MASK,), (MASK, MASK, MASK)])
def test_a_wrong_number_of_arguments_is_told_with_their_names(arguments):
    said = rf"metrics_overlap\(prediction, reference\) takes 2 arguments. Got {len(arguments)}"
    with pytest.raises(TypeError, match=said):
        native.metrics_overlap(*arguments)


@pytest.mark.parametrize(
    ("reference", "error", "said"),
    [
        (None, TypeError, "'reference' argument must be a C-contiguous uint8 buffer"),
        ("mask", TypeError, "'reference' argument must be a C-contiguous uint8 buffer"),
        (MASK.astype(np.int8), TypeError, "'reference' argument must hold uint8 elements"),
        (MASK.astype(">u2"), TypeError, "'reference' argument must hold uint8 elements"),
        (MASK.transpose(), TypeError, "'reference' argument must be a C-contiguous"),
        (MASK[:1], ValueError, "'reference' argument must hold 24 elements. Got 12"),
        (np.empty((0, 3, 4), np.uint8), ValueError, "must hold 24 elements. Got 0"),
    ],
)
def test_a_wrong_buffer_is_named(reference, error, said):
    with pytest.raises(error, match=said):
        native.metrics_overlap(MASK, reference)


def test_a_buffer_that_is_written_must_be_writable():
    labels = np.empty(MASK.shape, np.int32)
    labels.setflags(write=False)
    with pytest.raises(TypeError, match="'labels' argument must be a C-contiguous writable int32"):
        native.metrics_components(MASK, 26, labels, None)


def test_a_shape_comes_from_a_buffer_of_as_many_axes():
    with pytest.raises(ValueError, match="'prediction' argument must have 3 axes. Got 1"):
        native.metrics_overlap(MASK.ravel(), MASK)


@pytest.mark.parametrize(
    ("spacing", "error", "said"),
    [
        ((1, 1), ValueError, "'spacing' argument must hold 3 numbers. Got 2"),
        ((1, 1, "x"), TypeError, "'spacing' argument must be a number. Got <class 'str'>"),
        ("111", TypeError, "'spacing' argument must be a sequence of numbers"),
        (None, TypeError, "'spacing' argument must be a sequence of numbers"),
        ((1, 1, 10**400), OverflowError, "'spacing' argument must be a number that a float"),
        ((1, 1, np.nan), ValueError, "spacing"),
    ],
)
def test_wrong_sequences_are_named(spacing, error, said):
    with pytest.raises(error, match=said):
        surface(measures(), spacing)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("6", TypeError),
        (6.0, TypeError),
        (None, TypeError),
        (2**63, OverflowError),
        (7, ValueError),
    ],
)
def test_wrong_integers_are_named(value, error):
    with pytest.raises(error, match="'connectivity'"):
        native.metrics_components(MASK, value, np.empty(MASK.shape, np.int32), None)


@pytest.mark.parametrize(
    ("seed", "error"), [(-1, OverflowError), (2**64, OverflowError), (1.0, TypeError)]
)
def test_wrong_seeds_are_named(seed, error):
    with pytest.raises(error, match="'seed' argument must be an integer"):
        native.metrics_bootstrap(np.arange(3.0), 0.9, 1000, seed, None)


def test_integers_of_any_class_are_taken():
    one = native.metrics_bootstrap(np.arange(3.0), 0.9, np.int32(1000), np.uint64(2**63), None)
    assert one == native.metrics_bootstrap(np.arange(3.0), 0.9, 1000, 2**63, None)


@pytest.mark.parametrize("name", ["percentiles", "tolerances", "hausdorff", "surface_dice"])
def test_a_missing_field_is_named(name):
    without = measures()
    del without[name]
    for given in (without, SimpleNamespace(**without)):
        with pytest.raises(TypeError, match=f"'measures' argument must have '{name}'"):
            surface(given)
    with pytest.raises(TypeError, match=f"'{name}' argument must be"):
        surface(measures(**{name: None}))


def test_fields_are_read_from_attributes_and_from_dicts():
    given = measures()
    assert surface(given) == surface(SimpleNamespace(**given)) == 0.0


def test_what_an_attribute_raises_passes_through():
    class Raising:
        percentiles = np.array([95.0])

        @property
        def tolerances(self):
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        surface(Raising())


def test_what_an_index_raises_passes_through():
    class Raising:
        def __index__(self):
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        native.metrics_components(MASK, Raising(), np.empty(MASK.shape, np.int32), None)


def test_failed_calls_give_every_buffer_and_object_back():
    held = bytearray(8)
    wanted = measures(
        percentiles=memoryview(held).cast("d"), surface_dice=np.empty(5), hausdorff=np.empty(1)
    )
    gc.collect()
    before = sys.getrefcount(wanted["hausdorff"])
    for _ in range(50):
        with pytest.raises(ValueError, match="'surface_dice' argument must hold 1 elements"):
            surface(wanted)
    after = sys.getrefcount(wanted["hausdorff"])
    assert after == before
    wanted["percentiles"].release()
    # A borrowed buffer would not let it grow.
    held.extend(b"more")


def test_a_buffer_cannot_go_away_during_a_call():
    held = bytearray(np.full(1, 95.0).tobytes())
    refused = []

    def progress(_done, _planned):
        try:
            held.clear()
        except BufferError:
            refused.append(True)

    large = np.zeros((96, 96, 96), np.uint8)
    large[20:70, 20:70, 20:70] = 1
    view = memoryview(held).cast("d")
    native.metrics_surface(large, large, (1, 1, 1), measures(percentiles=view), progress)
    assert len(held) == 8
    assert all(refused)


@pytest.mark.parametrize("progress", [3, "bar", ()])
def test_progress_that_cannot_be_called_is_told(progress):
    with pytest.raises(TypeError, match="'progress' argument must be callable or None"):
        surface(measures(), progress=progress)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"border": "outside"}, ValueError, "'border' argument must be 'inside' or 'clamped_crop'"),
        ({"border": "in\0side"}, ValueError, "'border' argument must be"),
        ({"border": "\udcff"}, ValueError, "'border' argument must be"),
        ({"border": 0}, TypeError, "'border' argument must be a str. Got <class 'int'>"),
        (
            {"accumulation": "median"},
            ValueError,
            "'accumulation' argument must be 'sum', 'mean' or 'max'. Got 'median'",
        ),
        ({"grid": (2**62, 2**62, 2**62)}, ValueError, "grid"),
        ({"grid": (4, 4)}, ValueError, "'grid' argument must hold 3 numbers"),
        ({"protocol": None}, TypeError, "'protocol' argument must have 'credited_score'"),
        ({"max_episode_steps": -1}, ValueError, "max_episode_steps"),
        ({"stride": 2**70}, OverflowError, "'stride' argument must be an integer of 64 bits"),
    ],
)
def test_wrong_configurations_are_named(changes, error, said):
    with pytest.raises(error, match=said):
        field(**changes)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"rewards": np.zeros(2)}, TypeError, "'rewards' argument must hold float32"),
        ({"rewards": np.zeros(3, np.float32)}, ValueError, "'terminated' argument must hold 3"),
        ({"scores": np.zeros(3, np.float32)}, ValueError, "'scores' argument must hold 4"),
        ({"truncated": b"\0\0"}, TypeError, "'truncated' argument must be a C-contiguous writable"),
    ],
)
def test_wrong_outcomes_are_named(game, changes, error, said):
    actions = np.zeros(2, np.int8)
    with pytest.raises(error, match=said):
        native.game_step(game, actions, actions, outcomes(**changes), quarter)


def test_actions_are_as_many_as_games(game):
    actions = np.zeros(3, np.int8)
    with pytest.raises(ValueError, match="'learner' argument must hold 2 elements. Got 3"):
        native.game_step(game, actions, actions, outcomes(), quarter)
    with pytest.raises(ValueError, match="count"):
        native.game_step(game, actions, actions, outcomes(3), quarter)


@pytest.mark.parametrize(
    ("scorer", "error", "said"),
    [
        (3, TypeError, "'scorer' argument must be callable or None"),
        (lambda *_: None, TypeError, "'scores' argument must be a C-contiguous float32"),
        (lambda *_: np.zeros(9, np.float32), ValueError, "'scores' argument must hold"),
        (lambda *_: 1 / 0, ZeroDivisionError, "division by zero"),
    ],
)
def test_scorers_that_fail_are_told(game, scorer, error, said):
    actions = np.zeros(2, np.int8)
    with pytest.raises(error, match=said):
        native.game_step(game, actions, actions, outcomes(), scorer)


@pytest.mark.parametrize("handle", [0, 2**63, 2**64 - 1])
def test_stale_handles_are_told(handle):
    with pytest.raises(RuntimeError):
        native.field_counts(handle)
    native.release(handle)


def test_a_handle_of_another_kind_is_told(game):
    with pytest.raises(RuntimeError):
        native.field_counts(game)


@pytest.mark.parametrize("handle", [-1, 2**64, None, "1", 1.5])
def test_what_is_no_handle_is_told(handle):
    with pytest.raises((TypeError, OverflowError), match="'field' argument must be an integer"):
        native.field_counts(handle)


def test_extents_whose_product_overflows_are_told():
    one = np.zeros(1)
    update = {
        "shape": {
            "inputs": 2**62, "actions": 2, "policy_hidden": (4,), "value_hidden": (4,),
        },
        "hyperparameters": {
            "learning_rate": 1e-3, "n_epochs": 2**62, "batch_size": 1, "clip_range": 0.2,
            "clip_range_vf": None, "normalize_advantage": True, "ent_coef": 0.0, "vf_coef": 0.5,
            "max_grad_norm": 0.5, "target_kl": None, "adam_eps": 1e-5,
        },
        "rollout": {
            "precision": "float64", "observations": np.zeros(16), "actions": np.zeros(8, np.int64),
            "values": np.zeros(8), "log_probs": np.zeros(8), "advantages": np.zeros(8),
            "returns": np.zeros(8),
        },
        "permutations": np.zeros(8, np.int64),
        "multiplicity": None,
        "parameters": one,
    }  # fmt: skip
    with pytest.raises(ValueError, match="extents of the 'permutations' argument must"):
        native.ppo_update(update, None)
    update["hyperparameters"]["n_epochs"] = -1
    with pytest.raises(ValueError, match="extents of the 'permutations' argument must"):
        native.ppo_update(update, None)


def test_a_precision_tells_which_elements_are_wanted():
    rollout = {
        "precision": "float64", "observations": np.zeros(16, np.float32),
        "actions": np.zeros(8, np.int64), "values": np.zeros(8), "log_probs": np.zeros(8),
        "advantages": np.zeros(8), "returns": np.zeros(8),
    }  # fmt: skip
    with pytest.raises(TypeError, match="'observations' argument must hold float64"):
        native.ppo_learn(0, hyperparameters(), rollout, None)
    with pytest.raises(ValueError, match="'precision' argument must be 'float32' or 'float64'"):
        native.ppo_learn(0, hyperparameters(), rollout | {"precision": "float16"}, None)


def hyperparameters():
    return {
        "learning_rate": 1e-3, "n_epochs": 1, "batch_size": 1, "clip_range": 0.2,
        "clip_range_vf": None, "normalize_advantage": True, "ent_coef": 0.0, "vf_coef": 0.5,
        "max_grad_norm": 0.5, "target_kl": None, "adam_eps": 1e-5,
    }  # fmt: skip


@pytest.mark.parametrize("widths", [(), (4,) * 9, (4,) * 1000, (0,), (-1,)])
def test_lists_of_widths_are_checked(widths):
    shape = {"inputs": 3, "actions": 2, "policy_hidden": widths, "value_hidden": (4,)}
    with pytest.raises(ValueError, match="net_arch|width|hidden|range"):
        native.ppo_create(shape, None, 1)


def test_an_optional_buffer_may_be_none_and_is_counted_otherwise():
    shape = {"inputs": 3, "actions": 2, "policy_hidden": (4,), "value_hidden": [4]}
    native.release(native.ppo_create(shape, None, 1))
    with pytest.raises(ValueError, match="'multiplicity' argument must hold 3 elements. Got 2"):
        native.ppo_create(shape, np.ones(2, np.int64), 1)
