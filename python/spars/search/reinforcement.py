"""Agents' learning by PPO: alone, or against copies of themselves on the same scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._support.types import FloatArray
from spars.search.agent_settings import AgentSettings
from spars.search.agents import BATCH
from spars.search.choices import chances, slopes
from spars.search.features import FEATURES
from spars.search.known_scans import KnownScan, Searches
from spars.search.map_policy import MapPolicy, SmallNetwork
from spars.search.opponents import Opponents
from spars.search.regression import NOISE, gumbel
from spars.search.strategies import Numbers

__all__ = ["Reinforcement"]

#: At each turn a player chooses among the best by its logits, and others drawn.
_BEST, _OTHERS = 96, 32
# What the critic sees beside the mean features of the first windows of the list.
_SUMMARY = 6


@dataclass
class Turns:
    """What the learner saw and did in a round; (turns, searches, ...)."""

    features: FloatArray
    is_open: NDArray[np.bool_]
    chosen: Numbers
    chances: NDArray[np.float64]
    summaries: FloatArray
    rewards: FloatArray


class Reinforcement:
    """Plays searches of drawn scans side by side and reinforces what paid, by PPO.

    A decision is one window; a turn is sixteen of them on the same features, drawn one after the
    other without putting back, by a softmax of the policy's logits over a short list: the 96
    windows of the highest logits and 32 drawn ones. Alone, a decision's reward is the worth of the
    window asked for. Against an opponent, which moves after the learner on the windows that are
    left, it is that less the worth of what the opponent asks for in its answer; the last one's
    holds the end's too (`end_reward`).

    Parameters
    ----------
    scans : sequence of KnownScan
        Each search draws one.
    settings : AgentSettings
    """

    def __init__(self, scans: Sequence[KnownScan], settings: AgentSettings) -> None:
        self._scans = scans
        self._settings = settings
        self._rng = np.random.default_rng(settings.seed)
        self.policy = MapPolicy(settings.seed)
        if settings.initial_agents is not None:
            self.policy.copy_from(_as_logits(settings.initial_agents.policy.parameters))
        self._critic = SmallNetwork(len(FEATURES) + _SUMMARY, settings.seed)
        self._opponents = Opponents(settings.opponents, settings.opponent_power)
        self.returns: list[float] = []

    @property
    def rounds(self) -> int:
        """Rounds made."""
        return len(self.returns)

    @property
    def _plays_alone(self) -> bool:
        return self._settings.learn == "ppo"

    def play(self) -> None:
        """Make one more round: searches, then an update."""
        drawn = self._rng.integers(len(self._scans), size=self._settings.n_envs)
        searches = Searches([self._scans[number] for number in drawn])
        if self._plays_alone:
            turns = self._turns(searches, None)
        else:
            if self.rounds % self._settings.snapshot_interval == 0:
                self._opponents.add(self.policy.parameters)
            number = self._opponents.draw(self._rng)
            turns = self._turns(searches, MapPolicy.of(self._opponents.members[number]))
            margins = turns.rewards.sum(axis=(0, 2))
            self._opponents.record(number, (np.sign(margins) + 1) / 2)
        self._update(turns)
        self.returns.append(float(turns.rewards.sum(axis=(0, 2)).mean()))

    def _turns(self, searches: Searches, opponent: MapPolicy | None) -> Turns:
        """Play searches to the end of their budget and return the learner's part."""
        values = searches.features.values
        players = [self.policy] if opponent is None else [self.policy, opponent]
        logits = [player(values) for player in players]
        count = len(searches.windows)
        turns = self._settings.max_scores // BATCH
        won = np.zeros((2, count), np.float32)
        last = np.zeros((2, count), np.float32)
        seen: list[tuple[Any, ...]] = []
        rewards: list[FloatArray] = []
        who = 0 if opponent is None else int(self._rng.integers(2))
        for turn in range(turns):
            listed, is_open = self._short_list(searches, logits[who])
            features, chosen, chance = self._choose(searches, logits[who], listed, is_open)
            asked = np.take_along_axis(listed, chosen, axis=1)
            worths = searches.worth_of(asked)
            if who == 0:
                left = np.full(count, 1 - turn / turns)
                summary = np.stack([left, *np.log1p(won), *last], axis=1)
                ahead = features[:, :BATCH].mean(axis=1)
                summary = np.concatenate([ahead, summary], axis=1, dtype=np.float32)
                seen.append((features, is_open, chosen, chance, summary))
                rewards.append(worths)
            elif rewards:
                rewards[-1] = rewards[-1] - worths
            won[who] += worths.sum(axis=1)
            last[who] = worths.mean(axis=1)
            changed = searches.ask(asked.ravel())
            for player, numbers in zip(players, logits, strict=True):
                numbers[changed] = player(values.take(changed, axis=0))
            who = 0 if opponent is None else 1 - who
        if opponent is not None:
            rewards[-1][:, -1] += np.float32(self._settings.end_reward) * np.sign(won[0] - won[1])
        features, opens, picks, odds, summaries = (
            np.stack(each) for each in zip(*seen, strict=True)
        )
        return Turns(features, opens, picks, odds, summaries, np.stack(rewards))

    def _short_list(
        self, searches: Searches, logits: FloatArray
    ) -> tuple[Numbers, NDArray[np.bool_]]:
        """Return what a player may choose from, and what of it is there: (searches, 128)."""
        best = searches.best(logits, _BEST)
        none = len(searches.scores)
        # One of each of 32 equal parts of the windows, so that none comes twice.
        parts = (np.arange(_OTHERS) + self._rng.random((len(best), _OTHERS))) / _OTHERS
        others = searches.windows[:, :1] + (parts * searches.counts[:, None]).astype(np.int64)
        is_listed = np.zeros(none + 1, bool)
        is_listed[best] = True
        listed = np.concatenate([best, np.where(is_listed[others], none, others)], axis=1)
        return listed, searches.is_open[listed]

    def _choose(
        self, searches: Searches, logits: FloatArray, listed: Numbers, is_open: NDArray[np.bool_]
    ) -> tuple[FloatArray, Numbers, NDArray[np.float64]]:
        """Draw a turn's windows; return the list's features, what was drawn, and its chances."""
        there = np.minimum(listed, len(logits) - 1)
        values = np.where(is_open, logits[there], -np.inf).astype(np.float32)
        drawn = values + gumbel(self._rng, values.shape)
        chosen = np.argsort(-drawn, axis=1, kind="stable")[:, :BATCH]
        return searches.features.values.take(there, axis=0), chosen, chances(values, chosen)

    def _update(self, turns: Turns) -> None:
        """Pass several times over a round's turns, in minibatches, by the clipped loss."""
        s = self._settings
        looked = _decisions(turns.summaries)
        values = self._critic(looked.reshape(-1, looked.shape[-1])).reshape(looked.shape[:-1])
        advantages = _advantages(turns.rewards, values, s.gamma, s.gae_lambda)
        wanted = (advantages + values).astype(np.float32)
        flat = {
            "features": turns.features, "is_open": turns.is_open, "chosen": turns.chosen,
            "chances": turns.chances, "advantages": advantages.astype(np.float32),
            "looked": looked, "wanted": wanted,
        }  # fmt: skip
        flat = {name: part.reshape(-1, *part.shape[2:]) for name, part in flat.items()}
        size = s.batch_size // BATCH
        for _ in range(s.n_epochs):
            order = self._rng.permutation(len(flat["chosen"]))
            for first in range(0, len(order), size):
                drawn = order[first : first + size]
                self._step({name: all_.take(drawn, axis=0) for name, all_ in flat.items()})

    def _step(self, part: Mapping[str, NDArray[Any]]) -> None:
        """Move policy and critic once on a minibatch of turns."""
        s = self._settings
        rows = part["features"].reshape(-1, len(FEATURES))
        first, second, found = self.policy.forward(rows)
        logits = np.where(part["is_open"], found.reshape(part["is_open"].shape), -np.inf)
        logits = logits.astype(np.float32)
        advantages = part["advantages"]
        is_real = np.take_along_axis(part["is_open"], part["chosen"], axis=1)
        if s.normalize_advantage:
            middle, spread = advantages[is_real].mean(), advantages[is_real].std()
            advantages = (advantages - middle) / (spread + 1e-8)
        ratios = np.exp(chances(logits, part["chosen"]) - part["chances"])
        is_cut = np.where(advantages > 0, ratios > 1 + s.clip_range, ratios < 1 - s.clip_range)
        pulls = np.where(is_real & ~is_cut, ratios * advantages, 0) / max(is_real.sum(), 1)
        slope = -slopes(logits, part["chosen"], pulls).reshape(-1).astype(np.float32)
        gradients = self.policy.gradients(rows, first, second, slope)
        self.policy.update(gradients, s.learning_rate, s.max_grad_norm)
        looked = part["looked"].reshape(-1, part["looked"].shape[-1])
        self._critic.learn(looked, part["wanted"].reshape(-1), s.learning_rate, s.max_grad_norm)

    def record(self) -> dict[str, Any]:
        """Return what is told of the learning."""
        return {"returns": self.returns}

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return all it needs to go on to the bit: plain values, and arrays by name."""
        plain = {"rng": self._rng.bit_generator.state, "returns": self.returns}
        told, arrays = self._opponents.state()
        networks = self.policy.state("policy") | self._critic.state("critic")
        return plain | {"opponents": told}, arrays | networks

    def restore(self, plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` returned."""
        self._rng.bit_generator.state = plain["rng"]
        self.returns = [float(value) for value in plain["returns"]]
        self._opponents.restore(plain["opponents"], arrays)
        self.policy.restore("policy", arrays)
        self._critic.restore("critic", arrays)


