"""The interfaces over HTTP, in this process; each form is that of the interface's own documentation."""

import asyncio
import base64
import json
import re

import pytest

from tests.serving import made
from tests.serving.asking import ask, post
from tfllm.serving.app import application
from tfllm.serving.registry import Registry
from tfllm.serving.service import Limits, Service

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
