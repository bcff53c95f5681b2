"""A plain NumPy twin of self-play under the published protocol.

Written from the released code's rules: walks, scores, bytes, the live opponent, resets, advantages
and PPO's update in float64.

It follows a run of one game from its seed and draws every random number that the core draws. Each
iteration begins with the parameters that the core had, so that rounding does not add up.
"""

import numpy as np
from policy_twin import MOVES, advantages_of, log_softmax, outputs
from random_source import RandomSource

EVERY = np.ones((1, 6), bool)
NETS = (("policy_net", "action_net"), ("value_net", "value_net"))


def resized(crop, window):
    """Return a crop enlarged by nearest neighbour with PyTorch's rule for indices."""
    for axis, (few, many) in enumerate(zip(crop.shape, window, strict=True)):
        scale = np.float32(few) / np.float32(many)
        crop = crop.take((np.arange(many, dtype=np.float32) * scale).astype(int), axis)
    return crop


class PublishedTwin:
    """Plays the iterations of `run`, a `spars.Run` with its configuration, on `volume`.

    Parameters
    ----------
    run : Run
        Its configuration is followed and its snapshots, one after every iteration, are where
        iterations begin.
    initial : dict of str to array
        The learner's parameters before the first iteration.
    volume : ndarray of float32
        Indexed as if it had the grid's shape.
    score : callable
        Of crops (N, x, y, z).
    multiplicity : int array
        How many inputs of the released policy each voxel of the window became.
    """

    def __init__(self, run, initial, volume, score, multiplicity):
        self.c = run.configuration
        self.grid, self.window = np.array(self.c["grid"]), np.array(self.c["window"])
        self.starts = [initial, *(snapshot.parameters for snapshot in run.snapshots)]
        self.volume, self.score, self.multiplicity = volume, score, multiplicity
        self.random = RandomSource(self.c["seed"]).stream(1)
        self.steps = 0
        self.is_live = False
        self.map = np.zeros(self.grid, np.float32)
        self.moments = {name: (0.0, 0.0) for name in initial}
        self.adam_steps = 0

    # -- The released environment

    def crop(self, cursor):
        start = np.clip(cursor, 1, self.grid - self.window - 1)
        return self.volume[tuple(slice(a, a + n) for a, n in zip(start, self.window, strict=True))]

    def reset(self):
        self.cursors = [self.grid // 2, self.grid // 2]
        self.map[:] = 0

    def move(self, actions):
        """Return scores, reward and whether the episode ended; the map gets the other's score."""
        self.cursors = [
            cursor + self.c["stride"] * MOVES[action]
            for cursor, action in zip(self.cursors, actions, strict=True)
        ]
        own, other = (np.float32(self.score(self.crop(at)[None])[0]) for at in self.cursors)
        self.map[
            tuple(slice(a, a + n) for a, n in zip(self.cursors[0], self.window, strict=True))
        ] += other
        ends = max(own, other) > self.c["termination_threshold"]
        return (own, other), 1.0 if own >= other else -1.0, bool(ends)

    # -- The agents

    def seen_by_learner(self, cursor):
        """Return the crop as the rollout kept it: bytes as x86 casts them, divided by 255."""
        crop = resized(self.crop(cursor), self.window)
        return (np.trunc(crop).astype(np.int64) % 256 / 255).reshape(-1)

    def seen_by_opponent(self, cursor):
        return (resized(self.crop(cursor), self.window).astype(np.float64) / 255).reshape(-1)

    def opponent(self, learner):
        """Return who plays the opponent: one model plays both, as it is at this moment."""
        return learner

    def answer(self, parameters, seen):
        """Return an action drawn from the policy, and its log probability."""
        logs = log_softmax(outputs(parameters, seen[None], None)[0], EVERY)[0]
        action = int(np.argmax(self.random.uniform() < np.cumsum(np.exp(logs))))
        return action, logs[action]

    def value(self, parameters, seen):
        return outputs(parameters, seen[None], None)[1][0]

    # -- An iteration

    def iterate(self, iteration):
        """Play and learn; return what the run's record of the iteration must say."""
        learner = {k: v.astype(np.float64) for k, v in self.starts[iteration].items()}
        self.reset()
        is_start = True
        played = {name: [] for name in ("actions", "windows", "step_scores", "ends", "rewards")}
        kept = {name: [] for name in ("obs", "values", "log_probs", "starts")}
        for _ in range(self.c["n_steps"]):
            # The callback that hands the model over to the environment comes before the step.
            interval = self.c["opponent_update_interval"]
            self.is_live |= self.steps > 0 and self.steps % interval == 0
            seen = self.seen_by_learner(self.cursors[0])
            action, log_prob = self.answer(learner, seen)
            answer = 0
            if self.is_live:
                player = self.opponent(learner)
                answer, _ = self.answer(player, self.seen_by_opponent(self.cursors[1]))
            kept["obs"].append(seen)
            kept["values"].append(self.value(learner, seen))
            kept["log_probs"].append(log_prob)
            kept["starts"].append(is_start)
            scores, reward, is_start = self.move((action, answer))
            played["actions"].append((action, answer))
            played["windows"].append(np.array(self.cursors))
            played["step_scores"].append(scores)
            played["ends"].append(int(is_start))
            played["rewards"].append(reward)
            self.steps += 1
            if is_start:
                self.reset()
        last = self.value(learner, self.seen_by_learner(self.cursors[0]))
        played = {name: np.array(values) for name, values in played.items()}
        kept = {name: np.array(values) for name, values in kept.items()}
        played["score_map"] = self.map.copy()
        advantages = self.advantages(played["rewards"], kept, last, is_start)
        played["parameters"], played["log"] = self.update(
            learner, kept, played["actions"][:, 0], advantages
        )
        return played

    def advantages(self, rewards, kept, last, is_start):
        values = np.append(kept["values"], last)
        return advantages_of(rewards, values, np.append(kept["starts"], is_start), self.c)

    # -- PPO's update

    def update(self, parameters, kept, actions, advantages):
        """Return the parameters after every epoch's minibatches, and the log's means."""
        returns = advantages + kept["values"]
        logs = []
        count, size = len(actions), self.c["batch_size"]
        for order in [self.random.permutation(count) for _ in range(self.c["n_epochs"])]:
            for first in range(0, count, size):
                rows = np.array(order[first : first + size])
                gradient, log = self.gradient(
                    parameters, kept["obs"][rows], actions[rows], kept["log_probs"][rows],
                    advantages[rows], returns[rows],
                )  # fmt: skip
                parameters = self.adam(parameters, gradient)
                logs.append(log)
        log = {name: np.mean([entry[name] for entry in logs]) for name in logs[0]}
        log["train/loss"] = logs[-1]["train/loss"]
        log["train/explained_variance"] = 1 - np.var(advantages) / np.var(returns)
        return parameters, log

    def gradient(self, parameters, obs, actions, log_probs, advantages, returns):
        """Return the gradient of PPO's loss on a minibatch by name, and the loss's parts."""
        rows, clip = np.arange(len(actions)), self.c["clip_range"]
        logits, values = outputs(parameters, obs, None)
        logs = log_softmax(logits, np.ones_like(logits, bool))
        a = (advantages - advantages.mean()) / (advantages.std(ddof=1) + 1e-8)
        moved = logs[rows, actions] - log_probs
        ratio = np.exp(moved)
        clipped = np.clip(ratio, 1 - clip, 1 + clip)
        policy = -np.minimum(a * ratio, a * clipped).mean()
        value = ((values - returns) ** 2).mean()
        # Where the clipped term is the smaller one it is a constant.
        moves = (a * ratio <= a * clipped) | (ratio == clipped)
        toward = -np.where(moves, a * ratio, 0) / len(rows)
        logit_gradient = toward[:, None] * (np.eye(6)[actions] - np.exp(logs))
        value_gradient = self.c["vf_coef"] * 2 * (values - returns)[:, None] / len(rows)
        gradient = {}
        for (net, head), upper in zip(NETS, (logit_gradient, value_gradient), strict=True):
            gradient |= backward(parameters, obs, f"mlp_extractor.{net}", head, upper)
        return gradient, {
            "train/loss": policy + self.c["vf_coef"] * value,
            "train/policy_gradient_loss": policy,
            "train/value_loss": value,
            "train/entropy_loss": (np.exp(logs) * logs).sum(axis=1).mean(),
            "train/clip_fraction": np.mean(np.abs(ratio - 1) > clip),
        }

    def adam(self, parameters, gradient):
        """Return the parameters after a step on gradients of clipped norm.

        Every weight of a collapsed column stands for as many equal ones of the released policy.
        """
        times = {name: 1.0 for name in gradient}
        for net, _ in NETS:
            times[f"mlp_extractor.{net}.0.weight"] = self.multiplicity.astype(float)
        norm = np.sqrt(sum((times[name] * g**2).sum() for name, g in gradient.items()))
        scale = min(self.c["max_grad_norm"] / (norm + 1e-6), 1.0)
        self.adam_steps += 1
        moved = {}
        for name, g in gradient.items():
            mean, square = self.moments[name]
            mean = 0.9 * mean + 0.1 * scale * g
            square = 0.999 * square + 0.001 * (scale * g) ** 2
            self.moments[name] = mean, square
            corrected = mean / (1 - 0.9**self.adam_steps)
            spread = np.sqrt(square / (1 - 0.999**self.adam_steps)) + 1e-5
            rate = self.c["learning_rate"] * times[name]
            moved[name] = parameters[name] - rate * corrected / spread
        return moved


def backward(parameters, obs, net, head, upper):
    """Return the gradient of one net's parameters, where `upper` is its outputs' (B, n)."""
    inputs = [obs]
    for i in (0, 2):
        weights, bias = parameters[f"{net}.{i}.weight"], parameters[f"{net}.{i}.bias"]
        inputs.append(np.tanh(inputs[-1] @ weights.T + bias))
    gradient = {}
    for name, below in zip((head, f"{net}.2", f"{net}.0"), reversed(inputs), strict=True):
        gradient[f"{name}.weight"] = upper.T @ below
        gradient[f"{name}.bias"] = upper.sum(axis=0)
        upper = (upper @ parameters[f"{name}.weight"]) * (1 - below**2)
    return gradient
