"""Does a 3D network that sees the whole organ search better? Trains and measures; prints Markdown.

python Benchmarks/map_network.py --cache FOLDER --agents FOLDER --seeds 2 --phantoms 8
... --patients FOLDER [FOLDER ...] --same lits00,lits01

Needs PyTorch. Scans that are trained on and measured, and the agents to compare with, are those of
Benchmarks/opponents.py, from its folders; what is trained and measured already is not done again.

Written before it was run
-------------------------
`spars.search.map_policy.MapPolicy` sees 19 numbers of each window. Here a network sees the lattice
of all windows, 6 mm apart, as a picture: whether there is a window, its intensity against the
organ's median in units of its spread, whether it was asked for, its score if so, and the share of
the budget that is left. Three convolutions of 3 x 3 x 3, eight channels and dilations 1, 2 and 2,
then one number for each place: what asking for it is worth. 4,569 parameters; it sees 66 mm around.
It learns as the regression does: four rounds of searches of the same 24 scans of 4 phantoms, the
first by the same rule with noise, then by itself with the same noise; after each round six passes
over four turns of every search so far, each turned over at random along each axis. In a turn it
learns from the windows asked for, the 8 best and 512 drawn open ones.

Nothing is chosen on any scan. Measures, intervals: those of Benchmarks/opponents.py.

Hypotheses
1. On phantoms its area is not larger than the regression's: what matters lies near a window, and
   the 19 numbers say it.
2. On patients it is smaller: it has more to learn from few phantoms.

Rule: it takes the regression's place where the interval of its area less the regression's lies
above 0 on phantoms and on patients. Where it does not, the smaller network stays.
"""

import time

import numpy as np
import opponents
import search as study
import torch

import spars
from spars.search.agents import BATCH, best
from spars.search.features import FEATURES, Features
from spars.search.known_scans import worth
from spars.search.regression import NOISE

