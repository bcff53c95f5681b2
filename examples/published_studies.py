# %% [markdown]
# # The published studies
#
# The paper's repository runs four studies: the main run, five training sizes, five termination
# thresholds, five window sizes. `spars.Study` has them as presets; from the command line `spars
# study run study.yaml --out DIR` runs what a file describes.

# %%
import spars

phantoms = {"n": 8, "shape": [48, 48, 32]}
published = spars.Study({"phantoms": {"n": 40}}, preset="published/all")
published.plan()[["id", "kind", "setting"]].groupby(["kind", "setting"]).count()

# %% [markdown]
# At full size that trains for hours: `plan` forecasts seconds and bytes of each task, and `run`
# goes on where it was stopped. Here is the main run on small phantoms, with what the preset says
# of protocol and split, and three thresholds in place of the one. So little training teaches
# nothing, and Dice is what guessing gives; what is shown is how a study runs.

# %%
small = {
    "classifier": {"input_shape": [108, 108, 108]},
    "window": [16, 16, 8],
    "grid": [48, 48, 32],
    "training_scans": 4,
    "training": {"epochs": 1, "steps_per_epoch": 1, "scans_per_step": 2, "crops_per_scan": 2},
}
study = spars.Study(
    {"phantoms": phantoms},
    preset="published/main",
    split={"train": 4, "validation": 1, "test": ["phantom-1"]},
    base={**small, "segmentation": {"iterations": 5}},
    sweep={"segmentation.termination_threshold": [0.2, 0.4, 0.6]},
)
study.check()
study.plan()

# %%
results = study.run("published")
results.summary(interval=None).frame()

# %% [markdown]
# ## As it should be: held-out patients, several seeds, an interval
#
# In folds each scan is held out once. Seeds of a patient are averaged first, for they are no
# samples of patients; the interval is over patients.

# %%
folds = spars.Study(
    {"phantoms": phantoms},
    split={"folds": 2, "stratified": True},
    base={**small, "segmentation": {"method": "random_walk", "iterations": 5}},
    sweep={"window": [[12, 12, 8], [16, 16, 8]]},
    seeds=[0, 1],
)
results = folds.run("folds")
results.summary(interval="percentile").frame()

# %% [markdown]
# Two computers, or two processes, share a study by the same folder, or by parts that are merged
# when they are read: `folds.run("one", shard=(1, 2))` and `folds.run("two", shard=(2, 2))`, then
# `spars.Results.load("one", "two")`.

# %%
first, second = dict.fromkeys(row["setting"] for row in results)
results.compare(first, second, test="permutation", interval="percentile").frame()

# %%
results.report("report.html")
results.worst(3).frame()