def _as_logits(parameters: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return a policy of worths as one of logits: choosing by them is choosing with its noise."""
    scale = np.float32(1 / NOISE)
    return {
        name: scale * values if name.startswith("last") else values.copy()
        for name, values in parameters.items()
    }


def _decisions(summaries: FloatArray) -> FloatArray:
    """Return what the critic sees of each decision of a turn: (..., 16, features)."""
    shape = (*summaries.shape[:-1], BATCH, 1)
    number = np.broadcast_to(np.arange(BATCH, dtype=np.float32)[:, None] / BATCH, shape)
    repeated = np.broadcast_to(summaries[..., None, :], (*shape[:-1], summaries.shape[-1]))
    return np.concatenate([repeated, number], axis=-1)


def _advantages(
    rewards: FloatArray, values: FloatArray, gamma: float, gae_lambda: float
) -> NDArray[np.float64]:
    """Return the generalized advantages of decisions (turns, searches, 16) of whole searches."""
    turns, searches, size = rewards.shape
    ahead: NDArray[np.floating] = np.zeros(searches)
    trace: NDArray[np.floating] = np.zeros(searches)
    found = np.empty(rewards.shape)
    for turn in reversed(range(turns)):
        for number in reversed(range(size)):
            value = values[turn, :, number]
            trace = rewards[turn, :, number] + gamma * ahead - value + gamma * gae_lambda * trace
            found[turn, :, number], ahead = trace, value
    return found