CHANNELS, ROUNDS, PASSES, RATE = 8, 4, 6, 0.003
SCORES = max(opponents.BUDGETS)
KEPT = 4 / (SCORES // BATCH)
DRAWN, BEST, AT_ONCE = 512, 8, 4
INTENSITY, BESIDE = FEATURES.index("intensity"), FEATURES.index("best beside")


def network(seed):
    torch.manual_seed(seed)
    layers, before = [], 5
    for dilation in (1, 2, 2):
        layers += [
            torch.nn.Conv3d(before, CHANNELS, 3, padding=dilation, dilation=dilation),
            torch.nn.ReLU(),
        ]
        before = CHANNELS
    return torch.nn.Sequential(*layers, torch.nn.Conv3d(before, 1, 1))


def picture(view):
    """Return what the network sees of a view, float32 (5, nx, ny, nz)."""
    values, asked = view.intensity, ~np.isnan(view.scores)
    middle = np.median(values)
    spread = 1.4826 * np.median(np.abs(values - middle))
    seen = np.zeros((5, *view.askable.shape), np.float32)
    left = max(0.0, 1 - np.count_nonzero(asked) / SCORES)
    rows = (
        1, np.clip((values - middle) / max(spread, 1e-6), -8, 8) / 2, asked,
        np.where(asked, view.scores, 0), left,
    )  # fmt: skip
    for channel, row in zip(seen, rows, strict=True):
        channel[view.askable] = row
    return seen


@torch.no_grad()
def worths(net, view):
    found = net(torch.from_numpy(picture(view))[None])[0, 0].numpy()
    return found[view.askable]


def strategy(net):
    """Return the search that asks for the 16 windows of the highest worth, to its budget."""

    def ask(view, rng):
        while len(left := np.flatnonzero(np.isnan(view.scores))):
            yield left[best(worths(net, view)[left], BATCH)]

    return ask


def looks(scan, net, rng):
    """Play a search of a known scan; yield, of some turns, a picture, windows and their worths."""
    view, wanted = scan.view(), worth(scan.scores)
    features = None if net else Features(scan.ground)
    for _ in range(SCORES // BATCH):
        left = np.flatnonzero(np.isnan(view.scores))
        if net:
            wishes, scale = worths(net, view), NOISE
        else:
            wishes, scale = 4 * features.values[:, BESIDE] - features.values[:, INTENSITY], 1
        asked = left[best((wishes + scale * rng.gumbel(size=len(wishes)))[left], BATCH)]
        if rng.random() < KEPT:
            drawn = rng.choice(left, min(DRAWN, len(left)), replace=False)
            looked = np.unique(np.concatenate([asked, left[best(wanted[left], BEST)], drawn]))
            yield picture(view), tuple(view.places[looked].T), wanted[looked]
        view.scores[asked] = scan.scores[asked]
        if features:
            features.take(asked, scan.scores[asked])


def turned(seen, places, flips):
    """Return a picture and places in it turned over along some axes."""
    shape = seen.shape[1:]
    axes = [axis for axis in range(3) if flips[axis]]
    there = [shape[a] - 1 - p if flips[a] else p for a, p in enumerate(places)]
    return np.flip(seen, [axis + 1 for axis in axes]).copy(), there


def train(scans, seed):
    rng, net = np.random.default_rng(seed), network(seed)
    adam, kept = torch.optim.Adam(net.parameters()), []
    for number in range(ROUNDS):
        kept += [look for scan in scans for look in looks(scan, net if number else None, rng)]
        for passed in range(PASSES):
            adam.param_groups[0]["lr"] = RATE * (1 - passed / (PASSES + 1))
            order, total = rng.permutation(len(kept)), 0.0
            for first in range(0, len(order), AT_ONCE):
                adam.zero_grad()
                for index in order[first : first + AT_ONCE]:
                    seen, places, wanted = kept[index]
                    seen, places = turned(seen, places, rng.random(3) < 0.5)
                    found = net(torch.from_numpy(seen)[None])[0, 0][tuple(places)]
                    loss = torch.mean((found - torch.from_numpy(wanted)) ** 2)
                    (loss / AT_ONCE).backward()
                    total += loss.item()
                adam.step()
        print(f"  seed {seed}, round {number}: error {total / len(kept):.4f}", flush=True)
    return net


def kept(scans, folder, seed):
    path = folder / f"map_network-{seed}.pt"
    net = network(seed)
    if not path.exists():
        begun = time.process_time()
        torch.save(train(scans, seed).state_dict(), path)
        print(f"  seed {seed}: {time.process_time() - begun:.0f} s of processor", flush=True)
    net.load_state_dict(torch.load(path, weights_only=True))
    return net


def report(title, scans, folder, nets):
    scans = [scan for scan in scans if scan.ml > 1 and scan.exhaustive > 0.05]
    searches = {
        "regression": [opponents.strategy(f"regression-{s}", folder) for s in range(len(nets))],
        "map network": [strategy(net) for net in nets],
    }
    curves = {}
    print(f"\n{title}: {len(scans)} scans, {len(nets)} seeds\n")
    print("| agents | " + " | ".join(f"{budget:,}" for budget in opponents.BUDGETS) + " | area |")
    print("|---" * (len(opponents.BUDGETS) + 2) + "|")
    for name, each in searches.items():
        file = name.replace(" ", "_")
        drawn = [
            opponents.measured(f"{file}-{seed}", scans, folder, search)
            for seed, search in enumerate(each)
        ]
        by_seed = [study.by_patient(curve, scans) for curve in drawn]
        curves[name] = np.mean(by_seed, axis=0)
        spread = [study.areas(curve).mean() for curve in by_seed]
        cells = " | ".join(f"{mean:.3f}" for mean in curves[name].mean(axis=0))
        print(
            f"| {name} | {cells} | {np.mean(spread):.3f} ({min(spread):.3f} to {max(spread):.3f}) |"
        )
    less = study.areas(curves["map network"]) - study.areas(curves["regression"])
    print(
        f"\narea of the map network less that of the regression {study.interval(less)}", flush=True
    )


def main():
    arguments = opponents.arguments_of(__doc__, seeds=2).parse_args()
    torch.set_num_threads(1)
    classifier, folder = spars.pretrained(), arguments.cache
    known = opponents.training_scans(folder / "training", arguments.livers, classifier)
    for seed in range(arguments.seeds):
        opponents.train(known, arguments.agents, seed, [], 0)
    nets = [kept(known, arguments.agents, seed) for seed in range(arguments.seeds)]
    made = list(study.phantoms(arguments.phantoms, study.FIRST_SEED, folder, classifier))
    if made:
        report("Phantoms", made, arguments.agents, nets)
    real = list(study.patients(arguments.patients, arguments.same, folder, classifier))
    if real:
        report("Patients", real, arguments.agents, nets)


if __name__ == "__main__":
    main()
