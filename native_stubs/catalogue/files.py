"""Reading and writing, for the generators."""

import json
from pathlib import Path


def write(path, text):
    """Leaves an unchanged file alone, so that nothing is rebuilt for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def load(path):
    """Entries of a catalogue file that are part of a release, as (name, entry)."""
    entries = json.loads(Path(path).read_text(encoding="utf-8"))
    return [(name, entry) for name, entry in entries.items() if not entry.get("experimental")]
