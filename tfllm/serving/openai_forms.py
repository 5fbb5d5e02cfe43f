"""Requests and answers in the form of OpenAI's API: completions, chat, embeddings, models.

https://platform.openai.com/docs/api-reference. What a model here cannot do (tools, log probabilities, stop strings) is
refused with the parameter's name.
"""

import base64
import json
import time
import uuid

import numpy as np

from tfllm.data.reading.dialogues import dialogue
from tfllm.serving.payloads import text_of
from tfllm.serving.served_model import BadRequest

NUMBERS = ("temperature", "top_p", "seed", "top_k", "min_p")
COMMON = {"model", "stream", "n", "user", "max_tokens", "max_completion_tokens", *NUMBERS}
OFF = {None, 0, "", 1}  # values of other parameters that ask for nothing
MOST = 64  # texts of one request


def read(content, kind):
    """The body of a completion or a chat -> (scalars, most tokens, n, stream). kind: its text field.

    Raises BadRequest.
    """
    for name, value in content.items():
        if name not in COMMON | {kind} and not (isinstance(value, str | int | float | None) and value in OFF):
            raise BadRequest(f"{name} is not supported")
    scalars = {name: content[name] for name in NUMBERS if content.get(name) is not None}
    most = content.get("max_completion_tokens", content.get("max_tokens"))
    most = whole(most, "max_tokens", 10**6) if most is not None else None
    n = whole(content.get("n") if content.get("n") is not None else 1, "n", MOST)
    stream = content.get("stream") or False
    if not isinstance(stream, bool):
        raise BadRequest("stream must be true or false")
    return scalars, most, n, stream


def whole(value, name, most):
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise BadRequest(f"{name} must be a whole number from 1 to {most}")
    return value


def texts_of(value, name):
    """A string, or a list of strings, as bytes."""
    values = value if isinstance(value, list) else [value]
    if not values or len(values) > MOST or not all(isinstance(one, str) for one in values):
        raise BadRequest(f"{name} must be a string or a list of 1 to {MOST} strings; token ids are not supported")
    return [text_of(one, name) for one in values]


def history(messages, facts):
    """Messages of a chat -> the string of a dialogue that its model reads, which ends where the reply begins.

    facts: of the manifest, with "speakers": the names of the user and of the assistant. Raises BadRequest.
    """
    names = facts.get("speakers")
    if not names:
        raise BadRequest("this model is no dialogue generator: it has no form for chats")
    if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
        raise BadRequest("messages must be a list with at least one message, an object")
    speakers = {"user": names[0], "assistant": names[1]}
    begin = messages[0].get("role") in ("system", "developer")  # the number of the first turn: 0 or 1
    for i, one in enumerate(messages[begin:], start=begin):
        if one.get("role") not in speakers:
            raise BadRequest(f"messages[{i}]: role must be user, assistant or, in the first, system")
    texts = [text_of_message(one.get("content"), i) for i, one in enumerate(messages)]
    said = [speakers[one["role"]] for one in messages[begin:]]
    try:
        text = dialogue(texts[begin:], said, texts[0] if begin else None, facts.get("keep_lines", False))
    except ValueError as error:
        raise BadRequest(f"messages: {error}") from None
    return f"{text}\n{names[1]}\t".encode()


def text_of_message(content, i):
    """The text of a message: a string, or a list of text parts."""
    if isinstance(content, list):
        if not all(isinstance(one, dict) and isinstance(one.get("text"), str) for one in content):
            raise BadRequest(f"messages[{i}]: content may only have parts of text")
        content = " ".join(one["text"] for one in content)
    if not isinstance(content, str) or not content.strip():
        raise BadRequest(f"messages[{i}]: content must be a text that is not empty")
    return content


class Answer:
    """The JSON of answers of one request. chat: the form of chats, else that of completions."""

    def __init__(self, model, chat):
        self.chat = chat
        self.common = {
            "id": f"{'chatcmpl' if chat else 'cmpl'}-{uuid.uuid4().hex}", "created": int(time.time()), "model": model,
        }  # fmt: skip

    def whole(self, texts, finish="stop"):
        choices = [self.choice(i, {"message": {"role": "assistant", "content": text}} if self.chat else {"text": text},
                               finish) for i, text in enumerate(texts)]  # fmt: skip
        return self.common | {"object": "chat.completion" if self.chat else "text_completion", "choices": choices}

    def chunk(self, index, text, finish=None):
        part = {"delta": {"content": text} if text else {}} if self.chat else {"text": text}
        kind = "chat.completion.chunk" if self.chat else "text_completion"
        return self.common | {"object": kind, "choices": [self.choice(index, part, finish)]}

    @staticmethod
    def choice(index, part, finish):
        return {"index": index, "finish_reason": finish, "logprobs": None} | part


def event(content):
    """A server-sent event."""
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"


def embeddings(vectors, model, form):
    """float array [N, D] -> the answer of /v1/embeddings. form: "float" or "base64"."""
    if form not in ("float", "base64"):
        raise BadRequest('encoding_format must be "float" or "base64"')
    data = [
        {"object": "embedding", "index": i,
         "embedding": base64.b64encode(np.asarray(row, "<f4").tobytes()).decode() if form == "base64" else row.tolist()}
        for i, row in enumerate(vectors)
    ]  # fmt: skip
    return {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": 0, "total_tokens": 0}}


def described(name, created):
    return {"id": name, "object": "model", "created": created, "owned_by": "tfllm"}


def error(message, status, kind="invalid_request_error"):
    return {"error": {"message": message, "type": kind, "param": None, "code": status}}
