"""What a service has apart from HTTP: models, the queue, limits, metrics; requests are answered through it."""

import asyncio
import hmac
import time
from dataclasses import dataclass

from tfllm.serving.batching import Batcher
from tfllm.serving.prometheus import Metrics


class TooLate(Exception):
    """The time limit of a request is over: status 504."""


class Draining(Exception):
    """The service takes no new requests: status 503."""


@dataclass(frozen=True)
class Limits:
    """batch_size: most texts of a batch. latency: seconds that a text waits for others. workers: batches at a time.

    queue: most texts that wait. timeout: seconds of a request. max_bytes: of the body of a request.
    """

    batch_size: int = 32
    latency: float = 0.005
    workers: int = 1
    queue: int = 1000
    timeout: float = 60.0
    max_bytes: int = 1_000_000


class Service:
    """keys: API keys; none means that every client is answered."""

    def __init__(self, registry, limits=None, keys=(), log_text=False):
        self.registry, self.limits = registry, limits or Limits()
        self.metrics, self.draining, self.log_text = Metrics(), False, log_text
        self.keys = [key.encode() for key in keys]
        self.batcher = Batcher(self.limits.batch_size, self.limits.latency, self.limits.workers, self.limits.queue,
                               self.metrics.batched)  # fmt: skip
        self.metrics.queue.set_function(lambda: self.batcher.count)

    @property
    def is_ready(self):
        return not self.draining and self.registry.is_ready

    def is_allowed(self, authorization):
        """Whether a header "Bearer KEY" has one of the keys; every key is compared, in constant time."""
        if not self.keys:
            return True
        given = (authorization or "").removeprefix("Bearer ").encode()
        return sum(hmac.compare_digest(given, key) for key in self.keys) > 0

    async def answer(self, signature, columns, scalars):
        """See `Batcher.answer`. Raises TooLate after the time limit."""
        try:
            return await asyncio.wait_for(self.batcher.answer(signature, columns, scalars), self.limits.timeout)
        except asyncio.TimeoutError:
            raise TooLate(f"no answer within {self.limits.timeout:g} seconds") from None

    async def streamed(self, chunks):
        """The chunks of a Writer, with the time to the first and the number of characters counted."""
        begin, is_first = time.monotonic(), True
        async for chunk in chunks:
            if is_first:
                self.metrics.first.observe(time.monotonic() - begin)
                is_first = False
            self.metrics.characters.inc(len(chunk))
            yield chunk
