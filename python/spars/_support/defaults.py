"""The published main run's settings, which are defaults wherever one is asked for, and ours."""

GRID_OF_RECORD = (256, 256, 180)
INPUT_OF_RECORD = (256, 256, 180)
WINDOW_OF_RECORD = (48, 48, 24)
#: Score above which an episode of the search game ends.
TERMINATION_THRESHOLD_OF_RECORD = 0.3
#: What windows of made lesions are brought to: their voxels several times over.
INPUT_OF_WINDOWS = (128, 128, 128)
