"""Which of the admitted requests take part in the next step: a small pure object, no torch, no clock, no threads.

Who is admitted at all is the queue's business. Here rows are only short when more were admitted than fit one forward.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar


@dataclass(eq=False)
class Candidate:
    """A request that could take a step.

    batch_key: only candidates with equal keys share a forward (shape, model, adapters).
    rows: rows its next step adds. cost: their price in any unit that makes shapes comparable (latent positions).
    urgency: smaller goes first. arrival: breaks ties. passed_over: steps it has been left out in a row.
    """

    batch_key: Hashable
    rows: int
    cost: int
    urgency: float
    arrival: int
    passed_over: int = 0


C = TypeVar("C", bound=Candidate)


@dataclass
class Turns:
    """Chooses by urgency; between shapes of equal urgency by deficit round robin (Shreedhar and Varghese 1995).

    patience: a candidate passed over this many times in a row counts as most urgent once, so that nothing starves
    under a stream of urgent work.
    """

    patience: int = 16
    _deficit: dict[Hashable, float] = field(default_factory=dict)
    _ring: list[Hashable] = field(default_factory=list)

    def choose(self, candidates: Sequence[C], max_rows: int) -> list[C]:
        """The candidates of the next step: all of one key, most urgent first, within `max_rows` (at least one).

        Updates `passed_over` of all candidates.
        """
        if not candidates:
            return []
        ranked = sorted(candidates, key=self._rank)
        first_class = self._rank(ranked[0])[0]
        keys = list(dict.fromkeys(one.batch_key for one in ranked if self._rank(one)[0] == first_class))
        batches = {key: self._fill([one for one in ranked if one.batch_key == key], max_rows) for key in keys}
        chosen = batches[self._take_turn({key: sum(one.cost for one in batch) for key, batch in batches.items()})]
        for one in candidates:
            one.passed_over += 1
        for one in chosen:
            one.passed_over = 0
        return chosen

    def _rank(self, candidate: Candidate) -> tuple[float, int]:
        if candidate.passed_over >= self.patience:
            return float("-inf"), candidate.arrival
        return candidate.urgency, candidate.arrival

    @staticmethod
    def _fill(ranked: list[C], max_rows: int) -> list[C]:
        chosen, rows = [ranked[0]], ranked[0].rows
        for one in ranked[1:]:
            if rows + one.rows <= max_rows:
                chosen.append(one)
                rows += one.rows
        return chosen

    def _take_turn(self, costs: dict[Hashable, int]) -> Hashable:
        """Whose turn it is among the keys that have a batch ready, each with its cost."""
        if len(costs) == 1:
            self._deficit.clear()
            return next(iter(costs))
        self._deficit = {key: self._deficit.get(key, 0.0) for key in costs}  # a key with nothing to do saves nothing up
        self._ring = [key for key in self._ring if key in costs] + [key for key in costs if key not in self._ring]
        quantum = min(costs.values())
        while True:
            for position, key in enumerate(self._ring):
                if self._deficit[key] >= costs[key]:
                    self._deficit[key] -= costs[key]
                    self._ring = self._ring[position:] + self._ring[:position]  # its turn lasts while its credit does
                    return key
            for key in self._ring:
                self._deficit[key] += quantum
            self._ring = self._ring[1:] + self._ring[:1]
