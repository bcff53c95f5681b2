"""A league: its games against a plain twin, ratings against scipy, cycles, files."""

from itertools import combinations, permutations

import numpy as np
import pytest
from scipy.optimize import minimize

import spars
from spars import ratings
from spars.game.field import Field, Games
from spars.search.league import League

SHAPE = (24, 22, 16)
WINDOW = (6, 6, 4)
OPTIONS = {"window": WINDOW, "termination_threshold": 0.95, "max_episode_steps": 24, "stride": 2}


@pytest.fixture(scope="module")
def scan():
    x, y, z = np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij")
    inside = ((x - 15) ** 2 + (y - 9) ** 2 + (z - 8) ** 2) < 5**2
    noise = np.random.default_rng(5).normal(0, 5, SHAPE)
    return (np.where(inside, 80.0, 0.0) + noise).astype(np.float32)


def score(crops):
    mean = crops.reshape(len(crops), -1).mean(axis=1)
    return (1 / (1 + np.exp(-(mean - 30) / 10))).astype(np.float32)


def still(action):
    """A policy that always answers one action."""
    inputs = int(np.prod(WINDOW))
    shapes = spars.ppo.parameter_shapes(inputs, 6, (3,), (2,))
    parameters = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    parameters["action_net.bias"][action] = 60
    return parameters


def drawn(seed):
    rng = np.random.default_rng(seed)
    shapes = spars.ppo.parameter_shapes(int(np.prod(WINDOW)), 6, (8, 4), (5,))
    return {name: rng.normal(0, 0.5, shape) for name, shape in shapes.items()}


def league_of(scan, *players, **options):
    league = League(scan, score, **(OPTIONS | options))
    for index, parameters in enumerate(players):
        league.add(f"player {index}", parameters)
    return league


def test_games_of_certain_players_are_what_the_game_says(scan):
    league = league_of(scan, still(0), still(5), still(2)).play(4)
    field = Field(scan, score, WINDOW, "paper", 0.95, None, 2, {"max_episode_steps": 24}, "test")
    for (i, a), (j, b) in combinations(enumerate((0, 5, 2)), 2):
        games, total = Games(field, 1), 0.0
        while True:
            games.step(np.array([a], np.int8), np.array([b], np.int8))
            total += games.rewards[0]
            if games.terminated[0] or games.truncated[0]:
                break
        # Certain moves: four times the same game.
        assert (league.wins[i, j], league.ties[i, j]) == (4 * (total > 0), 4 * (total == 0))
    np.testing.assert_array_equal(league.games, 4 * (1 - np.eye(3)))
    np.testing.assert_array_equal(league.ties, league.ties.T)


def test_the_table_is_antisymmetric_and_the_diagonal_undefined(scan):
    league = league_of(scan, *(drawn(seed) for seed in range(4))).play(20)
    payoff = league.payoff
    assert np.isnan(np.diag(payoff)).all()
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose((payoff + payoff.T)[off], 1.0)
    assert (payoff[off] != 0.5).any()


def test_a_player_against_itself_wins_half_of_its_games(scan):
    league = league_of(scan, drawn(3), drawn(3)).play(400)
    # Five standard deviations of 400 fair coins.
    assert abs(league.payoff[0, 1] - 0.5) < 5 * 0.5 / 20


def test_games_go_on_to_the_bit_in_parts_after_saving_and_with_new_members(scan, tmp_path):
    players = [drawn(seed) for seed in range(4)]
    whole = league_of(scan, *players, seed=7).play(30)
    parts = league_of(scan, *players[:3], seed=7).play(8)
    parts.save(tmp_path / "league.npz")
    parts = League.load(tmp_path / "league.npz", scan, score).play(19)
    parts.add("player 3", players[3])
    parts.play(30)
    np.testing.assert_array_equal(parts.wins, whole.wins)
    np.testing.assert_array_equal(parts.ties, whole.ties)
    other = league_of(scan, *players, seed=8).play(30)
    assert not np.array_equal(other.wins, whole.wins)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_games_for_any_thread_count(scan, threads):
    players = [drawn(seed) for seed in range(3)]
    expected = league_of(scan, *players).play(10).wins
    before = spars.thread_count()
    try:
        spars.set_thread_count(threads)
        np.testing.assert_array_equal(league_of(scan, *players).play(10).wins, expected)
    finally:
        spars.set_thread_count(before)


