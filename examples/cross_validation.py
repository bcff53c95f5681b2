# %% [markdown]
# # Cross-validation, with intervals
#
# Each scan is held out once, scans of one patient stay together, and what is reported is a mean
# over patients with its interval: the more patients, the narrower.

# %%
import pandas as pd
from sklearn.metrics import roc_auc_score

import spars
from spars.sklearn import PresenceClassifier

GRID, WINDOW = (48, 48, 32), (12, 12, 8)
dataset = spars.datasets.phantoms(
    9, shape=GRID, tumour_fraction=5 / 9, tumour_count=1, tumour_radius=25.0, tumour_contrast=-60.0
)
patients = [f"patient {number // 2}" for number in range(len(dataset))]
folds = dataset.folds(3, seed=0, groups=patients)
[[case.name for case in held_out] for _, held_out in folds]

# %% [markdown]
# ## Tumour or none, by scikit-learn's rules
#
# `PresenceClassifier` is an estimator as any other. Two steps teach nothing: raise `epochs` and
# `steps_per_epoch` on scans of your own.

# %%
estimator = PresenceClassifier(
    (108, 108, 108),
    WINDOW,
    GRID,
    epochs=1,
    stride=12,
    options={"steps_per_epoch": 2, "scans_per_step": 2, "crops_per_scan": 2},
)
rows = []
for number, (training, held_out) in enumerate(folds):
    estimator.fit([case.load() for case in training], training.labels)
    likely = estimator.predict_proba([case.load() for case in held_out])[:, 1]
    rows += [
        {"scan": case.name, "fold": number, "has_tumour": case.has_tumour, "probability": value}
        for case, value in zip(held_out, likely, strict=True)
    ]
table = pd.DataFrame(rows)
print(f"ROC AUC {roc_auc_score(table['has_tumour'], table['probability']):.2f}")
table

# %% [markdown]
# ## Dice, paired, with its interval
#
# Two methods on the same scans: the difference of each patient counts, not the two means. A study
# runs both on every scan, keeps what is done, and knows the statistics. Nothing is trained here:
# the weights that come with spars, asked for few windows, beside the rule on intensities.

# %%
study = spars.Study(
    {
        "cases": dataset,
        "groups": {case.name: patient for case, patient in zip(dataset, patients, strict=True)},
        "region": "organ",
    },
    base={"classifier": {"weights": "pretrained"}},
    settings={
        "network": {"segmentation": {"method": "flood", "max_scores": 100}},
        "intensity": {"segmentation": {"method": "intensity"}},
    },
)
results = study.run("rivals")
results.frame()[["setting", "case", "patient", "dice", "prediction_ml"]]

# %%
results.summary(interval="bca").frame()[["setting", "n", "mean", "sd", "low", "high"]]

# %%
results.compare("network", "intensity", test="permutation").frame()

# %% [markdown]
# An interval of the difference that holds 0 says that these scans do not tell the two apart.
