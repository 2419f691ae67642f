"""The figures against the goals and against what was measured before: a table, a plot, and whether all is well."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

REGRESSION = 1.2
"""How many times the recorded ratio is a regression."""


@dataclass(frozen=True)
class Line:
    """One goal with what was measured, each figure a ratio."""

    name: str
    goal: float
    ratios: Sequence[float]
    """One a round; the middle one counts."""
    ours: str
    reference: str
    recorded: bool = True
    """Whether it is held to what was recorded before; tails of latency vary too much from run to run."""

    @property
    def ratio(self) -> float:
        """The middle one."""
        return statistics.median(self.ratios)

    def verdict(self, baseline: Mapping[str, float]) -> str:
        """What is wrong with it, or an empty text."""
        if self.ratio > self.goal:
            return "misses the goal"
        if self.recorded and self.ratio > REGRESSION * baseline.get(self.name, self.ratio):
            return f"was {baseline[self.name]:.2f}"
        return ""


def table(lines: Iterable[Line], baseline: Mapping[str, float]) -> str:
    """Markdown."""
    rows = ["| | ours | reference | ratio | spread | goal | |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for line in lines:
        spread = f"{min(line.ratios):.2f} to {max(line.ratios):.2f}"
        verdict = line.verdict(baseline)
        cells = (line.name, line.ours, line.reference, f"**{line.ratio:.2f}**", spread, str(line.goal), verdict)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


WIDTH, LEFT, ROW, TOP = 900, 260, 26, 40


def plot(lines: Sequence[Line]) -> str:
    """A bar for each ratio with its spread, and where its goal is, as SVG."""
    scale = (WIDTH - LEFT - 60) / max(max(*line.ratios, line.goal) for line in lines)
    marks = []
    for number, line in enumerate(lines):
        top = TOP + number * ROW
        colour = "#2a7f62" if line.ratio <= line.goal else "#b3372f"
        low, high, goal = (LEFT + scale * value for value in (min(line.ratios), max(line.ratios), line.goal))
        marks += [
            f'<text x="{LEFT - 8}" y="{top + 14}" text-anchor="end">{escape(line.name)}</text>',
            f'<rect x="{LEFT}" y="{top}" width="{scale * line.ratio:.1f}" height="18" fill="{colour}"/>',
            f'<path d="M{low:.1f} {top + 9}H{high:.1f}" stroke="#111" stroke-width="2"/>',
            f'<path d="M{goal:.1f} {top - 2}v22" stroke="#d08700" stroke-width="2" stroke-dasharray="3 2"/>',
            f'<text x="{max(high, goal) + 6:.1f}" y="{top + 14}">{line.ratio:.2f}</text>',
        ]
    height = TOP + ROW * len(lines) + 10
    title = "Ratios, the middle of all rounds; black: from the least to the most; dashed: the goal"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="13">'
        f'<rect width="100%" height="100%" fill="white"/><text x="12" y="22">{title}</text>{"".join(marks)}</svg>\n'
    )
