# %% [markdown]
# # Your own scans: look through, train, segment
#
# What is needed: scans in Hounsfield units and a table that says which of them show a tumour.
# Here eight phantoms are written as such files first; leave that cell out and name your own
# table.

# %%
from pathlib import Path

import pandas as pd

import spars

Path("scans").mkdir(exist_ok=True)
rows = []
for case in spars.datasets.phantoms(
    8, shape=(64, 64, 48), tumour_count=1, tumour_radius=25.0, tumour_contrast=-60.0
):
    spars.save(f"scans/{case.name}.nii.gz", case.load())
    spars.save(f"scans/{case.name}-mask.nii.gz", case.load_mask(), like=case.load())
    rows.append(
        {
            "image": f"scans/{case.name}.nii.gz",
            "has_tumour": case.has_tumour,
            "mask": f"scans/{case.name}-mask.nii.gz",
            "group": case.name,
        }
    )
frame = pd.DataFrame(rows)
frame.to_csv("labels.csv", index=False)
frame

# %% [markdown]
# ## Look through them
#
# Before a night is spent on a training: the same scan twice, a mask that lies elsewhere, values
# that are no HU, a patient on both sides of the split. `spars audit --csv labels.csv --held-out
# 2` is the same on the command line, and ends with 1 where there is a fault.

# %%
dataset = spars.datasets.from_frame(frame)
training, held_out = dataset.split(6)
audit = training.audit(held_out)
print(audit.table())
pd.DataFrame(audit.scans)[["scan", "part", "has_tumour", "shape", "lowest", "highest"]]

# %% [markdown]
# ## Train
#
# Only the labels are read, no mask. Windows should be about the size of the tumours. The numbers
# here are so small that this runs in seconds: nothing is learned by them. The demonstration
# (`make demo`) makes 400 steps; patients' scans want more.

# %%
classifier = spars.Classifier((108, 108, 108), spars.IntensityWindow(80, 160), seed=0)
history = classifier.fit(
    training,
    held_out,
    window=(8, 8, 6),
    grid=(64, 64, 48),
    epochs=2,
    steps_per_epoch=2,
    scans_per_step=2,
    crops_per_scan=4,
    validation_steps=1,
    seed=0,
)
classifier.save("weights.safetensors")
pd.DataFrame(history.epochs)[["epoch", "loss"]]

# %% [markdown]
# ## Segment a scan that was held out
#
# The weights remember what a scan must become. Tumour-free scans say what windows without tumour
# score, and so where the threshold belongs; no voxel mask is needed for it.

# %%
free = [case.load() for case in training[[label is False for label in training.labels]][:2]]
thresholds = spars.calibration.calibrate(
    free, classifier, window=(8, 8, 6), grid=(64, 64, 48), stride=8
)
case = held_out[held_out.labels][0]
found = spars.segment(
    case.load(),
    classifier,
    method="exhaustive",
    stride=8,
    segmentation_threshold=thresholds.segmentation_threshold,
)
found.save("mask.nii.gz")
print(f"{case.name}: {found.millilitres:.0f} ml, Dice {found.dice(case.load_mask() == 2):.2f}")

# %%
found.plot(case.load_mask() == 2)
