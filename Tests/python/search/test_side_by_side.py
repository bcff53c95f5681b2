"""Games side by side that each draw their opponent, and whose resets clear what is their own."""

import noise_game
import numpy as np
import policy_twin as twin
import pytest
from noise_game import WINDOW, noise, same, score
from random_source import RandomSource

import spars
from spars.search.selfplay import Run

SAMPLINGS = ("vanilla", "fictitious", "prioritised", "gaussian")


@pytest.fixture(scope="module")
def volume():
    return noise()


def play(volume, iterations=4, **options):
    return noise_game.play(volume, iterations, **({"n_envs": 3} | options))


class Pool:
    """Draws and tallies written out plainly."""

    def __init__(self, sampling, state):
        self.sampling = sampling
        self.games, self.wins = state["pool_games"].copy(), state["pool_wins"].copy()
        self.drawn = state["pool_drawn"].tolist()

    def draw(self, source, game):
        count = len(self.games)
        if self.sampling == "vanilla":
            self.drawn[game] = count - 1
        elif self.sampling == "gaussian":
            place = np.floor(count / 2 + source.normal() * count / 4)
            self.drawn[game] = int(np.clip(place, 0, count - 1))
        else:
            rates = np.where(self.games > 0, self.wins / np.maximum(self.games, 1e-9), 0.5)
            weights = np.ones(count) if self.sampling == "fictitious" else (1 - rates) ** 2
            shares = np.cumsum(weights / weights.sum())
            self.drawn[game] = int(np.argmax(source.uniform() < shares))

    def record(self, game, reward):
        member = self.drawn[game]
        self.games[member] = self.games[member] * 0.99 + 1
        self.wins[member] = self.wins[member] * 0.99 + (np.sign(reward) + 1) / 2


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_every_game_meets_its_own_opponent_as_in_the_plain_twin(volume, sampling):
    run = play(volume, opponents=sampling, policy="LocalPolicy")
    state = run._live_run.state()
    source = RandomSource(0)
    source.state = [int(word) for word in state["counters"][2:6].view(np.uint64)]
    pool, rewards = Pool(sampling, state), state["pool_reward"].copy()
    run.resume(1)
    members = [
        {name: values.astype(np.float64) for name, values in snapshot.parameters.items()}
        for snapshot in run.snapshots[:5]
    ]
    start = (np.array(volume.shape) - WINDOW) // 2 // 4 * 4
    places = np.where(run.ends[3, -1][:, None, None] > 0, start, run.windows[3, -1])

    def answer(member, place):
        seen = twin.observation(run, volume, score, place)
        logits = twin.outputs(members[member], seen[None], WINDOW)[0]
        chances = np.exp(twin.log_softmax(logits, np.ones((1, 6), bool)))[0]
        return int(np.argmax(source.uniform() < np.cumsum(chances)))

    met = set()
    for step in range(12):
        for game in range(3):
            met.add((game, pool.drawn[game]))
            got = [answer(m, p) for m, p in zip((4, pool.drawn[game]), places[game], strict=True)]
            assert got == run.actions[4, step, game].tolist(), (step, game)
        places = run.windows[4, step].astype(np.int64)
        for game in range(3):
            first, second = run.step_scores[4, step, game]
            rewards[game] += np.sign(first - second)
            if run.ends[4, step, game]:
                pool.record(game, rewards[game])
                rewards[game] = 0
                pool.draw(source, game)
                places[game] = start
    after = run._live_run.state()
    assert after["pool_drawn"].tolist() == pool.drawn
    np.testing.assert_array_equal(after["pool_reward"], rewards)
    np.testing.assert_allclose(after["pool_games"][:5], pool.games, atol=1e-12)
    np.testing.assert_allclose(after["pool_wins"][:5], pool.wins, atol=1e-12)
    if sampling != "vanilla":
        assert len({member for _, member in met}) > 1


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("experience", ["learner", "both"])
def test_a_pool_of_several_games_goes_on_and_replays_to_the_bit(
    volume, sampling, experience, tmp_path
):
    options = {"opponents": sampling, "experience": experience}
    whole = play(volume, 5, **options)
    play(volume, 3, **options).save(tmp_path / "run.npz")
    loaded = Run.load(tmp_path / "run.npz", volume, score).resume(2)
    same(loaded, whole)
    for name, values in whole.opponents.items():
        np.testing.assert_array_equal(loaded.opponents[name], values)
    np.testing.assert_array_equal(whole.replay(3).windows, whole.windows[3])