def test_a_runs_league_holds_its_snapshots_and_the_learner(scan, tmp_path):
    run = spars.self_play(
        scan, score, iterations=5, snapshot_interval=2, opponents="fictitious", n_steps=16,
        learning_rate=0.01, **OPTIONS,
    )  # fmt: skip
    league = League.of(run).play(6)
    assert league.names == ["0", "2", "4", "5"]
    assert "4 members, 36 games" in repr(league)
    final = league._members[-1]["action_net.weight"]
    np.testing.assert_array_equal(final, run.parameters["action_net.weight"])
    run.save(tmp_path / "run.npz")
    again = League.of(spars.Run.load(tmp_path / "run.npz", scan, score)).play(6)
    np.testing.assert_array_equal(again.wins, league.wins)
    read = spars.Run.load(tmp_path / "run.npz")
    with pytest.raises(ValueError, match="'run' parameter of League.of"):
        League.of(read)
    assert league.add_run(read, prefix="read ").names[4:] == ["read 0", "read 2", "read 4"]


@pytest.mark.parametrize("policy", ["CnnPolicy", "LocalPolicy", "MlpPolicy"])
def test_every_policy_has_its_league(scan, tmp_path, policy):
    run = spars.self_play(
        scan, score, iterations=3, snapshot_interval=1, opponents="fictitious", n_steps=16,
        learning_rate=0.02, policy=policy, mask_actions=policy != "MlpPolicy", **OPTIONS,
    )  # fmt: skip
    league = League.of(run).play(12)
    assert league.configuration["policy"] == policy
    assert np.nanmin(league.payoff) < 0.5
    league.save(tmp_path / "league.npz")
    again = League.load(tmp_path / "league.npz", scan, score).play(20)
    np.testing.assert_array_equal(again.wins, League.of(run).play(20).wins)
    other = {"CnnPolicy": "LocalPolicy"}.get(policy, "CnnPolicy")
    with pytest.raises(ValueError, match="must have the league's policy"):
        League(scan, score, policy=other, **OPTIONS).add_run(run)
    with pytest.raises(ValueError, match="must have the league's mask_actions"):
        League(scan, score, policy=policy, mask_actions=policy == "MlpPolicy", **OPTIONS).add_run(
            run
        )


def test_local_players_need_windows_inside(scan):
    league = League(scan, score, policy="LocalPolicy", **(OPTIONS | {"border": "clamped_crop"}))
    rng = np.random.default_rng(0)
    shapes = spars.ppo.parameter_shapes(10, 6)
    with pytest.raises(ValueError, match="stay inside the grid"):
        league.add("one", {name: rng.normal(size=shape) for name, shape in shapes.items()})


def test_a_league_without_its_scan_can_be_read_only(scan, tmp_path):
    league = league_of(scan, drawn(1), drawn(2)).play(10)
    league.save(tmp_path / "league.npz")
    read = League.load(tmp_path / "league.npz")
    assert read.names == league.names
    assert read.configuration == league.configuration
    np.testing.assert_array_equal(read.payoff, league.payoff)
    np.testing.assert_array_equal(read.ratings().elo, league.ratings().elo)
    with pytest.raises(ValueError, match="can be read, not played on"):
        read.play(20)
    with pytest.raises(ValueError, match="'volume' parameter of load"):
        League.load(tmp_path / "league.npz", scan + 1, score)
    with pytest.raises(ValueError, match="both or neither"):
        League.load(tmp_path / "league.npz", scan)
    read.save(tmp_path / "again.npz")
    np.testing.assert_array_equal(League.load(tmp_path / "again.npz").wins, league.wins)


def test_progress_is_of_all_games(scan):
    told = []
    league_of(scan, drawn(1), drawn(2), drawn(3)).play(5, progress=lambda *both: told.append(both))
    assert told[-1] == (15, 15)
    assert sorted(told) == told


def test_an_interrupted_round_robin_keeps_whole_pairs(scan):
    league = league_of(scan, drawn(1), drawn(2), drawn(3))

    def stop(done, planned):
        if done >= 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        league.play(5, progress=stop)
    assert league.games.sum() in (10, 20)
    whole = league_of(scan, drawn(1), drawn(2), drawn(3)).play(5)
    np.testing.assert_array_equal(league.play(5).wins, whole.wins)


