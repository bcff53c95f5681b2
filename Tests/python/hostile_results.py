"""More sound calls for `hostile.py`: agents, studies, and what measures and shows results."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from study_cases import INTENSITY, dark

import spars
from spars import baselines, calibration, coverage, datasets, exhaustion, plots, report
from spars.search.map_policy import MapPolicy
from spars.study.benchmark import with_made_lesions

Calls = dict[str, tuple[Callable[..., object], dict[str, object]]]


def score(crops: np.ndarray) -> np.ndarray:
    return np.full(len(crops), 0.3, np.float32)


def calls(
    scan: np.ndarray, run: spars.Run, found: spars.Segmentation, league: spars.League
) -> Calls:
    """Return each call by name, with arguments that it takes, as `hostile.calls` does."""
    atlas = spars.ScoreAtlas.compute(scan, score, (4, 4, 4), stride=4)
    search = {"volume": scan, "scorer": score, "window": (4, 4, 4), "stride": 4}
    mask = (scan > 60).astype(np.uint8)
    agents = spars.Agents(MapPolicy(seed=0), {"scans": 0})
    agents.save("agents.npz")
    known = spars.Classifier((108, 108, 108))
    known.recipe = spars.Recipe.of_organ(2.0, (4, 4, 4), margin=2.0, stride=4)
    cases = [dark(number) for number in (0, 1)]
    liver = {"volume": cases[1].load(), "classifier": known, "region": cases[1].load_organ()}
    study = spars.Study(**INTENSITY)
    results = study.run("study")
    described = {"schema": 1, "data": {"phantoms": {"n": 2}}, "split": {"folds": 2}}
    Path("study.json").write_text(json.dumps(described), encoding="utf-8")
    walked = baselines.random_walk(**search, n_steps=4)
    pair = spars.parallel_env(**search)
    pair.reset(seed=1)
    crops = np.zeros((2, 108, 108, 108), np.float32)
    parts = {"volume": scan, "prediction": mask, "reference": mask, "score_map": scan}
    return {
        "as_volume": (spars.as_volume, {"volume": scan}),
        "Agents": (spars.Agents, {"policy": MapPolicy(seed=0), "training": {}, "least_worth": 0.1}),
        "Agents.load": (spars.Agents.load, {"path": "agents.npz"}),
        "Agents.save": (agents.save, {"path": "b.npz"}),
        "Agents.doubts": (agents.doubts, {"recipe": spars.Recipe.of_organ()}),
        "train_agents": (
            spars.train_agents,
            {"dataset": cases, "classifier": known, "lesion_sets": 1, "rounds": 1,
             "max_scores": 20, "learn": "regression"},
        ),
        "segment by agents": (spars.segment, liver | {"agents": agents, "max_scores": 32}),
        "segment under a budget": (spars.segment, liver | {"method": "flood", "max_scores": 32}),
        "Study": (spars.Study, dict(INTENSITY) | {"seeds": [0], "name": "a", "split": None}),
        "Study.plan": (study.plan, {"folder": "study"}),
        "Study.run": (study.run, {"folder": "study", "resume": True, "shard": None}),
        "Results.load": (lambda folder: spars.Results.load(folder), {"folder": "study"}),
        "Results.summary": (results.summary, {"by": "setting", "interval": "percentile"}),
        "Results.worst": (results.worst, {"k": 1, "metric": "dice"}),
        "Results.report": (results.report, {"path": "study.html", "metric": "dice"}),
        "coverage.coverage": (coverage.coverage, {"search": walked, "atlas": atlas}),
        "coverage.regret": (coverage.regret, {"search": walked, "atlas": atlas, "kind": "simple"}),
        "calibrate_presence": (
            calibration.calibrate_presence, {"dataset": cases, "classifier": known},
        ),
        "grad_cam": (baselines.grad_cam, search | {"scorer": known, "layer": 3}),
        "Classifier.attributions": (
            known.attributions, {"volume": scan, "origins": [[0, 0, 0]], "window": (4, 4, 4)},
        ),
        "Classifier.loss_and_gradients": (
            known.loss_and_gradients, {"crops": crops, "has_tumour": [0, 1]},
        ),
        "Classifier.logits": (known.logits, {"x": crops[:1]}),
        "parallel_env": (spars.parallel_env, dict(search)),
        "parallel_env.step": (pair.step, {"actions": dict.fromkeys(pair.agents, 0)}),
        "ExhaustionEnv": (exhaustion.ExhaustionEnv, dict(search)),
        "datasets.phantom_livers": (datasets.phantom_livers, {"n": 1, "seed": 1}),
        "plots.curves": (
            plots.curves, {"series": {"a": [1.0, 2.0]}, "x_label": "x", "y_label": "y"},
        ),
        "plots.overlay": (plots.overlay, parts | {"index": 3}),
        "plots.views": (plots.views, dict(parts)),
        "plots.payoff": (plots.payoff, {"league": league}),
        "plots.budgets": (plots.budgets, {"reached": {"a": {1: 0.5, 8: 0.7}}}),
        "write_report": (
            report.write_report, {"path": "r.html", "segmentation": found, "reference": mask},
        ),
        "Segmentation.evaluate": (found.evaluate, {"reference": mask}),
        "Run.regret": (run.regret, {}),
        "load_classifier": (
            spars.load_classifier, {"path": "weights.safetensors", "input_shape": None},
        ),
        "ScoreAtlas.on_strides": (atlas.on_strides, {"stride": 2}),
        "League.of": (spars.League.of, {"run": run, "seed": 1, "max_steps": 4}),
        "League.add_run": (
            lambda run, prefix: spars.League.of(run, max_steps=4).add_run(run, prefix),
            {"run": run, "prefix": "again "},
        ),
        "Dataset.audit": (datasets.Dataset(cases).audit, {"held_out": (), "reference_value": 2}),
        "with_made_lesions": (
            with_made_lesions, {"dataset": cases, "law": None, "seed": 1, "most": 1},
        ),
        "Study.load": (spars.Study.load, {"file": "study.json", "changes": ["seeds=[0]"]}),
        "Results": (lambda rows: spars.Results(rows).summary(), {"rows": list(results)}),
        "Results.curves": (results.curves, {"row": results[0]}),
        "surfaces": (report.surfaces, {"segmentation": found, "reference": mask}),
        "from_csv of a folder": (datasets.from_csv, {"csv": "scans.csv", "root": "."}),
        "Augmentation.again": (spars.Augmentation.again, {"recorded": {"noise": 1.0}}),
        "Augmentation.of": (spars.Augmentation.of, {"given": {"noise": 1.0}}),
    }  # fmt: skip
