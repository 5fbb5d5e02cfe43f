"""The interfaces over HTTP, in this process; each form is that of the interface's own documentation."""

import asyncio
import base64
import json
import re

import httpx
import pytest

from tests.serving import made
from tfllm.serving.app import application
from tfllm.serving.registry import Registry
from tfllm.serving.service import Limits, Service

pytest.importorskip("fastapi")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    made.written(folder / "tagger")
    made.written(folder / "chat", {"speakers": ["user", "clerk"]})
    made.written(folder / "lines", {"speakers": ["user", "clerk"], "keep_lines": True})
    made.written(folder / "scorer", kind=made.Scorer)
    return {name: folder / name for name in ("tagger", "chat", "lines", "scorer")}


@pytest.fixture(scope="module")
def registry(folders):
    registry = Registry(folders, {"tagger": {"stable": 1}}, batch_size=2)
    asyncio.run(registry.refresh())
    return registry


def ask(registry, *requests, service=None, **options):
    """The answers to [(method, path, options)] of one application."""

    async def all_of_them():
        one = service or Service(registry, Limits(latency=0.001, max_bytes=5000))
        transport = httpx.ASGITransport(application(one, **options), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            result = [await client.request(method, path, **given) for method, path, given in requests]
        await one.batcher.close()
        return result

    return asyncio.run(all_of_them())


def post(registry, path, content):
    (answer,) = ask(
        registry, ("POST", path, {"json": content} if not isinstance(content, bytes) else {"content": content})
    )
    return answer


USER = {"role": "user", "content": "a"}
PREDICT = "/v1/models/tagger:predict"
ROW = {"texts": "A b", "questions": "?"}


# TensorFlow Serving


def test_rows_and_columns(registry):
    rows = post(registry, PREDICT, {"instances": [ROW, {"texts": {"b64": base64.b64encode("é".encode()).decode()},
                                                        "questions": ""}]})  # fmt: skip
    assert rows.json() == {"predictions": [{"length": 3, "text": "a b?", "words": ["A", "b"]},
                                           {"length": 2, "text": "é", "words": ["é", ""]}]}  # fmt: skip
    columns = post(registry, PREDICT, {"inputs": {"texts": ["A b"], "questions": ["?"]}})
    assert columns.json() == {"outputs": {"length": [3], "text": ["a b?"], "words": [["A", "b"]]}}
    sampled = post(registry, PREDICT, {"signature_name": "sample", "inputs": {"texts": ["x"], "max_length": 4}})
    assert sampled.json() == {"outputs": {"max_new_tokens": [3], "text": ["xalp"]}}
    assert post(registry, PREDICT, {"signature_name": "sample", "inputs": "x"}).status_code == 200
    none = post(registry, PREDICT, {"inputs": {"texts": [], "questions": []}}).json()
    assert none == {"outputs": {"length": [], "text": [], "words": []}}


@pytest.mark.parametrize(
    "content, message",
    [
        (b"{", "JSON Parse error"), (b"[1]", "must be a JSON object"), (b'{"instances": [NaN]}', "NaN is not JSON"),
        ({}, 'expected "instances"'), ({"instances": [], "inputs": []}, "one of them"),
        ({"instances": []}, "at least one row"), ({"instances": "a"}, "must be a list"),
        ({"instances": ["a"]}, r"instances\[0\] must have the inputs texts, questions"),
        ({"instances": [{**ROW, "texts": 3}]}, r"instances\[0\].texts must be a string"),
        ({"instances": [{**ROW, "texts": {"b64": "*"}}]}, "not base64"),
        ({"instances": [ROW], "signature_name": "no"}, "no signature 'no'"),
        ({"instances": [ROW], "signature_name": 3}, "signature_name must be a string"),
        ({"signature_name": "sample", "instances": [{"texts": "", "seed": 1}]},
         'seed belongs to all rows: use "inputs"'),
        ({"inputs": {"texts": ["a"]}}, "missing inputs: questions"),
        ({"inputs": {"texts": ["a"], "questions": []}}, "equal length"),
        ({"inputs": {"texts": ["a"], "questions": ["b"], "seed": 1}}, "has no scalar input 'seed'; it has none"),
        ({"inputs": {"texts": ["refused"], "questions": ["b"]}}, "a text that is refused"),
        (b'{"instances": [{"texts": "\\ud800", "questions": ""}]}', "surrogate"),
    ],
)  # fmt: skip
def test_wrong_requests_are_answered_with_400(registry, content, message):
    answer = post(registry, PREDICT, content)
    assert answer.status_code == 400 and answer.json().keys() == {"error"}
    assert re.search(message, answer.json()["error"])


def test_status_metadata_versions_labels(registry):
    rows = {"instances": [ROW]}
    status, one, metadata, label, *missing = ask(
        registry, ("GET", "/v1/models/tagger", {}), ("GET", "/v1/models/tagger/versions/1", {}),
        ("GET", "/v1/models/tagger/metadata", {}), ("POST", "/v1/models/tagger/labels/stable:predict", {"json": rows}),
        ("GET", "/v1/models/none", {}), ("POST", "/v1/models/tagger/versions/7:predict", {"json": rows}),
        ("POST", "/v1/models/tagger/labels/no:predict", {"json": {}}), ("GET", "/v1/models/tagger/versions/7", {}),
    )  # fmt: skip
    available = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert status.json()["model_version_status"] == one.json()["model_version_status"] == [available]
    signatures = metadata.json()["metadata"]["signature_def"]["signature_def"]
    assert signatures["sample"]["inputs"]["seed"] == {
        "dtype": "DT_INT32", "tensor_shape": {"dim": [], "unknown_rank": False}, "name": "sample_seed:0"
    }  # fmt: skip
    assert metadata.json()["model_spec"]["version"] == "1" and label.status_code == 200
    assert [answer.status_code for answer in missing] == [404] * 4


def test_json_has_neither_infinity_nor_nan(registry):
    answer = post(registry, "/v1/models/scorer:predict", {"instances": ["a", ""]})
    assert answer.json() == {"predictions": [[0.0, pytest.approx(-3.4e38)], [None, None]]}


# KServe


def test_kserve(registry):
    live, ready, model, answer, wrong = ask(
        registry, ("GET", "/v2/health/live", {}), ("GET", "/v2/health/ready", {}), ("GET", "/v2/models/tagger", {}),
        ("POST", "/v2/models/tagger/infer", {"json": {"id": "7", "inputs": [
            {"name": "texts", "shape": [2], "datatype": "BYTES", "data": ["a b", "c"]},
            {"name": "questions", "shape": [2, 1], "datatype": "BYTES", "data": [["?"], [""]]}]}}),
        ("POST", "/v2/models/tagger/infer", {"json": {"inputs": [
            {"name": "texts", "shape": [3], "datatype": "BYTES", "data": ["a b", "c"]}]}}),
    )  # fmt: skip
    assert live.json() == {"live": True} and ready.json() == {"ready": True}
    assert model.json()["inputs"][0] == {"name": "texts", "datatype": "BYTES", "shape": [-1]}
    content = answer.json()
    assert content["id"] == "7" and content["model_version"] == "1"
    words = next(one for one in content["outputs"] if one["name"] == "words")
    assert words == {"name": "words", "shape": [2, 2], "datatype": "BYTES", "data": ["a", "b", "c", ""]}
    assert wrong.status_code == 400 and "shape [3] is not that of 2 texts" in wrong.json()["error"]


# OpenAI


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


# Around every request


def test_limits_keys_and_draining(registry):
    closed = Service(registry, Limits(max_bytes=100), keys=["secret", "other"])
    key = {"headers": {"Authorization": "Bearer other"}}
    row = {"instances": [ROW]}
    none, wrong, right, large, open_ = ask(
        registry, ("POST", PREDICT, {"json": row}),
        ("POST", PREDICT, {"json": row, "headers": {"Authorization": "Bearer o"}}),
        ("POST", PREDICT, {"json": row} | key), ("POST", PREDICT, {"content": b" " * 101} | key),
        ("GET", "/v2/health/ready", {}), service=closed,
    )  # fmt: skip
    assert [none.status_code, wrong.status_code, right.status_code, large.status_code] == [401, 401, 200, 413]
    assert open_.json() == {"ready": True}
    closed = Service(registry)
    closed.draining = True
    refused, ready = ask(registry, ("POST", PREDICT, {"json": row}), ("GET", "/v2/health/ready", {}), service=closed)
    assert refused.status_code == ready.status_code == 503
    late = Service(registry, Limits(latency=10, timeout=0.05))
    (answer,) = ask(registry, ("POST", PREDICT, {"json": row}), service=late)
    assert answer.status_code == 504 and "within 0.05 seconds" in answer.json()["error"]
    full = Service(registry, Limits(queue=1))
    (answer,) = ask(registry, ("POST", PREDICT, {"json": {"instances": [ROW, ROW]}}), service=full)
    assert answer.status_code == 429 and answer.headers["retry-after"] == "1"


def test_work_stops_when_the_client_has_left(registry):
    ended = []

    class Slow(Service):
        async def answer(self, signature, columns, scalars):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                ended.append(columns)
                raise

    body = {"type": "http.request", "body": json.dumps({"instances": [ROW]}).encode(), "more_body": False}
    messages, sent = [{"type": "http.disconnect"}, body], []
    scope = {"type": "http", "method": "POST", "path": PREDICT, "raw_path": PREDICT.encode(), "query_string": b"",
             "headers": [], "http_version": "1.1", "scheme": "http", "server": ("test", 80)}  # fmt: skip

    async def receive():
        return messages.pop() if len(messages) > 1 else messages[0]

    async def send(message):
        sent.append(message)

    async def main():
        await asyncio.wait_for(application(Slow(registry))(scope, receive, send), 10)

    asyncio.run(main())
    assert ended == [[[b"?"], [b"A b"]]] or ended == [[[b"A b"], [b"?"]]]


def test_the_openapi_page_names_the_models(registry):
    page = ask(registry, ("GET", "/openapi.json", {}))[0].json()
    name, *_ = page["paths"]["/v2/models/{name}/infer"]["post"]["parameters"]
    body = page["paths"]["/v1/completions"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert name["schema"]["enum"] == body["properties"]["model"]["enum"] == ["tagger", "chat", "lines", "scorer"]


def test_metrics_count(registry):
    one = Service(registry)
    *_, answer = ask(registry, ("POST", PREDICT, {"json": {"instances": [ROW, ROW]}}), ("POST", PREDICT, {"json": {}}),
                     ("GET", "/metrics", {}), service=one)  # fmt: skip
    lines = answer.text.splitlines()
    assert ':tensorflow:serving:request_count_total{model_name="tagger",status="200"} 1.0' in lines
    assert ':tensorflow:serving:request_count_total{model_name="tagger",status="400"} 1.0' in lines
    assert "tgi_batch_current_size_sum 2.0" in lines and "tgi_queue_size 0.0" in lines


def test_the_page_asks_nobody_else(registry):
    with_page, without = ask(registry, ("GET", "/ui", {}), page=True), ask(registry, ("GET", "/ui", {}))
    assert with_page[0].status_code == 200 and without[0].status_code == 404
    assert (
        "http://" not in with_page[0].text
        and "https://" not in with_page[0].text
        and "//" not in "".join(part for part in with_page[0].text.split('"') if part.startswith("//"))
    )


# Versions


def test_a_new_version_replaces_the_old_one_once_it_is_whole(folders, tmp_path):
    made.written(tmp_path / "m")
    registry = Registry({"m": tmp_path / "m"}, batch_size=1)

    async def main():
        await registry.refresh()
        old = registry.find("m")
        path = made.written(tmp_path / "m", version=2)
        index = path / "variables" / "variables.index"
        whole = index.read_bytes()
        index.write_bytes(whole[:10])
        await registry.refresh()
        assert registry.find("m") is old and registry.status("m", 2)[0]["state"] == "END"
        assert "SHA-256 differs" in registry.status("m", 2)[0]["status"]["error_message"]
        index.write_bytes(whole)
        await registry.refresh()
        assert registry.find("m").version == 2 and sorted(registry.entry("m").loaded) == [2]
        assert [one["state"] for one in registry.status("m")] == ["AVAILABLE", "END"]

    asyncio.run(main())