def test_what_does_not_fit_is_refused(scan):
    league = league_of(scan, drawn(1))
    with pytest.raises(ValueError, match="two members"):
        league.play()
    with pytest.raises(ValueError, match="'name' parameter of League.add"):
        league.add("player 0", drawn(2))
    with pytest.raises(ValueError, match="must have the members' sizes"):
        league.add("other", still(1))
    with pytest.raises(ValueError, match="'parameters' parameter of League.add"):
        league.add("none", {})
    league.add("player 1", drawn(2))
    with pytest.raises(ValueError, match="Ratings need"):
        league.ratings()
    with pytest.raises(ValueError, match="'games' parameter"):
        league.play(0)
    with pytest.raises(ValueError, match="'confidence' parameter"):
        league.cycles(confidence=1.0)
    with pytest.raises(ValueError, match="'max_steps' parameter"):
        League(scan, score, max_steps=0, **OPTIONS)
    small = League(scan, score, **(OPTIONS | {"window": (6, 6, 6)}))
    with pytest.raises(ValueError, match="'parameters' parameter of League"):
        small.add("other", drawn(1))
    assert small.names == []


@pytest.mark.parametrize("broken", ["wins", "ties", "names", "member"])
def test_broken_files_are_refused(scan, tmp_path, broken):
    league_of(scan, drawn(1), drawn(2)).play(3).save(tmp_path / "league.npz")
    with np.load(tmp_path / "league.npz") as archive:
        arrays = dict(archive)
    arrays |= {
        "wins": {"wins": arrays["wins"] - 9},
        "ties": {"ties": arrays["ties"][:1]},
        "names": {"description": np.array(str(arrays["description"]).replace('"names"', '"no"'))},
        "member": {"member.0.action_net.bias": np.zeros(5, np.float32)},
    }[broken]
    np.savez(tmp_path / "broken.npz", **arrays)
    with pytest.raises(spars.FormatError):
        League.load(tmp_path / "broken.npz")


# Ratings


def table(rng, members, games):
    wins = np.zeros((members, members), np.int64)
    ties = np.zeros((members, members), np.int64)
    for i, j in combinations(range(members), 2):
        won, tied, lost = rng.multinomial(games, rng.dirichlet([1, 1, 1]))
        wins[i, j], wins[j, i], ties[i, j] = won, lost, tied
    return wins, ties + ties.T


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("members", [2, 3, 7])
def test_ratings_are_of_greatest_likelihood(seed, members):
    wins, ties = table(np.random.default_rng(seed), members, 30)
    found = ratings.elo_ratings(range(members), wins, ties, resamples=2)

    def loss(strength):
        chance = 1 / (1 + 10 ** ((strength - strength[:, None]) / 400))
        score = wins + (ties + 1) / 2
        np.fill_diagonal(score, 0)
        return -(score * np.log(chance)).sum() + 1e-6 * strength.sum() ** 2

    wanted = minimize(loss, np.zeros(members), method="BFGS", options={"gtol": 1e-9})
    np.testing.assert_allclose(found.elo, wanted.x - wanted.x.mean(), atol=0.05)
    assert abs(found.elo.mean()) < 1e-9


def test_four_hundred_points_are_ten_to_one():
    # With the tie that is added: 10 wins of 11.
    wins = np.array([[0, 95], [5, 0]])
    ties = np.array([[0, 0], [0, 0]])
    found = ratings.elo_ratings(("strong", "weak"), wins, ties)
    assert found.elo[0] - found.elo[1] == pytest.approx(400 * np.log10(95.5 / 5.5))
    np.testing.assert_allclose(found.expected()[0, 1], 95.5 / 101)


def test_a_member_that_wins_everything_has_a_finite_rating():
    wins = np.triu(np.full((12, 12), 1000), 1)
    found = ratings.elo_ratings(range(12), wins, np.zeros_like(wins), resamples=3)
    assert np.isfinite(found.elo).all()
    assert (np.diff(found.elo) < 0).all()
    np.testing.assert_array_equal(found.order, range(12))


