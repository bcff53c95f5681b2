"""Does an opponent help agents that choose windows? Trains and measures; prints Markdown.

python Benchmarks/opponents.py --cache FOLDER --agents FOLDER --livers 4 --phantoms 8 --seeds 5
... --patients FOLDER [FOLDER ...] --same lits00,lits01

Scans that are measured are those of Benchmarks/search.py, from its cache. Agents learn on phantoms'
livers with six sets of made lesions each, whose windows are scored once and kept in the cache too.
What is trained and measured already is not done again.

Written before it was run
-------------------------
One network, one set of scans, one number of decisions (rounds of 16 searches of 992 windows).
A seed's regression is the beginning of that seed's other learners where they begin from a fit.

| name | learns by | begins from |
|---|---|---|
| regression | worths of windows, 4 rounds | the seed |
| ppo | PPO alone, reward: the worth of what it asked for | the regression |
| vanilla, fictitious, prioritised | PPO against copies of itself, reward: the margin | the same |
| fictitious_end, added later | as fictitious, and 100 at the end for who found more | the same |
| ppo_anew, fictitious_anew | PPO alone, PPO against any earlier copy | the seed |

Chosen beforehand: the learning rate 0.001, on the share of all worth that is found on 12
development scans, one seed, `ppo` only. All else are the defaults of `spars.train_agents`.

Measures: as Benchmarks/search.py has them, area under Dice against scores up to 1,000 first, then
Dice at 100, 250, 500 and 1,000 scores and the first of these with 95 % of the exhaustive Dice. All
play to their budget, the regression too; choices are by the highest value, nothing is drawn. Seeds
count as one by their mean, then scans of a patient; paired bootstrap over patients.

Control for what competition might do by normalising: every window scored, and the scores of a scan
brought to the quantiles of the training scans' scores, so that each scan has the same histogram.

Hypotheses
1. `ppo` has a larger area than `regression` on phantoms not seen before: it is paid for windows
   that lead to others. On patients it has not: what it gains is knowledge of phantoms.
2. `fictitious` has no larger area than `ppo`, on phantoms and on patients: on one scan with one
   classifier, what an opponent takes away is what the player would have asked for anyway.
3. `vanilla` and `prioritised` differ from `fictitious` by less than 0.02.
4. Begun anew, PPO does not come up to the regression in this number of decisions.
5. The control has a lower Dice than the exhaustive map.
6. (Added with `fictitious_end`, before it was trained.) A large end for the better half changes
   nothing either: it differs from `fictitious` by less than 0.02.

Rule: an opponent helps where the interval of `fictitious` less `ppo`, or of `fictitious_anew` less
`ppo_anew`, lies above 0 on phantoms and on patients. A learner takes the regression's place as the
default where the interval of its area less the regression's lies above 0 on both. The other
opponents are looked at, and decide nothing.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import search as study

import spars
from spars.lesions import LesionLaw
from spars.search.agent_settings import AgentSettings
from spars.search.known_scans import KnownScan, known_scans
from spars.search.regression import Regression
from spars.search.reinforcement import Reinforcement

BUDGETS = (100, 250, 500, 1000)
PLAYERS = {
    "ppo": {"learn": "ppo"},
    "fictitious": {"learn": "self_play", "opponents": "fictitious"},
    "vanilla": {"learn": "self_play", "opponents": "vanilla"},
    "prioritised": {"learn": "self_play", "opponents": "prioritised"},
    "fictitious_end": {"learn": "self_play", "opponents": "fictitious", "end_reward": 100.0},
    "ppo_anew": {"learn": "ppo"},
    "fictitious_anew": {"learn": "self_play", "opponents": "fictitious"},
}
COMPARED = [(name, "regression") for name in PLAYERS] + [
    ("fictitious", "ppo"), ("fictitious_end", "fictitious"), ("vanilla", "ppo"),
    ("prioritised", "ppo"), ("fictitious_anew", "ppo_anew"),
]  # fmt: skip


def training_scans(folder, livers, classifier):
    """Return the known scans of some phantoms' livers, from the cache or scored and kept."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number, case in enumerate(spars.datasets.phantom_livers(livers, seed=7000)):
        paths = [folder / f"{number}-{lesions}.npz" for lesions in range(6)]
        if not all(path.exists() for path in paths):
            law = LesionLaw()
            made = known_scans(
                case, classifier, classifier.recipe, 6, law, [0, number], "opponents"
            )
            for path, scan in zip(paths, made, strict=True):
                np.savez(path, askable=scan.askable, intensity=scan.intensity, scores=scan.scores)
        for path in paths:
            with np.load(path) as file:
                found.append(KnownScan(file["askable"], file["intensity"], file["scores"]))
    return found