@pytest.mark.parametrize(
    "options",
    [
        {"opponents": "prioritised", "policy": "MlpPolicy"},
        {"protocol": "published", "max_episode_steps": 9},
        {"map_read": "after_reset", "opponents": "fictitious", "policy": "CnnPolicy"},
    ],
    ids=str,
)
def test_the_same_bits_for_any_thread_count(volume, options):
    before = spars.thread_count()
    try:
        spars.set_thread_count(1)
        expected = play(volume, **options)
        for threads in (2, 3):
            spars.set_thread_count(threads)
            same(play(volume, **options), expected)
    finally:
        spars.set_thread_count(before)


def test_a_file_with_a_pool_of_one_game_in_the_former_form_is_read(volume, tmp_path):
    options = {"opponents": "fictitious", "n_envs": 1}
    play(volume, 2, **options).save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz") as archive:
        arrays = dict(archive)
    for name in ("state.pool_drawn", "state.pool_reward"):
        arrays[name] = arrays[name][0]
    np.savez(tmp_path / "former.npz", **arrays)
    same(Run.load(tmp_path / "former.npz", volume, score).resume(2), play(volume, 4, **options))


@pytest.mark.parametrize("name", ["pool_drawn", "pool_reward"])
def test_a_pool_of_another_number_of_games_is_refused(volume, tmp_path, name):
    play(volume, 2, opponents="vanilla").save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz") as archive:
        arrays = dict(archive)
    arrays[f"state.{name}"] = arrays[f"state.{name}"][:2]
    np.savez(tmp_path / "broken.npz", **arrays)
    with pytest.raises(spars.FormatError, match="not a run"):
        Run.load(tmp_path / "broken.npz", volume, score)


def kept_map(run):
    """Return what each game has added since its own last reset, in the order of steps."""
    c = run.configuration
    steps, games = run.ends.shape[0] * c["n_steps"], c["n_envs"]
    ends = run.ends.reshape(steps, games)
    resets = np.arange(0, steps, c["n_steps"]) if c["protocol"]["reset_each_iteration"] else [0]
    first = [max([*(np.flatnonzero(ends[:, g]) + 1), *resets]) for g in range(games)]
    total = np.zeros(c["grid"], np.float32)
    windows = run.windows.reshape(steps, games, 2, 3)
    scores = run.step_scores.reshape(steps, games, 2)
    for step in range(steps):
        for game in range(games):
            if step < first[game]:
                continue
            for agent in (0, 1):
                low = windows[step, game, agent]
                box = tuple(slice(a, a + n) for a, n in zip(low, c["window"], strict=True))
                total[box] += scores[step, game, agent]
    return total


@pytest.mark.parametrize(
    "switches", [{}, {"reset_each_iteration": True}, {"max_episode_steps": 500}], ids=str
)
def test_a_reset_clears_what_its_own_game_has_added(volume, switches, tmp_path):
    reference = (volume > 0.5).astype(np.uint8)
    options = {"map_read": "after_reset", "accumulation": "sum"} | switches
    options |= {"reference": reference, "segmentation_threshold": 0.4}
    run = play(volume, **options)
    expected = kept_map(run)
    np.testing.assert_array_equal(run.score_map, expected)
    assert expected.any()
    mask = expected > np.float32(0.4)
    plain = 2 * (mask & (reference == 1)).sum() / (mask.sum() + reference.sum())
    assert run.dice[-1] == pytest.approx(plain, abs=1e-12)
    play(volume, 2, **options).save(tmp_path / "run.npz")
    same(Run.load(tmp_path / "run.npz", volume, score, reference).resume(2), run)


def test_what_raised_a_voxel_leaves_out_what_was_cleared(volume):
    found = spars.segment(
        volume, score, iterations=4, window=WINDOW, grid=volume.shape, n_envs=3, n_steps=12,
        termination_threshold=0.95, max_episode_steps=7, map_read="after_reset",
        accumulation="sum", seed=3,
    )  # fmt: skip
    voxel = np.unravel_index(found.run.score_map.argmax(), found.run.score_map.shape)
    reasons = found.why(*(int(v) for v in voxel))
    total = np.float32(0)
    for reason in reasons:
        total += np.float32(reason.score)
    assert total == found.run.score_map[voxel] > 0
