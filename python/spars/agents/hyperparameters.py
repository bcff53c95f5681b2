"""PPO's hyperparameters: what each may be, for settings and for an update alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from spars._support.checks import check_bool, check_integer, shown
from spars._support.kinds import Kind, boolean, integer, number, optional

EPOCH_LIMIT = 10_000
_ABOVE_ZERO = number(0.0, open_low=True)


def _check_flag(value: Any, name: str, owner: str) -> bool:
    return bool(value) if isinstance(value, np.bool_) else check_bool(value, name, owner)


#: As they are used in an update, where rates are numbers.
HYPERPARAMETERS = {
    "learning_rate": number(0.0),
    "n_epochs": integer(1, EPOCH_LIMIT),
    "batch_size": integer(1, 1 << 31),
    "clip_range": _ABOVE_ZERO,
    "clip_range_vf": optional(_ABOVE_ZERO),
    # NumPy's own is one too: it comes out of comparisons.
    "normalize_advantage": Kind("bool", _check_flag, boolean().option),
    "ent_coef": number(),
    "vf_coef": number(),
    "max_grad_norm": _ABOVE_ZERO,
    "target_kl": optional(_ABOVE_ZERO),
    "adam_eps": _ABOVE_ZERO,
}


def checked_hyperparameters(owner: str, **given: Any) -> dict[str, Any]:
    """Return the hyperparameters of an update by name, each checked."""
    return {name: kind.check(given[name], name, owner) for name, kind in HYPERPARAMETERS.items()}


def hidden_widths(net_arch: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the hidden widths of both networks."""
    if net_arch is None:
        return (64, 64), (64, 64)
    if isinstance(net_arch, (list, tuple)):
        net_arch = {"pi": net_arch, "vf": net_arch}
    if not isinstance(net_arch, dict) or set(net_arch) != {"pi", "vf"}:
        raise TypeError(
            "The 'net_arch' parameter of PPO must be a list of widths or a dict of 'pi' and 'vf'. "
            f"Got {shown(net_arch)} instead."
        )
    policy, value = (
        tuple(check_integer(width, "net_arch", "PPO", 1, 1 << 16) for width in net_arch[net])
        for net in ("pi", "vf")
    )
    return policy, value
