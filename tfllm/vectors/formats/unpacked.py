"""The bytes of a file, decompressed if it is gzip (recognised by its first bytes, not its name), with a progress
bar.
"""

import gzip
import os
import zlib

from tfllm.limits import TEXT, most_text

BIG = 64  # MB from which a file gets a progress bar
MB = 2**20


class Unpacked:
    """A context manager for reading. Raises ValueError, with file and line, for broken gzip or a gzip bomb."""

    def __init__(self, path, verbose="auto"):
        self.path = path
        self._raw = open(path, "rb")
        self._packed = self._raw.read(2) == b"\x1f\x8b"
        self._raw.seek(0)
        self.file = gzip.GzipFile(fileobj=self._raw) if self._packed else self._raw
        self._line, self._unpacked = 1, 0
        self._bar = None
        size = os.fstat(self._raw.fileno()).st_size // MB
        if size >= BIG if verbose == "auto" else verbose:
            import keras  # not needed for small files

            self._bar = keras.utils.Progbar(max(1, size), unit_name="MB")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self._bar:
            self._bar.update(self._at(), finalize=True)
        self._raw.close()

    def read(self, size):
        """The next `size` bytes, fewer at the end."""
        try:
            data = self.file.read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(
                f"{self.path}:{self._line}: broken gzip from about here: {error}. Download the file again"
            ) from None
        if self._packed:
            self._line += data.count(b"\n")
            self._unpacked += len(data)
            if self._unpacked > self.most:
                raise ValueError(f"{self.path} unpacks to more than {TEXT} times its size, which word vectors never do")
        if self._bar and data:
            self._bar.update(self._at(), finalize=False)
        return data

    @property
    def most(self):
        """Maximum number of bytes of the decompressed file."""
        return most_text(self.path) if self._packed else os.fstat(self._raw.fileno()).st_size

    def rewind(self):
        """Start again from the beginning."""
        self.file.seek(0)
        self._line, self._unpacked = 1, 0

    def _at(self):
        return self._raw.tell() // MB
