# %% [markdown]
# # The published studies
#
# The paper's repository runs four studies: the main run, five training sizes, five termination
# thresholds, five window sizes. `spars.studies` has their settings, `spars study` runs them from
# the command line.

# %%
import pandas as pd

import spars
from spars.studies import STUDIES, Setting, run_study, table

pd.DataFrame([vars(setting) for settings in STUDIES.values() for setting in settings])

# %% [markdown]
# The studies at full size train for hours. Here they run on phantoms of 48 x 48 x 32 voxels, and
# a function stands in for the network: the share of a window that is darker than liver and no
# fat. It takes muscle for tumour, so Dice is low; what is shown is how a study runs.


# %%
def dark_liver(crops):
    """Score crops by their share of voxels that are darker than liver but no fat."""
    return ((crops > 0) & (crops < 60)).mean(axis=(1, 2, 3))


GRID = (48, 48, 32)
dataset = spars.datasets.phantoms(8, shape=GRID, tumour_radius=25.0, tumour_contrast=-60.0)

# %% [markdown]
# ## As released: one scan, a mean over iterations
#
# Under the protocol `published` the first training scan is segmented, and the mean and SD are
# those of the iterations' Dice, as the scripts print it.

# %%
thresholds = [
    Setting(setting.name, training_scans=4, window=(8, 8, 6),
            termination_threshold=setting.termination_threshold)
    for setting in STUDIES["termination_thresholds"]
]  # fmt: skip
results = run_study(
    thresholds,
    dataset[[1, 0, 2, 3]],
    classifier=dark_liver,
    iterations=40,
    grid=GRID,
    segmentation_threshold=0.3,
)
print(table(results))

# %% [markdown]
# ## As it should be: held-out scans, a mean over patients with an interval
#
# Under `paper` the scans must be held out, several seeds are averaged for each patient, and the
# interval is over patients.

# %%
windows = [
    Setting(" x ".join(map(str, window)), training_scans=4, window=window)
    for window in ((4, 4, 4), (8, 8, 6), (12, 12, 8))
]
results = run_study(
    windows,
    dataset[:4],
    held_out=dataset[4:],
    classifier=dark_liver,
    protocol="paper",
    iterations=40,
    grid=GRID,
    seeds=(0, 1),
    segmentation_threshold=0.3,
)
print(table(results))

# %%
pd.DataFrame([row for result in results for row in result.experiment.rows])[
    ["case", "seed", "dice"]
]
