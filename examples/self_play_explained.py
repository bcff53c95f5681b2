# %% [markdown]
# # Self-play explained
#
# Two agents each move a window over one scan. A classifier scores both windows, the higher score
# wins the step, and PPO teaches the learner to win. The scores of the windows visited add up to a
# map.

# %%
import spars


def dark_liver(crops):
    """Score crops by their share of voxels that are darker than liver but no fat."""
    return ((crops > 0) & (crops < 60)).mean(axis=(1, 2, 3))


phantom = spars.phantom(seed=2, shape=(64, 64, 48), tumour_radius=25.0, tumour_contrast=-60.0)
scan, WINDOW = phantom.volume, (8, 8, 6)

# %% [markdown]
# ## One step of the game

# %%
env = spars.parallel_env(scan, dark_liver, WINDOW, grid=scan.shape, seed=0)
observations, infos = env.reset()
for moves in ((0, 2), (0, 4), (3, 2)):
    observations, rewards, *_ = env.step(dict(zip(env.agents, moves, strict=True)))
    print(moves, rewards)

# %% [markdown]
# ## A run
#
# An iteration plays some steps and updates the learner. Now and then the opponent becomes a copy
# of the learner.

# %%
run = spars.self_play(
    scan,
    dark_liver,
    iterations=60,
    window=WINDOW,
    grid=scan.shape,
    termination_threshold=0.95,
    reference=phantom.tumour,
    opponent_update_interval=320,
    seed=0,
)
spars.plots.curves(
    {"learner": run.rewards, "opponent": run.opponent_rewards},
    x_label="iteration",
    y_label="reward",
    smooth=5,
)

# %% [markdown]
# What was scored where: the map, and the windows behind one voxel of it.

# %%
spars.plots.overlay(scan, reference=phantom.tumour, score_map=run.score_map)

# %% [markdown]
# ## Did learning help?
#
# Every window that there is, scored once, is the measure: how much of the best of them did a
# search see? A search that walks at random is the one to beat.

# %%
atlas = spars.ScoreAtlas.compute(scan, dark_liver, WINDOW, grid=scan.shape)
steps = {"window": WINDOW, "grid": scan.shape, "termination_threshold": 0.95, "iterations": 60}
searches = {
    "self-play": run,
    "random walk": spars.baselines.random_walk(scan, atlas, seed=0, **steps),
    "greedy": spars.baselines.greedy(scan, atlas, seed=0, **steps),
}
spars.plots.coverage({name: search.coverage(atlas) for name, search in searches.items()})

# %% [markdown]
# ## Do later learners beat earlier ones?
#
# A league lets the run's snapshots play one another.

# %%
league = spars.League.of(run, max_steps=64).play(20)
spars.plots.payoff(league)

# %%
ratings = league.ratings(resamples=200)
for number in ratings.order:
    low, high = ratings.low[number], ratings.high[number]
    print(f"{ratings.names[number]:16} {ratings.elo[number]:+5.0f} ({low:+.0f} to {high:+.0f})")