def test_intervals_cover_and_shrink():
    rng = np.random.default_rng(11)
    truth = np.array([150.0, 50.0, 0.0, -200.0])
    chance = 1 / (1 + 10 ** ((truth - truth[:, None]) / 400))
    covered, widths = [], {}
    for games in (50, 800):
        for _ in range(25):
            wins = np.zeros((4, 4), np.int64)
            for i, j in combinations(range(4), 2):
                wins[i, j] = rng.binomial(games, chance[i, j])
                wins[j, i] = games - wins[i, j]
            found = ratings.elo_ratings(range(4), wins, 0 * wins, resamples=200, seed=1)
            covered.append((found.low <= truth) & (truth <= found.high))
            widths.setdefault(games, []).append(found.high - found.low)
    # 95 % intervals of 200 dependent ratings; below 85 % would be no accident.
    assert np.mean(covered) > 0.85
    assert np.mean(widths[50]) == pytest.approx(4 * np.mean(widths[800]), rel=0.2)


def test_ratings_are_seeded():
    wins, ties = table(np.random.default_rng(0), 4, 20)
    one, same, other = (ratings.elo_ratings(range(4), wins, ties, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.low, same.low)
    assert (one.low != other.low).any()
    for options in ({"confidence": 0.0}, {"confidence": 1.0}, {"resamples": 0}, {"seed": -1}):
        with pytest.raises(ValueError, match="parameter of elo_ratings"):
            ratings.elo_ratings(range(4), wins, ties, **options)


# Cycles


def rock_paper_scissors(games=100, extra=0):
    """Three that go round, and members that all of them beat, one after another."""
    members = 3 + extra
    wins = np.zeros((members, members), np.int64)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        wins[a, b] = games
    for weaker in range(3, members):
        wins[:weaker, weaker] = games
    return wins


def plain_cycles(better):
    found = set()
    for a, b, c in permutations(range(len(better)), 3):
        if better[a, b] and better[b, c] and better[c, a] and a == min(a, b, c):
            found.add((a, b, c))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_cycles_equal_every_permutation_tried(seed):
    wins, ties = table(np.random.default_rng(seed), 8, 9)
    for confidence in (0.0, 0.5, 0.95):
        better = ratings.beats(wins, ties, confidence)
        found = ratings.cyclic_triples(better)
        assert len(found) == len(set(found))
        assert set(found) == plain_cycles(better)
    assert not (better & better.T).any()


def test_rock_paper_scissors_is_a_cycle(scan):
    league = league_of(scan, *(drawn(seed) for seed in range(5)))
    league.wins = rock_paper_scissors(extra=2)
    assert league.cycles() == [("player 0", "player 1", "player 2")]
    # Of ten triples one goes round.
    assert league.intransitivity() == pytest.approx(0.1)
    assert ratings.cyclic_share(rock_paper_scissors(), np.zeros((3, 3))) == pytest.approx(1.0)
    order = rock_paper_scissors()
    order[2, 0], order[0, 2] = 0, 100
    assert ratings.share_of_cycles(ratings.beats(order, 0 * order, 0.95)) == 0.0


def test_too_few_games_decide_nothing():
    wins = rock_paper_scissors(games=3)
    assert ratings.cyclic_triples(ratings.beats(wins, 0 * wins, 0.95)) == []
    assert np.isnan(ratings.share_of_cycles(ratings.beats(wins, 0 * wins, 0.95)))
    assert len(ratings.cyclic_triples(ratings.beats(wins, 0 * wins, 0.0))) == 1
    assert np.isnan(ratings.cyclic_share(0 * wins, 0 * wins))


def test_odds_that_ratings_explain_have_no_cyclic_share():
    strength = np.array([2.0, 1.0, 0.0, -1.0])
    score = np.exp((strength[:, None] - strength) / 2)
    wins = score - 0.5
    np.fill_diagonal(wins, 0)
    assert ratings.cyclic_share(wins, np.zeros((4, 4))) == pytest.approx(0.0, abs=1e-12)


def test_wilsons_interval_decides():
    # 61 of 100 is above one half with 95 % confidence, 59 is not: 0.5 + 1.96 * 0.05 = 0.598.
    for won, decided in ((61, True), (59, False)):
        wins = np.array([[0, won], [100 - won, 0]])
        assert ratings.beats(wins, 0 * wins, 0.95)[0, 1] == decided


# Pictures


def test_pictures_show_the_table_and_the_ratings(scan):
    league = league_of(scan, *(drawn(seed) for seed in range(4))).play(20)
    figure = spars.plots.payoff(league)
    shown = figure.axes[0].get_images()[0].get_array()
    order = league.ratings().order
    np.testing.assert_array_equal(np.ma.filled(shown, np.nan), league.payoff[np.ix_(order, order)])
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == [league.names[i] for i in order]
    figure = spars.plots.ratings(league)
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), league.ratings().elo)
