"""What is given up where a machine cannot keep up: steps, then painting, then frames; and taken back when it can."""

from __future__ import annotations

from facediff.live.renderer import Level

_SMOOTH = 0.25  # weight of the newest measurement
_ROOM = 0.95  # share of a frame's time that a richer level may take before it is taken back
_HURRY_S, _PATIENCE_S, _LONGEST_S = 0.4, 4.0, 120.0
_FORGIVEN = 20  # frames in time that outweigh a late one: single ones are late at every level


class Governor:
    """Chooses how much is done for each frame.

    It goes a level down when frames have been late for ``_HURRY_S``, and up again after a while with hardly a late one,
    if the richer level took little enough when it was last tried; each trial that fails doubles the wait for the next.

    Args:
        levels: From all to least.
        frame_s: Seconds a frame lasts.
    """

    def __init__(self, levels: tuple[Level, ...], frame_s: float) -> None:
        self._levels, self._frame_s = levels, frame_s
        self._at, self._cost = 0, [0.0] * len(levels)
        self._late_s = self._good_s = 0.0
        self._wait = [_PATIENCE_S] * len(levels)

    @property
    def level(self) -> Level:
        """What is done now."""
        return self._levels[self._at]

    @property
    def hasty(self) -> Level:
        """What is done for a frame that is waited for: no denoising, or less where less is done now."""
        return next(level for level in self._levels[self._at :] if not level.steps)

    def measure(self, level: Level, frame_s: float) -> None:
        """A frame takes so long at a level: what it holds up those behind it by, where several are on the way."""
        at = self._levels.index(level)
        before = self._cost[at]
        self._cost[at] = frame_s if not before else before + _SMOOTH * (frame_s - before)

    def pass_time(self, frames: int, late: int) -> None:
        """So many frames went by, of which so many were late."""
        passed = frames * self._frame_s
        if late:
            self._late_s += passed
            self._good_s = max(0.0, self._good_s - _FORGIVEN * late * self._frame_s)
        else:
            self._late_s, self._good_s = max(0.0, self._late_s - passed), self._good_s + passed
        if self._late_s >= _HURRY_S and self._at + 1 < len(self._levels):
            self._wait[self._at] = min(_LONGEST_S, 2 * self._wait[self._at])
            self._move(self._at + 1)
        elif self._at and self._good_s >= self._wait[self._at - 1] and self._has_room():
            self._move(self._at - 1)

    def _has_room(self) -> bool:
        """Whether the richer level may be tried: it fits, or it has been long since it did not."""
        richer = self._levels[self._at - 1]
        budget = self._frame_s * richer.every
        waited = self._good_s >= 4 * self._wait[self._at - 1]
        return self._cost[self._at - 1] <= _ROOM * budget or waited

    def _move(self, to: int) -> None:
        self._at, self._late_s, self._good_s = to, 0.0, 0.0
