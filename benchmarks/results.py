"""Results in a JSONL file, one row per run, so that a run is not repeated."""

import json


class Results:
    def __init__(self, path):
        self.path = path

    @property
    def rows(self):
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []

    def has(self, **key):
        """Whether there is a row with these values."""
        return any(key.items() <= row.items() for row in self.rows)

    def add(self, row):
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(row, flush=True)
