"""OpenAI's interface over HTTP: completions, streams, chats, wrong requests."""

import json

import pytest

from tests.serving.asking import ask, post
from tfllm.serving.service import Service

USER = {"role": "user", "content": "a"}


def events(answer):
    lines = [line for line in answer.text.split("\n\n") if line]
    assert lines.pop() == "data: [DONE]"
    return [json.loads(line.removeprefix("data: "))["choices"][0] for line in lines]


@pytest.mark.parametrize("most", [None, 5, 18])
def test_a_streamed_completion_joins_to_the_whole_one(registry, most):
    content = {"model": "tagger", "prompt": "x", "seed": 1} | ({"max_tokens": most} if most else {})
    whole = post(registry, "/v1/completions", content).json()
    text = whole["choices"][0]["text"]
    assert text == "blpha be 中文 gamma delta"[: most or 19] and whole["object"] == "text_completion"
    parts = events(post(registry, "/v1/completions", content | {"stream": True}))
    assert "".join(part["text"] for part in parts) == text and parts[-1]["finish_reason"] == "stop"
    assert len(parts) > 2 or most == 5
    two = post(registry, "/v1/completions", content | {"n": 2}).json()["choices"]
    assert [one["text"][:1] for one in two] == ["b", "c"] and [one["index"] for one in two] == [0, 1]


@pytest.mark.parametrize("model, system", [("chat", "Be kind."), ("lines", "Be\u2028kind.")])
def test_a_chat_is_the_history_that_the_model_reads(registry, model, system):
    turns = [("system", "Be\nkind."), ("user", "Hi"), ("assistant", "Ho"), ("user", [{"type": "text", "text": "And?"}])]
    messages = [{"role": role, "content": content} for role, content in turns]
    asked = []

    class Recorded(Service):
        async def answer(self, signature, columns, scalars):
            asked.append(columns[0][0])
            return await super().answer(signature, columns, scalars)

    content = {"model": model, "messages": messages, "max_tokens": 60}
    (answer,) = ask(registry, ("POST", "/v1/chat/completions", {"json": content}), service=Recorded(registry))
    assert answer.json()["choices"][0]["message"]["role"] == "assistant"
    assert set(asked) == {f"system\t{system}\nuser\tHi\nclerk\tHo\nuser\tAnd?\nclerk\t".encode()}


@pytest.mark.parametrize(
    "path, content, message",
    [
        ("completions", {"prompt": "a"}, "model must be the name"),
        ("completions", {"model": "tagger", "prompt": [1, 2]}, "token ids are not supported"),
        ("completions", {"model": "tagger", "prompt": "a", "logprobs": 5}, "logprobs is not supported"),
        ("completions", {"model": "tagger", "prompt": "a", "stop": ["x"]}, "stop is not supported"),
        ("completions", {"model": "tagger", "prompt": "a", "temperature": 1}, "no scalar input 'temperature'"),
        ("completions", {"model": "tagger", "prompt": "a", "max_tokens": 0}, "max_tokens must be"),
        ("completions", {"model": "tagger", "prompt": "a", "stream": "yes"}, "stream must be"),
        ("chat/completions", {"model": "tagger", "messages": [USER]}, "no dialogue generator"),
        ("chat/completions", {"model": "chat", "messages": []}, "at least one message"),
        ("chat/completions", {"model": "chat", "messages": [{"role": "tool", "content": "a"}]}, "role must be"),
        ("chat/completions", {"model": "chat", "messages": [USER, {"role": "system", "content": "a"}]}, "role must be"),
        ("chat/completions", {"model": "chat", "messages": [USER, "a"]}, "an object"),
        ("chat/completions", {"model": "chat", "messages": [{"role": "user", "content": " "}]}, "not empty"),
        ("chat/completions", {"model": "chat", "messages": [{"role": "user", "content": ["a"]}]}, "parts of text"),
        ("embeddings", {"model": "tagger", "input": "a"}, "gives no embeddings"),
    ],
)  # fmt: skip
def test_wrong_requests_in_the_form_of_openai(registry, path, content, message):
    answer = post(registry, f"/v1/{path}", content)
    assert answer.status_code == 400 and message in answer.json()["error"]["message"]
