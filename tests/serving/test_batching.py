import asyncio
import contextlib
import threading

import numpy as np
import pytest

from tfllm.serving import batching, served_model
from tfllm.serving.batching import Batcher, Full
from tfllm.serving.served_model import BadRequest, Output, ServedSignature


class Calls:
    """A signature that records its batches: lengths of texts, and words padded to the longest of the batch."""

    def __init__(self, random=False):
        self.batches, self.open = [], threading.Event()
        self.open.set()
        outputs = {"length": Output(np.dtype("int32"), (None,)), "words": Output(np.dtype(object), (None, None))}
        self.signature = ServedSignature("s", ("texts",), {"seed": np.int32(0)} if random else {}, outputs, None)
        object.__setattr__(self.signature, "function", self.function)
        self.signature_call = ServedSignature.__call__

    def function(self, texts, **scalars):
        self.open.wait(10)
        texts = texts.numpy().tolist()
        self.batches.append(texts)
        if b"refused" in texts:
            import tensorflow as tf

            raise tf.errors.InvalidArgumentError(None, None, "refused")
        words = [text.split() for text in texts]
        most = max(map(len, words), default=0)
        padded = np.array([[*row, *[b""] * (most - len(row))] for row in words], object).reshape(len(texts), most)
        return {"length": Eager(np.array(list(map(len, texts)), "int32")), "words": Eager(padded)}


class Eager:
    def __init__(self, array):
        self.numpy = lambda: array


def run(main):
    return asyncio.run(asyncio.wait_for(main, 30))


def ask(batcher, calls, *texts, **scalars):
    return batcher.answer(calls.signature, [list(texts)], scalars)


def test_requests_that_wait_are_answered_together_as_alone():
    calls = Calls()

    async def main():
        batcher = Batcher(4, 0.05)
        texts = [b"a b", b"c d", b"e f", b"g h", b"i j"]
        results = await asyncio.gather(*(ask(batcher, calls, text) for text in texts))
        assert [result["length"].tolist() for result in results] == [[3]] * 5
        assert sorted(map(len, calls.batches)) == [1, 4]
        both = await ask(batcher, calls, b"a b c", b"d")
        assert both["words"].tolist() == [[b"a", b"b", b"c"], [b"d", b"", b""]]
        alone = await ask(batcher, calls, b"d")
        assert alone["words"].tolist() == [[b"d"]]
        long, short = await asyncio.gather(ask(batcher, calls, b"a b"), ask(batcher, calls, b"ccc"))
        assert long["words"].tolist() == [[b"a", b"b"]] and short["words"].tolist() == [[b"ccc"]]
        assert calls.batches[-1] == [b"a b", b"ccc"]
        await batcher.close()

    run(main())


def test_short_and_long_texts_are_not_mixed():
    calls = Calls()

    async def main():
        batcher = Batcher(8, 0.02)
        await asyncio.gather(*(ask(batcher, calls, text) for text in (b"a", b"b" * 100, b"c", b"d" * 90)))
        assert sorted(sorted(map(len, batch)) for batch in calls.batches) == [[1, 1], [90, 100]]
        await batcher.close()

    run(main())


def test_no_text_starves_behind_full_batches():
    calls = Calls()

    async def main():
        batcher = Batcher(2, 0)
        calls.open.clear()
        first = asyncio.ensure_future(ask(batcher, calls, b"a"))
        await asyncio.sleep(0.01)
        texts = [b"b" * 50, *[b"c"] * 6]
        rest = [asyncio.ensure_future(ask(batcher, calls, text)) for text in texts]
        await asyncio.sleep(0.01)
        calls.open.set()
        await asyncio.gather(first, *rest)
        assert calls.batches[:2] == [[b"a"], [b"b" * 50]]
        await batcher.close()

    run(main())


