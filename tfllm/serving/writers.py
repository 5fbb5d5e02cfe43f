"""Text that a served writer adds to a prompt, whole or in chunks, by the signatures of its SavedModel.

A signature writes a whole text; chunks come from calling it with growing limits of length and one seed, so that each
text begins with the one before. Limits double, so all calls together write less than twice as many tokens as the last.
"""

import numpy as np

from tfllm.serving.served_model import BadRequest

FIRST = 8  # tokens of the first chunk, prompt included


class Writer:
    """The signature `sample` of a model where it has one, else `serving_default`, for one prompt.

    answer: coroutine function (signature, columns, scalars) -> outputs. scalars: {name: number} of the client.
    most: tokens to write at most, None for what the model writes by itself. Raises BadRequest for models that
    write no text, and for scalars that they do not have.
    """

    def __init__(self, model, answer, prompt, scalars, most=None):
        self.signature = model.signatures.get("sample") or model.signature()
        if len(self.signature.texts) != 1 or "text" not in self.signature.outputs:
            raise BadRequest("this model does not continue text")
        if most is not None and "max_length" not in self.signature.scalars:
            raise BadRequest("this model has a fixed limit of length: leave max_tokens out")
        self.scalars = self.signature.read_scalars(scalars)
        self.ask, self.prompt, self.most = answer, prompt, most
        self.is_continuation = model.about.get("facts", {}).get("writes") == "continuation"

    async def text(self):
        """The whole text that is added to the prompt."""
        limit = None if self.most is None else await self.limit()
        written, _ = await self.written(limit)
        return written

    async def chunks(self):
        """Yields parts that join to exactly `text()`."""
        if "max_length" not in self.signature.scalars:
            yield await self.text()
            return
        end = await self.limit()
        sent, size = "", FIRST
        while size < end:
            written, _ = await self.written(size)
            part = settled(written)
            if len(part) > len(sent) and part.startswith(sent):
                yield part[len(sent) :]
                sent = part
            size *= 2
        written, _ = await self.written(end)
        if not written.startswith(sent):
            raise RuntimeError("the text that was sent is not the beginning of the whole text")
        if len(written) > len(sent):
            yield written[len(sent) :]

    async def limit(self):
        """The value of max_length: `most` tokens beyond the prompt, or the default of the file."""
        usual = int(self.signature.scalars["max_length"])
        if self.most is None:
            return usual
        size = FIRST
        while True:
            _, new = await self.written(size)
            if new or size >= usual:
                return min(max(size - new + self.most, 1), max(usual, size))
            size = min(2 * size, usual)

    async def written(self, limit):
        """(text without the prompt, number of new tokens that the limit allows)."""
        scalars = self.scalars | ({} if limit is None else {"max_length": np.int32(limit)})
        outputs = await self.ask(self.signature, [[self.prompt]], scalars)
        text = outputs["text"][0].decode("utf-8", "replace")
        new = int(outputs["max_new_tokens"][0]) if "max_new_tokens" in outputs else 0
        if self.is_continuation:
            start = await self.beginning()
            text = text[len(start) :] if text.startswith(start) else text
        return text, new

    async def beginning(self):
        """The prompt as the model's tokenizer writes it."""
        if not hasattr(self, "start"):
            outputs = await self.ask(self.signature, [[self.prompt]], self.scalars | {"max_length": np.int32(1)})
            self.start = outputs["text"][0].decode("utf-8", "replace")
        return self.start


def settled(text):
    """The beginning of a text that further tokens do not change: without its last word, or its last character if that
    needs no spaces around it."""
    end = len(text)
    while end and not text[end - 1].isspace() and not ideograph(text[end - 1]):
        end -= 1
    if end == len(text) and end and ideograph(text[-1]):
        end -= 1
    return text[:end].rstrip()


def ideograph(character):
    return "\u3040" <= character <= "\ua4cf" or "\uac00" <= character <= "\ud7a3" or "\uff00" <= character <= "\uffef"
