"""A trace file as tests look at it. Times in nanoseconds."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]
Row = tuple[int, int]


def began(event: Event) -> int:
    return round(event["ts"] * 1000)


def ended(event: Event) -> int:
    return began(event) + round(event["dur"] * 1000)


def row(event: Event) -> Row:
    return event["pid"], event["tid"]


class Timeline:
    """What a complete file says. The stand-in's file and Python's are looked at in the same way."""

    def __init__(self, path: Path) -> None:
        self.events: list[Event] = json.loads(path.read_text(encoding="ascii"))["traceEvents"]

    def of(self, phase: str) -> list[Event]:
        return [event for event in self.events if event["ph"] == phase]

    def spans(self, category: str) -> list[Event]:
        return [event for event in self.of("X") if event["cat"].split(",")[0] == category]

    def counts(self, category: str) -> Counter[str]:
        return Counter(event["name"] for event in self.spans(category))

    def names(self, what: str) -> dict[Row, str]:
        """Of processes or rows."""
        return {row(event): event["args"]["name"] for event in self.of("M") if event["name"] == what}

    def rows(self) -> dict[Row, list[Event]]:
        """Everything that lasts, by row, outer events before inner ones."""
        found: defaultdict[Row, list[Event]] = defaultdict(list)
        for event in sorted(self.of("X"), key=lambda event: (began(event), -ended(event))):
            found[row(event)].append(event)
        return found

    def badly_nested(self) -> Iterator[tuple[Event, Event]]:
        """Pairs on one row of which neither holds the other nor is over when the other begins."""
        for events in self.rows().values():
            open_ones: list[Event] = []
            for event in events:
                while open_ones and ended(open_ones[-1]) <= began(event):
                    open_ones.pop()
                if open_ones and ended(open_ones[-1]) < ended(event):
                    yield open_ones[-1], event
                open_ones.append(event)

    def arrows(self) -> list[tuple[Event, Event]]:
        """The events that each arrow leads from and to, the innermost ones."""
        starts = {event["id"]: event for event in self.of("s")}
        assert len(starts) == len(self.of("s"))
        ends = {event["id"]: event for event in self.of("f")}
        assert starts.keys() == ends.keys()
        return [(self._holding(starts[each]), self._holding(ends[each])) for each in starts]

    def _holding(self, point: Event) -> Event:
        at = began(point)
        holding = [each for each in self.rows()[row(point)] if began(each) <= at <= ended(each)]
        return holding[-1]
