"""What the commands of `spars.cli` do. Each takes the parsed arguments and returns (result, text).

The result is what `--json` prints, as plain values; the text is for people.
"""

import os

import spars
from spars import metrics
from spars._extras import progress_bar
from spars.segmentation import as_mask
from spars.volume import as_volume

NIFTI = (".nii", ".nii.gz", ".hdr", ".img", ".hdr.gz", ".img.gz")


def set_threads(count):
    """Set the threads of the compiled core."""
    spars.set_thread_count(count)


def demo(arguments):
    """Run the demonstration."""
    from spars.demo import DemoConfiguration, run_demo

    given = {
        name: getattr(arguments, name)
        for name in ("seed", "scans", "epochs", "iterations")
        if getattr(arguments, name) is not None
    }
    result = run_demo(arguments.output, DemoConfiguration(**given), quiet=arguments.json)
    return result, result["text"]


def train(arguments):
    """Train a classifier and write its weights."""
    from spars.report import losses

    _check_writable(arguments.output, arguments.history)
    dataset = _dataset(arguments)
    kept = arguments.validation_scans
    if not 0 <= kept < len(dataset):
        raise ValueError(
            "--validation-scans must leave a scan to train on: "
            f"0 to {len(dataset) - 1}. Got {kept}."
        )
    validation = dataset[len(dataset) - kept :] if kept else None
    classifier = spars.Classifier(input_shape=tuple(arguments.input_shape), seed=arguments.seed)
    history = classifier.fit(
        dataset[: len(dataset) - kept],
        validation,
        window=tuple(arguments.window),
        grid=_grid(arguments.grid),
        protocol=arguments.protocol,
        epochs=arguments.epochs,
        steps_per_epoch=arguments.steps_per_epoch,
        scans_per_step=arguments.scans_per_step,
        crops_per_scan=arguments.crops_per_scan,
        learning_rate=arguments.learning_rate,
        validation_steps=arguments.validation_steps,
        seed=arguments.seed,
        progress=progress_bar("training"),
    )
    classifier.save(arguments.output)
    result = {"output": arguments.output, "history": history.to_dict()}
    if arguments.history:
        _write_json(arguments.history, result["history"])
    loss = losses(result["history"]["epochs"])
    return result, (
        f"{arguments.output}: trained on {len(dataset) - kept} scans for {len(loss)} epochs, "
        f"loss {loss[0]:.3f} to {loss[-1]:.3f}"
    )


def segment(arguments):
    """Segment a scan and write the mask."""
    _check_writable(arguments.output, arguments.score_map, arguments.report)
    _check_nifti(arguments.output, "--output")
    if arguments.score_map:
        _check_nifti(arguments.score_map, "--score-map")
    scan = as_volume(arguments.scan)
    reference = region = None
    if arguments.reference:
        reference = _mask(arguments.reference, arguments.reference_value, "reference", scan.shape)
    if arguments.region:
        region = _mask(arguments.region, arguments.region_value, "region", scan.shape)
    more = {} if arguments.n_steps is None else {"n_steps": arguments.n_steps}
    found = spars.segment(
        scan,
        spars.Classifier.load(arguments.classifier),
        iterations=arguments.iterations,
        window=tuple(arguments.window),
        grid=_grid(arguments.grid),
        protocol=arguments.protocol,
        termination_threshold=arguments.termination_threshold,
        segmentation_threshold=arguments.segmentation_threshold,
        method=arguments.method,
        region=region,
        seed=arguments.seed,
        progress=progress_bar("searching"),
        **more,
    )
    found.save(arguments.output)
    if arguments.score_map:
        found.save_score_map(arguments.score_map)
    if arguments.report:
        from spars.report import write_report

        title = f"Tumour segmentation of {os.path.basename(arguments.scan)}"
        write_report(arguments.report, found, title=title, reference=reference)
    result = {
        "output": arguments.output,
        "voxels": int(found.mask.sum()),
        "configuration": found.configuration,
    }
    text = f"{arguments.output}: {found!r}"
    if reference is not None:
        result["dice"] = found.dice(reference)
        text += f"\nDice {result['dice']:.4f}"
    return result, text


def evaluate(arguments):
    """Compare a mask with a reference."""
    reference = as_volume(arguments.reference)
    mask = _mask(arguments.mask, arguments.mask_value, "mask", reference.shape)
    wanted = as_mask(reference, "reference", "evaluate", value=arguments.reference_value)
    result = metrics.evaluate(
        mask, wanted, spacing=reference.spacing, tolerance=arguments.tolerance
    )
    from spars.report import METRICS, number

    lines = []
    for name, value in result.items():
        label, unit, *_ = METRICS[name]
        lines.append(f"{label:<28} {number(value):>10} {unit}".rstrip())
    return result, "\n".join(lines)


def info(arguments):
    """Describe the installation, or a file."""
    if arguments.file is None:
        from spars.report import versions

        result = versions()
    elif arguments.file.lower().endswith(NIFTI):
        result = _describe_scan(as_volume(arguments.file))
    else:
        result = _describe_weights(spars.Classifier.load(arguments.file))
    width = max(len(name) for name in result)
    return result, "\n".join(f"{name:<{width}}  {value}" for name, value in result.items())


def _describe_scan(volume):
    array = volume.array
    result = {
        "shape": list(volume.shape),
        "spacing": [round(length, 6) for length in volume.spacing],
        "affine": volume.affine.tolist(),
        "minimum": float(array.min()),
        "maximum": float(array.max()),
    }
    if volume.header is not None:
        result["format"] = f"NIfTI-{volume.header.version}"
        for field in ("datatype", "scl_slope", "scl_inter", "qform_code", "sform_code", "descrip"):
            value = volume.header[field]
            result[field] = value.decode("latin-1") if isinstance(value, bytes) else value
    return result


def _describe_weights(classifier):
    hu = classifier.intensity_window
    return {
        "input_shape": list(classifier.input_shape),
        "intensity_window": None if hu is None else f"level {hu.level}, width {hu.width}",
        "parameters": sum(array.size for array in classifier.parameters().values()),
    }


def _dataset(arguments):
    from spars import datasets

    if arguments.csv:
        return datasets.from_csv(arguments.csv, root=arguments.root)
    if arguments.msd:
        return datasets.MSD(arguments.msd)
    return datasets.phantoms(arguments.phantoms, seed=arguments.seed)


def _mask(path, value, name, shape):
    return as_mask(path, name, "spars", value=value, shape=shape)


def _grid(values):
    if list(values) == ["native"]:
        return None
    if len(values) != 3 or "native" in values:
        raise ValueError(
            f"--grid takes three numbers, or 'native'. Got {' '.join(map(str, values))}."
        )
    return tuple(values)


def _check_nifti(path, option):
    if not path.lower().endswith((".nii", ".nii.gz")):
        raise ValueError(f"{option} must end in .nii or .nii.gz. Got {path}.")


def _check_writable(*paths):
    """Refuse outputs whose folder is missing now, not after minutes of work."""
    for path in paths:
        folder = os.path.dirname(path or "") or "."
        if path and not os.path.isdir(folder):
            raise FileNotFoundError(2, "the folder of this output does not exist", path)


def _write_json(path, content):
    import json

    from spars.cli import jsonable

    with open(path, "w", encoding="utf-8") as file:
        json.dump(jsonable(content), file, indent=2, allow_nan=False)
        file.write("\n")
