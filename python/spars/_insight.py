"""What can be asked of a run beyond its records: what it saw, and what that was worth."""

from spars import coverage
from spars._visits import visits_of_run
from spars.scorers import ScoreAtlas


class Insight:
    """The questions that a `spars.Run` answers from its records, its scan and its scorer."""

    def coverage(self, atlas=None, *, best=0.01, progress=None):
        """Return what was seen after each step, as `spars.coverage.coverage` defines it."""
        return coverage.coverage(self, atlas, best=best, progress=progress)

    def regret(self, atlas=None, *, kind="simple", progress=None):
        """Return the regret after each step, as `spars.coverage.regret` defines it."""
        return coverage.regret(self, atlas, kind=kind, progress=progress)

    def _visits(self):
        return visits_of_run(self.windows, self.step_scores, self.ends, self.configuration)

    def _atlas(self, owner, progress):
        """Return every window's score, scoring those not known yet."""
        if self._match is None:
            raise ValueError(
                f"The 'atlas' parameter of {owner} must be a ScoreAtlas for a run that was loaded "
                "without its scan and classifier. Got None instead."
            )
        played = self._match.field
        played.score_all(progress)
        return ScoreAtlas(played.scores(), played.axes(), played.window, played.grid)
