# %% [markdown]
# # Quickstart: a liver, a mask, a number
#
# A phantom stands in for a scan of a liver with tumours; the weights that come with spars have
# learned from made-up lesions alone. Put your own files in the place of the phantom:
# `spars.load("scan.nii.gz")` and a liver mask.

# %%
import spars

phantom = spars.phantom(seed=2, shape=(128, 128, 80))
scan, liver, reference = phantom.volume, phantom.liver, phantom.tumour
scan

# %% [markdown]
# The classifier scores windows of the liver; their scores become a map, and the map a mask. Its
# recipe knows the spacing, the window and the thresholds.

# %%
found = spars.segment(scan, spars.pretrained(), region=liver)
found

# %%
found.lesions

# %% [markdown]
# Beside every mask belongs the rule that learned nothing: what is darker than most of the liver.
# Where a network does not beat it, it has not helped.

# %%
rival = spars.segment(scan, None, method="intensity", region=liver)
for name, one in (("network", found), ("intensity", rival)):
    print(f"{name:10} Dice {one.dice(reference):.2f}, {one.millilitres:.1f} ml")

# %%
found.plot(reference)

# %% [markdown]
# Files: the mask on the scan's own geometry, the lesions' table, a report for a browser.

# %%
found.save("mask.nii.gz")
spars.report.write_report("report.html", found, reference=reference)
found.evaluate(reference)
