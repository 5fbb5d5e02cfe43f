"""Lines of a vector file that are not as they should be: the first is an error, or all are left out and counted."""

LISTED = 5  # line numbers named for each kind
WAYS = ("raise", "skip")


class Faults:
    """faults(kind, number, said): ValueError with file and line, or, with `skip`, one more to be counted.

    unit: what the numbers count, "line" or, in binary files, "word".
    """

    def __init__(self, path, errors, unit="line"):
        if errors not in WAYS:
            raise ValueError(f"errors must be one of {WAYS}, got {errors!r}")
        self.path, self.skip, self.unit = path, errors == "skip", unit
        self._numbers, self._notes = {}, []

    def __call__(self, kind, number, said):
        if not self.skip:
            place = f":{number}" if self.unit == "line" else f", {self.unit} {number}"
            raise ValueError(f"{self.path}{place}: {said}. errors='skip' leaves such {self.unit}s out, with a warning")
        self._numbers.setdefault(kind, []).append(number)

    def whole(self, said):
        """Something about the file as a whole."""
        if not self.skip:
            raise ValueError(f"{self.path}: {said}. errors='skip' takes what is there, with a warning")
        self._notes.append(said)

    def report(self, count):
        """What was left out of `count` lines, as one sentence; None where nothing was."""
        parts = [f"{len(numbers)} {kind} ({self._listed(numbers)})" for kind, numbers in self._numbers.items()]
        left_out = sum(map(len, self._numbers.values()))
        said = [f"left out {left_out} of {count} {self.unit}s: {', '.join(parts)}"] if parts else []
        return f"{self.path}: {'; '.join(said + self._notes)}" if said or self._notes else None

    def _listed(self, numbers):
        return f"{self.unit} {', '.join(map(str, numbers[:LISTED]))}{', ...' if len(numbers) > LISTED else ''}"
