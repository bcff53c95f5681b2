"""The windows that a segmentation by the weights that come with spars asks for."""

import numpy as np
import rows


def windows():
    """The windows of a phantom's liver by the weights that come with spars: 16^3 at 128^3."""
    import peers

    import spars
    from spars.search.frames import OrganFrame

    classifier = spars.pretrained()
    recipe = classifier.recipe
    made = spars.phantom(seed=1, has_tumour=False)
    frame = OrganFrame.of(made.volume, made.liver, recipe)
    values, shape = frame.seen.array, classifier.input_shape
    network = peers.torch_network(shape)
    evaluate = peers.openvino_evaluation(network, shape, spars.thread_count())
    crop = values[tuple(slice(n // 2 - 8, n // 2 + 8) for n in values.shape)]

    def openvino_one():
        evaluate(spars.resample(np.ascontiguousarray(crop), shape, interpolation="nearest"))

    def score(progress=None):
        return spars.ScoreAtlas.compute(
            values, classifier, recipe.window, grid=values.shape, stride=recipe.stride,
            protocol=recipe.protocol, region=frame.working.organ, covers_edge=False,
            progress=progress,
        )  # fmt: skip

    planned = []
    score(lambda done, windows: planned.append(windows))
    count = planned[-1]
    return score, {f"OpenVINO float32, {count:,} times one": rows.part_of(count, openvino_one)}
