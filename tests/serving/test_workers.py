"""Workers that end are started again, requests go on, a signal ends all; first without a model, then `tfllm serve`."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from tests.serving import made
from tests.serving.test_server import ROW, post

pytest.importorskip("uvicorn")


def supervised(fails=False):
    """A process with a supervisor of two plain workers, whose standard output begins with the port."""
    code = (
        "from tests.serving.plain_worker import Answer; from tfllm.cli.serving.workers import supervise\n"
        f"supervise(2, Answer({fails}), '127.0.0.1', 0, lambda address: print(address[1], flush=True))"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ask(port, text=b"hi"):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(text)
        return connection.recv(100)


def seen(port, count, old=()):
    """The ids of `count` workers that are not among the old ones, as they answer."""
    found, end = set(), time.monotonic() + 60
    while len(found) < count and time.monotonic() < end:
        found.add(int(ask(port)))
        found -= set(old)
    return found


def is_running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    assert condition()


def test_a_worker_that_dies_is_started_again_and_a_signal_ends_all():
    with supervised() as process:
        port = int(process.stdout.readline())
        workers = seen(port, 2)
        assert len(workers) == 2
        assert ask(port, b"die") == b""
        wait_for(lambda: sum(map(is_running, workers)) == 1)
        (left,) = filter(is_running, workers)
        new = seen(port, 1, old=workers)
        assert new and is_running(left)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert not any(map(is_running, {left, *new}))
        with pytest.raises(OSError):
            ask(port)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes in /proc")
def test_workers_end_with_a_supervisor_that_is_killed():
    with supervised() as process:
        workers = seen(int(process.stdout.readline()), 2)
        process.kill()
        wait_for(lambda: not any(map(is_running, workers)))


def test_a_failure_at_the_start_is_an_error():
    with supervised(fails=True) as process:
        assert process.wait(60) == 1
        assert "ValueError: no model here" in process.stderr.read() and not process.stdout.read()


@pytest.mark.slow  # three processes that import TensorFlow
def test_serving_survives_kill_9(tmp_path):
    """Under load: only requests of the killed worker are lost; metrics count all workers; SIGTERM drains both."""
    made.written(tmp_path / "tagger")
    command = [sys.executable, "-m", "tfllm", "serve", str(tmp_path / "tagger"), "--port", "0", "--workers", "2",
               "--grace", "0.3"]  # fmt: skip
    environment = os.environ | {"TFLLM_API_KEYS": ""}
    log = tmp_path / "log"  # a pipe that nobody reads would stop the workers once it is full
    with (
        open(log, "w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment) as process,
    ):
        try:
            line = process.stdout.readline()
            assert line, log.read_text()
            address = line.partition("/v1")[0]
            workers = children(process.pid)
            assert len(workers) == 2
            statuses, lost, stop = [], [], threading.Event()

            def load():
                while not stop.is_set():
                    try:
                        status, content = post(f"{address}/v1/models/tagger:predict", {"instances": [ROW]})
                    except (urllib.error.URLError, ConnectionError):
                        lost.append(time.monotonic())
                        continue
                    statuses.append(status)
                    assert status == 503 or content["predictions"][0]["text"] == "a b?"

            threads = [threading.Thread(target=load, daemon=True) for _ in range(4)]
            for thread in threads:
                thread.start()
            wait_for(lambda: len(statuses) > 50)
            os.kill(min(workers), signal.SIGKILL)
            wait_for(lambda: len(children(process.pid) - {min(workers)}) == 2)
            before = len(statuses)
            wait_for(lambda: len(statuses) > before + 50)
            assert len(lost) <= 4  # one request of each client
            stop.set()
            for thread in threads:
                thread.join()
            with urllib.request.urlopen(f"{address}/metrics") as answer:
                counts = [line.split()[-1] for line in answer.read().decode().splitlines()
                          if line.startswith(":tensorflow:serving:request_count_total{")]  # fmt: skip
            assert 0 <= sum(map(float, counts)) - len(statuses) <= len(lost)
            assert set(statuses) == {200}
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
            events = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
            assert [event["code"] for event in events if event["event"] == "worker ended"] == [-signal.SIGKILL]
            assert sum(event["event"] == "stopping" for event in events) in (1, 2)  # the new one may still be loading
        finally:
            process.kill()


def children(parent):
    """The ids of the workers of a process: its children but for Python's tracker of resources."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return {int(one) for one in found if b"resource_tracker" not in Path(f"/proc/{one}/cmdline").read_bytes()}
