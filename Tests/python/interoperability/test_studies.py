"""Studies on a cluster of dask.distributed: the serial run's bits, also when a worker is killed."""

import os
import signal
import time

import pytest
from distributed import Client, LocalCluster
from places import ROOT
from study_cases import INTENSITY, PHANTOMS, SMALL, table_of

import spars

pytestmark = pytest.mark.filterwarnings("ignore")
TRAINED = {
    "data": PHANTOMS,
    "base": {**SMALL, "training": {**SMALL["training"], "epochs": 6}},
    "split": {"folds": 2},
    "seeds": [0, 1],
}


def test_two_workers_one_of_which_is_killed_give_the_serial_table(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "python"))
    study = spars.Study(**TRAINED)
    serial = study.run(tmp_path / "serial")
    folder = tmp_path / "cluster"
    killed = []
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        victim = next(iter(client.run(os.getpid).values()))

        def kill(outcome):
            # The first training is done: the workers are at the next two.
            if not killed:
                until = time.monotonic() + 60
                while len(list(folder.glob("tasks/*/lease"))) < 1 and time.monotonic() < until:
                    time.sleep(0.01)
                os.kill(victim, signal.SIGKILL)
                killed.append(outcome)

        results = study.run(folder, client.get_executor(), callbacks=kill)
    assert killed
    assert table_of(results) == table_of(serial)
    for task in (folder / "tasks").iterdir():
        text = (task / "log.txt").read_text()
        assert text.count("done in ") == 1


def test_pages_in_three_dimensions_are_left_where_they_are_asked_for(tmp_path):
    base = {**INTENSITY["base"], "surfaces": True}
    results = spars.Study(**{**INTENSITY, "base": base}).run(tmp_path)
    assert [row["state"] for row in results] == ["done"] * 4
    for name in ("final_predictions_3d", "predicted_and_ground_truth_labels_3d"):
        assert len(list(tmp_path.glob(f"tasks/*/{name}.html"))) == 4
