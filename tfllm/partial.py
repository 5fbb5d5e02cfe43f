"""A file that is written line by line, one for each record, and continued after any interruption."""

import json
import os
from pathlib import Path


class Part:
    """The unfinished output, FILE.partial, and FILE.partial.json, which says what it is the output of."""

    def __init__(self, file, what):
        self.file, self.path = Path(file), Path(f"{file}.partial")
        self.note = Path(f"{file}.partial.json")
        self.what = json.dumps(what, sort_keys=True)

    def begin(self, restart=False):
        """The number of records that are answered already. Raises ValueError if another input or model made them."""
        if restart or not self.path.exists() or not self.note.exists():
            self.path.unlink(missing_ok=True)
            self.note.write_text(self.what, "utf-8")
            return 0
        if self.note.read_text("utf-8") != self.what:
            raise ValueError(f"{self.path} is of another input, model or options: --restart begins anew")
        return whole_lines(self.path)

    def finish(self):
        os.replace(self.path, self.file)
        self.note.unlink()


def whole_lines(path):
    """The number of whole lines of a file, whose incomplete last line is removed."""
    count, end, position = 0, 0, 0
    with open(path, "rb+") as file:
        while block := file.read(1 << 20):
            if newlines := block.count(b"\n"):
                count, end = count + newlines, position + block.rindex(b"\n") + 1
            position += len(block)
        file.truncate(end)
    return count