def test_who_stays_is_not_blamed_for_the_text_of_who_left():
    calls = Calls()

    async def main():
        batcher = Batcher(2, 10)
        calls.open.clear()
        left, stays = (asyncio.ensure_future(ask(batcher, calls, text)) for text in (b"refused", b"aaaaaaa"))
        await asyncio.sleep(0.05)
        left.cancel()
        await asyncio.sleep(0)
        calls.open.set()
        assert (await stays)["length"].tolist() == [7]
        await batcher.close()

    run(main())


def test_random_signatures_are_asked_alone_and_whole():
    calls = Calls(random=True)

    async def main():
        batcher = Batcher(2, 0.02)
        texts = [b"a", b"b" * 50, b"c"]
        await asyncio.gather(ask(batcher, calls, *texts), ask(batcher, calls, b"d"))
        assert sorted(calls.batches) == [texts, [b"d"]]
        await batcher.close()

    run(main())


def test_a_full_queue_and_no_text():
    calls = Calls()

    async def main():
        batcher = Batcher(1, 0, queue=3)
        calls.open.clear()
        first = asyncio.ensure_future(ask(batcher, calls, b"a"))
        await asyncio.sleep(0.05)
        others = [asyncio.ensure_future(ask(batcher, calls, b"b")) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Full, match="3 texts are waiting; the queue takes 3"):
            await ask(batcher, calls, b"c")
        calls.open.set()
        await asyncio.gather(first, *others)
        empty = await ask(batcher, calls)
        assert empty["length"].shape == (0,) and batcher.count == 0
        await batcher.close()

    run(main())


def test_a_refused_text_fails_its_own_request_only():
    calls = Calls()

    async def main():
        batcher = Batcher(8, 0.05)
        results = await asyncio.gather(*(ask(batcher, calls, text) for text in (b"aaaaaaa", b"refused", b"bbbbbbb")),
                                       return_exceptions=True)  # fmt: skip
        assert [type(result) for result in results] == [dict, BadRequest, dict]
        assert results[0]["length"].tolist() == [7]
        await batcher.close()

    run(main())


def test_who_left_is_taken_from_the_queue():
    calls = Calls()

    async def main():
        batcher = Batcher(1, 0)
        calls.open.clear()
        first = asyncio.ensure_future(ask(batcher, calls, b"a"))
        await asyncio.sleep(0.05)
        second = asyncio.ensure_future(ask(batcher, calls, b"b"))
        await asyncio.sleep(0.01)
        second.cancel()
        calls.open.set()
        await first
        assert (await ask(batcher, calls, b"c"))["length"].tolist() == [1]
        assert calls.batches == [[b"a"], [b"c"]] and batcher.count == 0
        await batcher.close()

    run(main())


@pytest.mark.parametrize("both", [True, False])
def test_a_computation_stops_once_all_who_asked_have_left(both, monkeypatch):
    calls, stops = Calls(), []

    class Stop:
        def start_cancel(self):
            stops.append(self)

    monkeypatch.setattr(batching, "cancellation", Stop)
    monkeypatch.setattr(served_model, "cancellable", lambda stop: contextlib.nullcontext())

    async def main():
        batcher = Batcher(2, 10)
        calls.open.clear()
        asked = [asyncio.ensure_future(ask(batcher, calls, text)) for text in (b"a", b"b")]
        await asyncio.sleep(0.05)
        for one in asked[: 1 + both]:
            one.cancel()
        await asyncio.sleep(0.01)
        assert bool(stops) == both
        calls.open.set()
        await batcher.close()

    run(main())


def test_every_answer_belongs_to_its_question():
    calls, draw = Calls(), np.random.default_rng(0)

    async def main():
        batcher = Batcher(7, 0.001, workers=3)
        sizes = draw.integers(0, 5, 300)
        requests = [[b"x" * int(n) for n in draw.integers(1, 40, size)] for size in sizes]
        results = await asyncio.gather(*(ask(batcher, calls, *texts) for texts in requests))
        assert [result["length"].tolist() for result in results] == [list(map(len, texts)) for texts in requests]
        assert max(map(len, calls.batches)) == 7
        await batcher.close()

    run(main())
