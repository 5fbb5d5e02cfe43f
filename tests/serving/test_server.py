"""`tfllm serve` in a process of its own: real clients, signals, a page in a browser."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.serving import made

pytest.importorskip("uvicorn")
pytestmark = pytest.mark.slow  # a process that imports TensorFlow
ROW = {"texts": "A b", "questions": "?"}


@contextlib.contextmanager
def serving(*words):
    """(address, process) of a running service, which is killed at the end."""
    command = [
        sys.executable,
        "-m",
        "tfllm",
        "serve",
        *map(str, words),
        "--port",
        "0",
        "--grace",
        "0.3",
        "--poll",
        "0.2",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"TFLLM_API_KEYS": ""}
    )
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield line.partition("/v1")[0].strip(), process
    finally:
        process.kill()
        process.communicate()


def post(url, content, timeout=60):
    request = urllib.request.Request(url, json.dumps(content).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    made.written(folder / "tagger")
    made.written(folder / "chat", {"speakers": ["user", "clerk"]})
    return folder


def test_the_client_of_openai_and_a_stop_without_loss(folder):
    openai = pytest.importorskip("openai")
    with serving(folder / "tagger", f"clerk={folder / 'chat'}", "--ui") as (address, process):
        client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
        assert {one.id for one in client.models.list()} == {"tagger", "clerk"}
        assert client.models.retrieve("tagger").owned_by == "tfllm"
        text = client.completions.create(model="tagger", prompt="x", max_tokens=9).choices[0].text
        assert text == "alpha be "
        parts = client.completions.create(model="tagger", prompt="x", max_tokens=9, stream=True)
        assert "".join(part.choices[0].text for part in parts) == text
        messages = [{"role": "user", "content": "hi"}]
        reply = client.chat.completions.create(model="clerk", messages=messages, max_tokens=40)
        parts = client.chat.completions.create(model="clerk", messages=messages, max_tokens=40, stream=True)
        assert "".join(part.choices[0].delta.content or "" for part in parts) == reply.choices[0].message.content
        with pytest.raises(openai.NotFoundError, match="Servable not found"):
            client.completions.create(model="none", prompt="x")
        with pytest.raises(openai.BadRequestError, match="no scalar input 'temperature'"):
            client.completions.create(model="tagger", prompt="x", temperature=1)

        statuses, stop = [], threading.Event()

        def ask():
            while not stop.is_set():
                try:
                    status, content = post(f"{address}/v1/models/tagger:predict", {"instances": [ROW]})
                except (urllib.error.URLError, ConnectionError):  # it is closed
                    return
                statuses.append(status)
                assert status == 503 or content["predictions"][0]["text"] == "a b?"

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        while len(statuses) < 20:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(60)
        assert process.wait(60) == 0
        stop.set()
        assert set(statuses) == {200, 503}
        events = [json.loads(line)["event"] for line in process.stderr.read().splitlines() if line.startswith("{")]
        assert events.count("stopping") == 1 and "failed" not in events


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "usage: tfllm serve"), (["nowhere"], "no folder nowhere"), (["."], "has no 1/saved_model.pb"),
        (["{folder}/tagger/1"], "tagger is the folder"),
        (["{folder}/tagger", "{folder}/tagger"], "two folders have the name"),
        (["{folder}/tagger", "--labels", "x:y=1"], "--labels: expected NAME:LABEL=VERSION of tagger"),
        (["{folder}/tagger", "--queue", "0"], "--queue must be at least 1"),
        (["{folder}/tagger", "--prot", "80"], "did you mean '--port'"),
    ],
)  # fmt: skip
def test_wrong_words(folder, words, message, capsys):
    from tfllm import cli

    with contextlib.suppress(SystemExit):
        cli.main(["serve", *(word.format(folder=folder) for word in words)])
    out = capsys.readouterr()
    assert message in out.out + out.err


def test_the_page_in_a_browser(folder, tmp_path):
    """A text typed in a real browser gives an answer; the chat streams; another language, a narrow window."""
    sync_api = pytest.importorskip("playwright.sync_api")
    browser = shutil.which("chromium")
    if not browser:
        pytest.skip("needs chromium")
    with serving(folder / "tagger", folder / "chat", "--ui") as (address, _), sync_api.sync_playwright() as play:
        page = play.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page(locale="en-US")
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/ui")
        page.fill("#text-texts", "A b")
        page.fill("#text-questions", "?")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("#out .answer >> text=a b?")
        page.select_option("#signature", "sample")
        page.fill("#text-texts", "x")
        page.click("#go")
        page.wait_for_selector("#out .answer >> text=xalpha be 中文 gamma")
        page.select_option("#model", "chat")
        page.wait_for_selector("#turns", state="attached")
        page.click("#language")
        assert page.inner_text("#go") == "回答"
        page.fill("#text-texts", "hi")
        page.keyboard.press("Enter")
        page.wait_for_selector("#turns .assistant")
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        page.screenshot(path=str(tmp_path / "page.png"))
        assert Path(tmp_path / "page.png").stat().st_size > 1000
        assert all(url.startswith((address, "data:")) for url in asked)