def train(scans, folder, seed, players, rounds):
    """Train those of a seed's agents that are not in the folder yet."""
    folder.mkdir(parents=True, exist_ok=True)

    def kept(name, made):
        path = folder / f"{name}-{seed}.npz"
        if not path.exists():
            begun, used = time.time(), time.process_time()
            learner = made()
            agents = spars.Agents(learner.policy, learner.record(), None)
            agents.save(path)
            used = time.process_time() - used
            print(f"  {path.stem}: {used:.0f} s of processor, {time.time() - begun:.0f} s")
        return spars.Agents.load(path)

    def regression():
        learner = Regression(scans, 1000, seed)
        for _ in range(4):
            learner.play()
        return learner

    def reinforced(options, begun):
        options = options | {"seed": seed, "n_envs": 16, "initial_agents": begun}
        learner = Reinforcement(scans, AgentSettings(**options))
        for _ in range(rounds):
            learner.play()
        return learner

    fit = kept("regression", regression)
    for name in players:
        options = PLAYERS[name]
        begun = None if name.endswith("anew") else fit
        kept(name, lambda options=options, begun=begun: reinforced(options, begun))


def strategy(name, folder):
    """Return the search of agents in a folder."""
    return spars.Agents.load(folder / f"{name}.npz").strategy


def measured(name, scans, folder, strategy):
    """Return a search's Dice by scan: array (scan, budget), from the folder or played and kept."""
    path = folder / f"{name}.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    for scan in scans:
        if scan.name not in known:
            asked = scan.asked(strategy, max(BUDGETS), 0)
            known[scan.name] = [float(scan.measured(asked[:budget])) for budget in BUDGETS]
            path.write_text(json.dumps(known))
    return np.array([known[scan.name] for scan in scans])


def normalised(scan, quantiles):
    """Return the Dice of all scores, brought to the training scans' quantiles."""
    order = np.argsort(np.argsort(scan.scores, kind="stable")) / max(len(scan.scores) - 1, 1)
    before = scan.scores
    scan.scores = np.interp(order, np.linspace(0, 1, len(quantiles)), quantiles).astype(np.float32)
    found = scan.measured(np.arange(len(before)))
    scan.scores = before
    return found


def report(title, scans, folder, players, seeds, quantiles):
    scans = [scan for scan in scans if scan.ml > 1 and scan.exhaustive > 0.05]
    everything = study.by_patient([scan.exhaustive for scan in scans], scans)
    control = study.by_patient([normalised(scan, quantiles) for scan in scans], scans)
    curves, spreads = {}, {}
    for name in ("regression", *players):
        names = [f"{name}-{seed}" for seed in range(seeds)]
        drawn = [measured(each, scans, folder, strategy(each, folder)) for each in names]
        by_seed = [study.by_patient(curve, scans) for curve in drawn]
        curves[name] = np.mean(by_seed, axis=0)
        spreads[name] = [study.areas(curve).mean() for curve in by_seed]
    print(
        f"\n{title}: {len(everything)} patients, {len(scans)} scans, {seeds} seeds; all scores "
        f"{everything.mean():.3f}; brought to the training scans' quantiles {control.mean():.3f}, "
        f"less all scores {study.interval(control - everything)}\n"
    )
    print("| agents | " + " | ".join(f"{budget:,}" for budget in BUDGETS) + " | area | 95 % at |")
    print("|---" * (len(BUDGETS) + 3) + "|")
    for name, curve in curves.items():
        means = curve.mean(axis=0)
        enough = [b for b, m in zip(BUDGETS, means, strict=True) if m >= 0.95 * everything.mean()]
        low, high = min(spreads[name]), max(spreads[name])
        print(
            f"| {name} | " + " | ".join(f"{mean:.3f}" for mean in means)
            + f" | {np.mean(spreads[name]):.3f} ({low:.3f} to {high:.3f}) | {(enough or '-')[0]} |"
        )  # fmt: skip
    print("\n| area of | less that of | |\n|---|---|---|")
    for one, other in COMPARED:
        if one not in curves or other not in curves:
            continue
        difference = study.areas(curves[one]) - study.areas(curves[other])
        print(f"| {one} | {other} | {study.interval(difference)} |", flush=True)


def arguments_of(doc, seeds):
    """Return a parser of what studies of trained searches are told."""
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--agents", type=Path, required=True, help="folder for what is trained")
    parser.add_argument("--livers", type=int, default=4, help="phantoms to train on")
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--phantoms", type=int, default=0, help="livers to measure on")
    parser.add_argument("--patients", nargs="*", default=[])
    parser.add_argument("--same", nargs="*", default=[], help="scans of one patient, comma between")
    return parser


def main():
    parser = arguments_of(__doc__, seeds=5)
    parser.add_argument("--players", nargs="*", default=list(PLAYERS), choices=list(PLAYERS))
    parser.add_argument("--rounds", type=int, default=30)
    arguments = parser.parse_args()
    classifier = spars.pretrained()
    scans = training_scans(arguments.cache / "training", arguments.livers, classifier)
    for seed in range(arguments.seeds):
        train(scans, arguments.agents, seed, arguments.players, arguments.rounds)
    pooled = np.sort(np.concatenate([scan.scores for scan in scans]))
    quantiles = np.quantile(pooled, np.linspace(0, 1, 10_001))
    made = list(study.phantoms(arguments.phantoms, 9000, arguments.cache, classifier))
    if made:
        report("Phantoms", made, arguments.agents, arguments.players, arguments.seeds, quantiles)
    real = list(study.patients(arguments.patients, arguments.same, arguments.cache, classifier))
    if real:
        report("Patients", real, arguments.agents, arguments.players, arguments.seeds, quantiles)


if __name__ == "__main__":
    main()
