"""Self-play on one scan: a learner against an opponent, the scores of their windows in a map."""

from dataclasses import asdict

from spars._support.checks import check_bool, check_choice, check_float, check_integer
from spars._support.defaults import WINDOW_OF_RECORD
from spars._support.provenance import digest, versions
from spars.agents.networks import POLICIES
from spars.agents.ppo import SEED_LIMIT
from spars.agents.rates import Rates
from spars.game.field import Field
from spars.game.rules import checked_rule, checked_threshold
from spars.search.exchange import parameters_for
from spars.search.live_run import SAMPLINGS, SIDES, match_of
from spars.search.reference import Reference
from spars.search.run import Run, Snapshot
from spars.volume.volume import as_volume

__all__ = ["Run", "Snapshot", "self_play"]


def self_play(
    volume,
    classifier,
    *,
    iterations=100,
    window=WINDOW_OF_RECORD,
    grid=None,
    protocol="paper",
    termination_threshold=None,
    game="search",
    rule=None,
    stride=4,
    reference=None,
    policy="MlpPolicy",
    initial_policy=None,
    mask_actions=False,
    n_envs=1,
    n_steps=32,
    batch_size=8,
    n_epochs=1,
    learning_rate=3e-4,
    gamma=0.99,
    gae_lambda=0.95,
    clip_range=0.2,
    clip_range_vf=None,
    normalize_advantage=True,
    ent_coef=0.0,
    vf_coef=0.5,
    max_grad_norm=0.5,
    target_kl=None,
    opponent_update_interval=32,
    opponents=None,
    opponent_power=2.0,
    experience="learner",
    snapshot_interval=None,
    replay_interval=0,
    record_steps=True,
    seed=0,
    checkpoint=None,
    checkpoint_interval=None,
    progress=None,
    callback=None,
    tensorboard=None,
    **switches,
):
    """Let two PPO agents compete for the windows that score highest on one scan.

    Each iteration collects `n_steps` steps of each of `n_envs` games and makes one update of the
    learner.

    Parameters
    ----------
    volume : Volume, array, image or path
        The scan, (X, Y, Z). An array is taken to be on the grid already unless `grid` is given.
    classifier : Classifier, ScoreAtlas or callable
        Scores windows in [0, 1]; each window is scored once.
    iterations : int
        Rounds of collecting and updating; 10,000 in the published run.
    window : (int, int, int)
        Extent of the moving window in voxels of the grid.
    grid : (int, int, int), optional
        The model grid; (256, 256, 180) for a scan.
    protocol : {"paper", "published"} or Protocol
        What is done where the released scripts and the paper's text part ways.
    termination_threshold : float, optional
        Score above which an episode of the search game ends, in [0, 1]; 0.3 by default.
    game : {"search", "exhaustion"}
        By which rule is played. "exhaustion" is the second one (docs/reference/exhaustion.md): a
        place counts once in an episode, and the agents have twelve answers, six moves and the same
        with a call for the end; `termination_threshold` must not be given. Policies also see
        whether each of the six places around has been shown: behind the window's voxels, or behind
        what the convolutions make of them; "LocalPolicy" sees what `spars.exhaustion.ExhaustionEnv`
        calls "neighbours". `mask_actions` masks a move and its call alike. With `opponents`, an
        episode is won by the agent whose rewards sum to more. Records, map, `Run.replay`,
        `Run.coverage` and `Segmentation.why` hold the windows' own scores, also of places that
        count nothing any more. A `spars.League` of such runs is refused: it computes once what a
        player does at a place, and here that depends on the episode.
    rule : ExhaustionRule, optional
        The exhaustion game's numbers.
    stride : int
        Voxels a window moves in one step.
    reference : Volume, array or path, optional
        A mask of the scan's shape (0 and 1). Its Dice with the map so far is recorded after each
        iteration; nothing in the search sees it.
    policy : {"MlpPolicy", "CnnPolicy", "LocalPolicy"}
        What the learner and its opponents are; two tanh nets of 64 and 64, one for actions and one
        for values, that read

        - "MlpPolicy": the window resized to the classifier's input, as stable-baselines3's policy
          of that name, held in collapsed form: one weight for all replicas of a voxel;
        - "CnnPolicy": what three convolutions (8, 16 and 32 channels, kernels 4, 3 and 3, strides
          4, 2 and 1, tanh), shared by both nets, make of the window's voxels, which are
          standardised by the scan's mean and standard deviation;
        - "LocalPolicy": the scores of the six windows that the moves lead to and of the window
          itself, and its place in the grid, each axis from -1 to 1. It asks the scorer for up to
          six scores a step and player that are not known yet; an atlas knows all.
    initial_policy : PPO, Snapshot, dict of str to array, or path, optional
        What the learner begins with, of the same policy, instead of what the seed makes; Adam
        begins anew. A path is of a file that `PPO.save` wrote, `Run.agent`'s for example, or a
        ``.zip`` of stable-baselines3 whose "MlpPolicy" saw windows as they are or resized to the
        classifier's input (then it is collapsed), also as images that it turned (D12). It is kept
        as the first of `Run.snapshots`.
    mask_actions : bool
        Give moves that would leave the grid probability 0, in play and in the update, as
        sb3-contrib's MaskablePPO does. Changes nothing where windows may leave it
        (``border="clamped_crop"``).
    n_envs : int
        Games side by side. They share the scan, its scores and one map, which takes every game's
        first step, then every game's second, and so on; a rollout is `n_steps` * `n_envs` steps,
        at most 2^20, flattened game by game as stable-baselines3 does it. With
        ``map_read="after_reset"`` a reset clears what its own game has added. With `opponents`
        each game draws its own. `opponent_update_interval` counts the steps of all.
    n_steps, batch_size, n_epochs, learning_rate, gamma, gae_lambda, clip_range, clip_range_vf, \
    normalize_advantage, ent_coef, vf_coef, max_grad_norm, target_kl
        As in stable-baselines3; the defaults are the published run's. `learning_rate`, `clip_range`
        and `clip_range_vf` may be functions of the remaining progress: update k of the N asked for,
        from 1, is made with their value at 1 - k / N.
    opponent_update_interval : int
        Steps after which the opponent becomes a copy of the learner (D8 "snapshot"), or begins to
        be the learner itself, having answered action 0 until then ("live").
    snapshot_interval : int, optional
        Iterations between kept copies of the learner; a quarter of `iterations` by default, 0
        for none. One takes 28 MB with "MlpPolicy" and a window of 48 x 48 x 24, and 14 MB more as
        an opponent; 0.2 MB with "CnnPolicy" and 40 KB with "LocalPolicy".
    replay_interval : int
        Iterations between kept states for `Run.replay` to start from (12 to 16 bytes a parameter
        each: 85 MB for a window of 48 x 48 x 24); 0 keeps none, and it starts from the beginning.
    record_steps : bool
        Keep `Run.windows`, `step_scores`, `actions` and `ends`: 35 bytes a step and game.
    seed : int
        Of the initialisation, the actions and the minibatches.
    checkpoint : path, optional
        Where `Run.save` is called at the end, and when the run is interrupted.
    checkpoint_interval : int, optional
        It is also called after every so many iterations.
    progress : callable or True, optional
        Called with (done, planned) iterations; True draws a bar (the extra "progress").
    callback : callable or sequence of callables, optional
        Each called with the run after each iteration; one that returns False ends it. See
        `spars.callbacks`.
    tensorboard : path, optional
        Folder for event files of every iteration (the extra "tensorboard").
    **switches
        Single switches of the protocol, for example ``tie_reward="learner"``.

    Returns
    -------
    Run

    Raises
    ------
    ValueError, TypeError
        A parameter is out of range, or the window is larger than the grid.
    NonFiniteError
        The scan holds NaN or infinity, or an update produced one.

    Notes
    -----
    An iteration happens whole or, when it is interrupted or fails, not at all.

    Memory is the scan on the grid, the map (47 MB at 256 x 256 x 180, 94 MB where scores are
    averaged), three copies of the policy for the learner and Adam (28 MB each at 48 x 48 x 24), one
    more while a frozen opponent differs from the learner, 24 bytes a step and game in the map's
    log, and what `record_steps` keeps.

    Time, once scores are known, is an iteration's `n_steps` readings of the policy's first layer
    and one reading and writing of all weights and moments a minibatch: see Benchmarks/RESULTS.md.
    """
    owner = "self_play"
    iterations = check_integer(iterations, "iterations", owner, 1)
    rule = checked_rule(game, rule, owner)
    threshold = checked_threshold(termination_threshold, game, owner)
    if snapshot_interval is None:
        snapshot_interval = max(1, iterations // 4)
    played = Field(volume, classifier, window, protocol, threshold, grid, stride, switches, owner)
    if reference is not None:
        reference = Reference(as_volume(reference).array, as_volume(volume).shape, played)
    rates = Rates(
        {"learning_rate": learning_rate, "clip_range": clip_range, "clip_range_vf": clip_range_vf}
    )
    if opponents is not None:
        check_choice(opponents, "opponents", owner, SAMPLINGS)
        check_integer(snapshot_interval, "snapshot_interval", f"{owner} with opponents", 1)
    configuration = {
        "window": list(played.window),
        "grid": list(played.grid),
        "stride": played.stride,
        "input_shape": list(played.input_shape),
        "termination_threshold": played.termination_threshold if rule is None else None,
        "game": game,
        "rule": None if rule is None else asdict(rule),
        "protocol": played.protocol.to_dict(),
        "policy": check_choice(policy, "policy", owner, POLICIES),
        "initial_policy": None,
        "mask_actions": check_bool(mask_actions, "mask_actions", owner),
        "n_envs": check_integer(n_envs, "n_envs", owner, 1, 1 << 12),
        "n_steps": check_integer(n_steps, "n_steps", owner, 2, 1 << 20),
        "record_steps": check_bool(record_steps, "record_steps", owner),
        "gamma": check_float(gamma, "gamma", owner, 0.0, 1.0),
        "gae_lambda": check_float(gae_lambda, "gae_lambda", owner, 0.0, 1.0),
        **rates.described(),
        "n_epochs": n_epochs,
        "batch_size": batch_size,
        "normalize_advantage": normalize_advantage,
        "ent_coef": ent_coef,
        "vf_coef": vf_coef,
        "max_grad_norm": max_grad_norm,
        "target_kl": target_kl,
        "opponent_update_interval": check_integer(
            opponent_update_interval, "opponent_update_interval", owner, 1, 1 << 53
        ),
        "opponents": opponents,
        "opponent_power": check_float(opponent_power, "opponent_power", owner, 0.0),
        "experience": check_choice(experience, "experience", owner, SIDES),
        "replay_interval": check_integer(replay_interval, "replay_interval", owner, 0, 1 << 53),
        "snapshot_interval": check_integer(
            snapshot_interval, "snapshot_interval", owner, 0, 1 << 53
        ),
        "seed": check_integer(seed, "seed", owner, 0, SEED_LIMIT),
        "iterations": 0,
        "planned_iterations": iterations,
        "input_sha256": digest(played.array),
        "versions": versions(),
    }
    initial = None
    if initial_policy is not None:
        initial = parameters_for(initial_policy, configuration)
        configuration["initial_policy"] = digest(initial)
    match = match_of(played, configuration, rates.at(1.0), reference, initial)
    run = Run(configuration, match, rates)
    if initial is not None and opponents is None:
        run.snapshots.append(Snapshot(0, match.named(initial)))
    return run.resume(
        iterations,
        checkpoint=checkpoint,
        checkpoint_interval=checkpoint_interval,
        progress=progress,
        callback=callback,
        tensorboard=tensorboard,
    )
