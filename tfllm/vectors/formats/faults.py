"""Handling of invalid lines in a vector file: raise an error for the first, or skip and count them all."""

LISTED = 5  # line numbers listed for each kind
WAYS = ("raise", "skip")


class Faults:
    """faults(kind, number, message): raise ValueError with file and line or, with `skip`, count it.

    unit: what the numbers count, "line" or, in binary files, "word".
    """

    def __init__(self, path, errors, unit="line"):
        if errors not in WAYS:
            raise ValueError(f"errors must be one of {WAYS}, got {errors!r}")
        self.path, self.skip, self.unit = path, errors == "skip", unit
        self._numbers, self._notes = {}, []

    def __call__(self, kind, number, message):
        if not self.skip:
            where = f":{number}" if self.unit == "line" else f", {self.unit} {number}"
            raise ValueError(f"{self.path}{where}: {message}. errors='skip' skips such {self.unit}s with a warning")
        self._numbers.setdefault(kind, []).append(number)

    def of_file(self, message):
        """Report a problem of the file as a whole."""
        if not self.skip:
            raise ValueError(f"{self.path}: {message}. errors='skip' reads what there is, with a warning")
        self._notes.append(message)

    def report(self, count):
        """A sentence about what was skipped of `count` lines; None if nothing was."""
        parts = [f"{len(numbers)} {kind} ({self._listed(numbers)})" for kind, numbers in self._numbers.items()]
        left_out = sum(map(len, self._numbers.values()))
        message = [f"skipped {left_out} of {count} {self.unit}s: {', '.join(parts)}"] if parts else []
        return f"{self.path}: {'; '.join(message + self._notes)}" if message or self._notes else None

    def _listed(self, numbers):
        return f"{self.unit} {', '.join(map(str, numbers[:LISTED]))}{', ...' if len(numbers) > LISTED else ''}"
