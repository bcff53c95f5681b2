"""What agents and every window find where no organ's mask is given; prints Markdown.

python Benchmarks/whole.py --phantoms 1 [--agents-only]

`spars.segment` refuses the pretrained weights without a region. Here the region is the body, which
a threshold finds (above -300 HU), with HU as they are: the body has no level that could be moved.
Scans are `spars.phantom(seed)`, whole, from seed 9100 on; one thread, seconds are the processor's.

Written before it was run
-------------------------
1. Every window of the body finds more ml that are no tumour than ml of tumour: the weights know
   windows of livers alone, and outside them everything is new.
2. Agents are no way out: they ask for over a tenth of the windows, since what looks like a hit lies
   everywhere, and their Dice is that of every window or lower.
3. By the liver's mask both have a higher Dice, in less than a tenth of the seconds.

It decides nothing: it says whether agents can stand in for an organ's mask.
"""

import argparse
import time

import numpy as np

import spars
from spars import metrics


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--phantoms", type=int, default=1)
    parser.add_argument("--agents-only", action="store_true", help="not every window of the body")
    arguments = parser.parse_args()
    spars.set_thread_count(1)
    classifier, agents = spars.pretrained(), spars.Agents.pretrained()
    as_it_is = classifier.recipe.changed(level_at=None)
    print("| phantom | region | search | scores asked | seconds | Dice | false ml |")
    print("|---" * 7 + "|")
    for seed in range(9100, 9100 + arguments.phantoms):
        made = spars.phantom(seed=seed)
        body = (made.volume.array > -300).astype(np.uint8)
        voxel = float(abs(np.linalg.det(made.volume.affine[:3, :3]))) / 1000
        for place, region, recipe in (
            ("liver", made.liver, classifier.recipe), ("body", body, as_it_is),
        ):  # fmt: skip
            for name, options in (("agents", {"agents": agents}), ("every", {})):
                if place == "body" and name == "every" and arguments.agents_only:
                    continue
                begun = time.process_time()
                found = spars.segment(
                    made.volume, classifier, region=region, recipe=recipe, **options
                )
                seconds = time.process_time() - begun
                mask, tumour = found.mask > 0, made.tumour > 0
                ml, asked = tumour.sum() * voxel, found.scores_asked or "all"
                print(
                    f"| {seed}, {ml:.0f} ml | {place} | {name} | {asked} | {seconds:.1f} | "
                    f"{metrics.dice(mask, tumour):.3f} | {(mask & ~tumour).sum() * voxel:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
