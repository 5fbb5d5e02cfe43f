"""Requests -> batches: texts of different requests that wait at the same time are answered together.

A batch holds texts of one signature, with the same scalars, of similar length. It starts when it is full, or when its
oldest text has waited `latency` seconds and a worker is free. A request of a random signature is a batch of its own:
the random numbers of a text depend on its row.
"""

import asyncio
from collections import OrderedDict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from tfllm.private_api import cancellation
from tfllm.serving.served_model import stripped


class Full(Exception):
    """Too many texts are waiting: status 429."""


@dataclass(eq=False)
class Request:
    """The texts of a request, one part of them in each batch."""

    size: int
    future: asyncio.Future
    parts: dict = field(default_factory=dict)  # {index of a text: its outputs}

    def fill(self, index, outputs):
        self.parts[index] = outputs
        if len(self.parts) == self.size and not self.future.done():
            self.future.set_result([self.parts[i] for i in range(self.size)])


@dataclass(frozen=True, eq=False)
class Row:
    request: Request
    index: int
    texts: tuple  # bytes of each text input
    time: float


class Batcher:
    """`answer` is called by any number of coroutines of one event loop.

    batch_size: most texts of a batch. latency: seconds that a text waits for others. workers: batches that run at the
    same time. queue: most texts that wait. observe(signature, rows, waited, seconds): called after each batch.
    """

    def __init__(self, batch_size=32, latency=0.005, workers=1, queue=1000, observe=None):
        self.batch_size, self.latency, self.queue, self.observe = batch_size, latency, queue, observe
        self.pool = ThreadPoolExecutor(workers, thread_name_prefix="model")
        self.free = workers
        self.waiting = OrderedDict()  # {key: deque of rows}
        self.count = 0
        self.tasks, self.timer = set(), None

    async def answer(self, signature, columns, scalars):
        """Columns of bytes and {name: NumPy scalar} -> {name: NumPy array [N, ...]}, as the signature alone gives it.

        Raises Full, and what the signature raises. Cancelling it takes its texts from the queue, and stops the
        computation if nobody else waits for it.
        """
        size = len(columns[0])
        if not size:  # the shapes and types of the answers to no text
            return await asyncio.get_running_loop().run_in_executor(self.pool, signature, columns, scalars)
        if self.count + size > self.queue:
            raise Full(f"{self.count} texts are waiting; the queue takes {self.queue}")
        loop = asyncio.get_running_loop()
        request = Request(size, loop.create_future())
        own = object() if signature.is_random else None
        for i, texts in enumerate(zip(*columns, strict=True)):
            bucket = 0 if own else sum(map(len, texts)).bit_length()
            key = signature, tuple(sorted(scalars.items())), own, bucket
            self.waiting.setdefault(key, deque()).append(Row(request, i, texts, loop.time()))
        self.count += size
        self.start()
        return joined(await request.future, signature)

    def start(self):
        """Start batches while a worker is free and one is due; else look again when the oldest text is."""
        loop = asyncio.get_running_loop()
        if self.timer:
            self.timer.cancel()
            self.timer = None
        while self.free and self.waiting:
            self.forget_cancelled()
            due, key = self.next_due(loop.time())
            if key is None:
                return
            if due > loop.time():
                self.timer = loop.call_at(due, self.start)
                return
            task = loop.create_task(self.run(key[0], dict(key[1]), self.take(key)))
            self.free -= 1
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def forget_cancelled(self):
        for key, rows in list(self.waiting.items()):
            left = deque(row for row in rows if not row.request.future.done())
            self.count -= len(rows) - len(left)
            self.waiting[key] = left
            if not left:
                del self.waiting[key]

    def next_due(self, now):
        """(time, key) of the batch that starts next: of those that are due the one with the oldest text, so that none
        waits for ever. A full one, or one of a random signature, is due at once."""
        due = {key: rows[0].time if key[2] or len(rows) >= self.batch_size else rows[0].time + self.latency
               for key, rows in self.waiting.items()}  # fmt: skip
        key = min(due, key=lambda key: (due[key] > now, self.waiting[key][0].time), default=None)
        return due.get(key), key

    def take(self, key):
        """The rows of the next batch of a key, removed from the queue."""
        rows = self.waiting[key]
        size = len(rows) if key[2] else min(len(rows), self.batch_size)
        taken = [rows.popleft() for _ in range(size)]
        self.count -= size
        if not rows:
            del self.waiting[key]
        return taken

    async def run(self, signature, scalars, rows):
        loop, stop = asyncio.get_running_loop(), cancellation()
        begin, requests = loop.time(), requests_of(rows)

        def left(_):
            if all(request.future.cancelled() for request in requests):
                stop.start_cancel()

        for request in requests:
            request.future.add_done_callback(left)
        try:
            await self.compute(signature, scalars, rows, stop)
        finally:
            self.free += 1
            if self.observe:
                self.observe(signature, len(rows), begin - rows[0].time, loop.time() - begin)
            self.start()

    async def compute(self, signature, scalars, rows, stop=None):
        """Answer the requests of rows. If the model refuses one of several, each is asked alone: the others are not to
        blame."""
        columns = [list(column) for column in zip(*(row.texts for row in rows), strict=True)]
        try:
            result = await asyncio.get_running_loop().run_in_executor(self.pool, signature, columns, scalars, stop)
        except Exception as error:
            requests = requests_of(rows)
            for request in requests:
                if not request.future.done() and len(requests) > 1:
                    await self.compute(signature, scalars, [row for row in rows if row.request is request])
                elif not request.future.done():
                    request.future.set_exception(error)
        else:
            for i, row in enumerate(rows):
                row.request.fill(row.index, {name: part[i] for name, part in result.items()})

    async def close(self):
        """Wait until all texts are answered, and end the workers."""
        while self.waiting or self.tasks:
            await asyncio.sleep(0.01)
        self.pool.shutdown()


def requests_of(rows):
    return list(dict.fromkeys(row.request for row in rows))


def joined(rows, signature):
    """[{name: array}] -> {name: array [N, ...]}; what is shorter is padded with 0 or b"", as in a batch."""
    result = {}
    for name, output in signature.outputs.items():
        parts = [np.asarray(row[name], output.dtype) for row in rows]
        shape = np.max([part.shape for part in parts], axis=0).astype(int) if parts[0].ndim else ()
        whole = np.full((len(parts), *shape), b"" if output.dtype == object else 0, output.dtype)
        for i, part in enumerate(parts):
            place = i, *map(slice, part.shape)
            whole[place] = part if part.ndim else part[()]
        result[name] = stripped(whole, output.shape)
    return result
