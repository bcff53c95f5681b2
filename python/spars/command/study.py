"""`spars study`: plan, run, watch and read a study that a file describes."""

from __future__ import annotations

import concurrent.futures
import csv
import io
import multiprocessing
from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import Any

from spars._support.files import write_text
from spars._support.progress import progress_bar
from spars.command.inputs import note
from spars.command.outputs import check_outputs
from spars.study.engine import Outcome
from spars.study.results import Results, Table
from spars.study.study import Study

#: What `plan` shows of a task.
_PLANNED = ("id", "kind", "setting", "fold", "seed", "case", "state", "seconds", "bytes")


def study(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Do what the action says with a study."""
    folder = Path(arguments.out or Path(arguments.study).with_suffix(""))
    if arguments.action == "results":
        return _results(arguments, folder)
    found = Study.load(arguments.study, arguments.changes)
    if arguments.action == "run":
        return _run(arguments, found, folder)
    tasks = found.table(folder)
    counts = Counter((task["kind"], task["state"]) for task in tasks)
    if arguments.action == "plan":
        found.check(folder)
        text = str(Table({name: task[name] for name in _PLANNED} for task in tasks))
    else:
        text = str(
            Table({"kind": kind, "state": state, "tasks": n} for (kind, state), n in counts.items())
        )
    left = [task for task in tasks if task["state"] != "done"]
    hours = sum(task["seconds"] for task in left) / 3600
    size = sum(task["bytes"] for task in left) / 2**30
    text += (
        f"\n{len(tasks) - len(left)} of {len(tasks)} tasks are done; the others take roughly "
        f"{hours:.2g} hours one after the other, and {size:.2g} GiB."
    )
    return {"tasks": tasks, "hours": hours}, text


def _run(arguments: Namespace, found: Study, folder: Path) -> tuple[dict[str, Any], str]:
    """Run what is not done; tasks that fail are told at once, and end it with exit code 1."""
    failed: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        if outcome.state == "failed":
            failed.append(outcome)
            note(f"task {outcome.task} ({outcome.kind}): {outcome.error}", "failed")

    options: dict[str, Any] = {
        "shard": _shard(arguments.shard), "callbacks": tell, "progress": progress_bar("tasks"),
    }  # fmt: skip
    if arguments.processes < 1:
        raise ValueError(f"--processes must be 1 or more. Got {arguments.processes}.")
    if arguments.processes == 1:
        results = found.run(folder, **options)
    else:
        # Forked workers would hold locks that a thread of this process had.
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(arguments.processes, context) as pool:
            results = found.run(folder, pool, **options)
    counts = Counter(row["state"] for row in results)
    text = ", ".join(f"{count} {state}" for state, count in counts.items())
    result = {"folder": str(folder), "rows": dict(counts), "failed": len(failed)}
    return result, f"{folder}: {text} of {len(results)} rows"


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    number, slash, count = text.partition("/")
    if not (slash and number.isdigit() and count.isdigit()):
        raise ValueError(f"--shard must be I/N, as 1/2. Got {text}.")
    return int(number), int(count)


def _results(arguments: Namespace, folder: Path) -> tuple[dict[str, Any], str]:
    """Print the tables of what is done."""
    check_outputs({"--csv": arguments.csv, "--report": arguments.report}, {}, {"--csv": (".csv",)})
    results = Results.load(folder)
    metric = arguments.metric
    tables = {"summary": results.summary(arguments.by, metric=metric)}
    if arguments.compare:
        tables["comparison"] = results.compare(arguments.compare, metric=metric)
    if arguments.worst:
        tables["worst"] = results.worst(arguments.worst, metric)
    if arguments.csv:
        write_text(arguments.csv, _csv(results))
    if arguments.report:
        results.report(arguments.report, metric)
    counts = Counter(row["state"] for row in results)
    text = "\n\n".join(f"{metric}, {name}\n{table}" for name, table in tables.items())
    return {name: list(table) for name, table in tables.items()} | {"rows": dict(counts)}, text


def _csv(results: Results) -> str:
    table = Table(results)
    text = io.StringIO()
    writer = csv.DictWriter(text, table.columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()
