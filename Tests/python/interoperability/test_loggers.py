"""Weights & Biases and MLflow as they are, without a network: what was logged reads back."""

import json
import struct
import time

import mlflow
import numpy as np
import pytest
from wandb.proto import wandb_internal_pb2

import spars
from spars.callbacks import MLflow, WeightsAndBiases

# MLflow uses what its own libraries call deprecated.
pytestmark = pytest.mark.filterwarnings("default")

SCAN = np.random.default_rng(0).random((16, 14, 12)).astype(np.float32)


def play(log, score=lambda crops: crops.mean(axis=(1, 2, 3))):
    return spars.self_play(
        SCAN, score, iterations=3, window=(6, 6, 4), n_steps=16, seed=2, callback=log
    )


def records(data):
    """Yield the records of a run's file: LevelDB's log after a header of seven bytes."""
    place, whole, size = 7, b"", 32768
    while place + 7 <= len(data):
        if size - place % size < 7:
            place += size - place % size
        length, kind = struct.unpack("<HB", data[place + 4 : place + 7])
        whole += data[place + 7 : place + 7 + length]
        place += 7 + length
        # 1 is whole, 4 the last part.
        if kind in (1, 4):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(whole)
            yield record
            whole = b""


def whole_run(path):
    """Return the records of a run once its end stands there: a process of W&B's own writes it."""
    until = time.monotonic() + 30
    while True:
        found = list(records(path.read_bytes()))
        if any(record.HasField("exit") for record in found) or time.monotonic() > until:
            return found
        time.sleep(0.1)


def test_weights_and_biases_keeps_a_run_offline(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = play(WeightsAndBiases("livers", mode="offline", dir=str(tmp_path)))
    (path,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    rows, configuration, codes = [], {}, []
    for record in whole_run(path):
        if record.HasField("history"):
            items = record.history.item
            rows.append({i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in items})
        for item in record.run.config.update:
            configuration[item.key] = json.loads(item.value_json)
        if record.HasField("exit"):
            codes.append(record.exit.exit_code)
    assert [row["_step"] for row in rows] == [16, 32, 48]
    assert [row["rollout/reward_mean"] for row in rows] == pytest.approx(run.rewards.tolist())
    assert configuration["n_steps"] == 16
    assert codes == [0]


@pytest.fixture
def store(tmp_path):
    return f"sqlite:///{tmp_path / 'runs.db'}"


def test_mlflow_keeps_parameters_metrics_and_status(store):
    run = play(MLflow("livers", store))
    client = mlflow.tracking.MlflowClient(store)
    experiment = client.get_experiment_by_name("livers")
    (kept,) = client.search_runs([experiment.experiment_id])
    assert kept.info.status == "FINISHED"
    assert kept.data.tags["kind"] == "self_play"
    assert kept.data.params["n_steps"] == "16"
    told = client.get_metric_history(kept.info.run_id, "rollout/reward_mean")
    assert [metric.step for metric in told] == [16, 32, 48]
    assert [metric.value for metric in told] == run.rewards.tolist()
    assert mlflow.active_run() is None


def test_mlflow_says_that_a_run_failed(store):
    def broken(crops):
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        play(MLflow("livers", store), broken)
    client = mlflow.tracking.MlflowClient(store)
    (kept,) = client.search_runs([client.get_experiment_by_name("livers").experiment_id])
    assert kept.info.status == "FAILED"
