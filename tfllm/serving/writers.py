"""Text that a served writer adds to a prompt, whole or in chunks, by the signatures of its SavedModel.

A signature writes a whole text; chunks come from calling it with growing limits of length and one seed, so that each
text begins with the one before. Limits double, so all calls together write less than twice as many tokens as the last.
"""

import numpy as np

from tfllm.serving.served_model import BadRequest

FIRST = 8  # tokens of the first chunk, prompt included
LONGEST = 2**16  # tokens of a prompt whose length is looked for


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
        self.has_limit = "max_length" in self.signature.scalars
        self.is_continuation = model.about.get("facts", {}).get("writes") == "continuation"
        self.known = {}  # {max_length: outputs}

    async def text(self):
        """The whole text that is added to the prompt."""
        return await self.added(await self.limit() if self.has_limit else None)

    async def chunks(self):
        """Yields parts that join to exactly `text()`. Raises RuntimeError where a longer text begins otherwise."""
        sent, size = "", FIRST
        end = await self.limit() if self.has_limit else 0
        while size < end:
            part = settled(await self.added(size))
            if len(part) > len(sent) and part.startswith(sent):
                yield part[len(sent) :]
                sent = part
            size *= 2
        text = await self.text()
        if not text.startswith(sent):
            raise RuntimeError("the text that was sent is not the beginning of the whole text")
        if len(text) > len(sent):
            yield text[len(sent) :]

    async def limit(self):
        """The value of max_length: `most` tokens beyond the prompt, or the default of the file."""
        usual = int(self.signature.scalars["max_length"])
        if self.most is None:
            return usual
        size = FIRST
        while size < LONGEST:  # until the limit is beyond the prompt, whose length is not known
            if new := int((await self.outputs(size)).get("max_new_tokens", [0])[0]):
                return size - new + self.most
            size *= 2
        return usual

    async def added(self, limit):
        """What the model writes, without the prompt."""
        text = text_of(await self.outputs(limit))
        if not self.is_continuation:
            return text
        # The prompt as the model's tokenizer writes it, which a limit of one token leaves as it is.
        start = text_of(await self.outputs(1)) if self.has_limit else self.prompt.decode("utf-8", "replace")
        return text.removeprefix(start)

    async def outputs(self, limit):
        """What the signature gives with this max_length, None for the default; each limit is asked once."""
        if limit not in self.known:
            scalars = self.scalars if limit is None else self.scalars | {"max_length": np.int32(limit)}
            self.known[limit] = await self.ask(self.signature, [[self.prompt]], scalars)
        return self.known[limit]


def text_of(outputs):
    return outputs["text"][0].decode("utf-8", "replace")


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
