"""Runs of the exhaustion game for tests, and the same played by the twin of its rule."""

import numpy as np
from noise_game import WINDOW
from rules_twin import play_by_twin

import spars
from spars.game.exhaustion import ANSWER_COUNT, ExhaustionRule
from spars.search.selfplay import self_play

POLICIES = ("MlpPolicy", "CnnPolicy", "LocalPolicy")
SHAPE = (25, 22, 20)
AGENTS = ("learner", "opponent")
RULE = ExhaustionRule(final_factor=10.0, early_penalty=3.0, min_steps=3, repeat_penalty=0.5)


def score(crops):
    """Score a window by its mean, in few steps, so that ties occur."""
    mean = crops.reshape(len(crops), -1).mean(axis=1)
    return (np.round(8 / (1 + np.exp(-20 * mean))) / 8).astype(np.float32)


class Plain:
    """The scorer, seeing windows as they are: the twin knows no resized one."""

    input_shape = WINDOW

    def __call__(self, crops):
        return score(crops)


def play(volume, iterations=3, scorer=None, **options):
    options = {
        "window": WINDOW, "n_steps": 16, "seed": 3, "max_episode_steps": 9, "rule": RULE,
        "snapshot_interval": 1, "learning_rate": 0.01,
    } | options  # fmt: skip
    return self_play(
        volume, score if scorer is None else scorer, iterations=iterations, game="exhaustion",
        **options,
    )  # fmt: skip


def calm(run):
    """Let a run's agents call the end rarely: untrained ones do in half their answers."""
    state = run._live_run.state()
    first = 0
    for name, shape in run._live_run._shapes.items():
        if name == "action_net.bias":
            break
        first += int(np.prod(shape))
    for name in ("parameters", "opponent"):
        if len(state[name]):
            state[name][first + 6 : first + ANSWER_COUNT] = -3.0
    run._live_run.restore(state)
    return run


def environment(volume, run, observation="neighbours"):
    c = run.configuration
    rule = None if c["rule"] is None else ExhaustionRule(**c["rule"])
    return play_by_twin(
        spars.parallel_env(
            volume, score, window=tuple(c["window"]),
            protocol=spars.Protocol.from_dict(c["protocol"]), stride=c["stride"],
            game="exhaustion", rule=rule, observation=observation,
        )
    )  # fmt: skip


def by_game(run, name):
    """Return a record as (steps of the run, games, ...)."""
    values = getattr(run, name)
    games = run.configuration["n_envs"]
    return values.reshape(-1, games, *values.shape[2 if games == 1 else 3 :])


def followed(volume, run, observation="neighbours"):
    """Play a run's answers by the twin, a game after the other, and compare every step.

    Returns
    -------
    dict
        Of arrays (steps + 1, games, 2, ...): what each agent saw before each step and after the
        last, and its mask; (steps, games, 2) rewards; by step and game, what was seen behind a
        limit.
    """
    windows, scores, actions, ends = (
        by_game(run, name) for name in ("windows", "step_scores", "actions", "ends")
    )
    steps, games = ends.shape
    begins_anew = run.configuration["protocol"]["reset_each_iteration"]
    seen, masks, rewards, behind = [], [], np.zeros((steps, games, 2)), {}
    for game in range(games):
        env = environment(volume, run, observation)
        observations, infos = env.reset()
        seen.append([])
        masks.append([])
        for t in range(steps + 1):
            if begins_anew and 0 < t < steps and t % run.configuration["n_steps"] == 0:
                observations, infos = env.reset()
            seen[-1].append([observations[agent] for agent in AGENTS])
            masks[-1].append([infos[agent]["action_mask"] for agent in AGENTS])
            if t == steps:
                break
            answers = dict(zip(AGENTS, actions[t, game].tolist(), strict=True))
            shown = set(env.game.exhausted)
            observations, paid, terminations, truncations, infos = env.step(answers)
            places = [env.windows[agent] for agent in AGENTS]
            np.testing.assert_array_equal(windows[t, game], places)
            worth = [
                0.0 if place in shown else value
                for place, value in zip(places, scores[t, game].tolist(), strict=True)
            ]
            assert worth == list(env.scores.values()), (t, game)
            over = 1 if terminations["learner"] else 2 if truncations["learner"] else 0
            assert ends[t, game] == over, (t, game)
            rewards[t, game] = [paid[agent] for agent in AGENTS]
            if over:
                behind[t, game] = [observations[agent] for agent in AGENTS]
                observations, infos = env.reset()
    return {
        "seen": np.array(seen).swapaxes(0, 1),
        "masks": np.array(masks).swapaxes(0, 1),
        "rewards": rewards,
        "behind": behind,
    }
