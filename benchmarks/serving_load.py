"""Load on `tfllm serve`: requests a second and their latencies, with and without batches, beside a naive server.

    python benchmarks/serving_load.py FOLDER --texts FILE [--requests 2000] [--clients 16] [--repeats 3]

FOLDER: what `tfllm export` wrote, of a model with one text input. FILE: a text a line. Each server runs in a process of
its own on the same SavedModel, one thread of TensorFlow each; servers are asked in turns. Every answer is compared with
that of the SavedModel to the text alone. The naive server is FastAPI with one call of the signature a request.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NAIVE = """
import sys, os
import tensorflow as tf, uvicorn
from fastapi import FastAPI
model = tf.saved_model.load(sys.argv[1])
call = model.signatures["serving_default"]
app = FastAPI()
@app.post("/v1/models/m:predict")
def predict(body: dict):
    outputs = call(tf.constant(body["instances"]))
    parts = {name: [one.decode() if isinstance(one, bytes) else one for one in part.numpy().tolist()]
             for name, part in outputs.items() if len(part.shape) == 1}
    return {"predictions": [dict(zip(parts, row)) for row in zip(*parts.values())]}
print("http ready", flush=True)
uvicorn.run(app, port=int(sys.argv[2]), log_level="error")
"""
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1",
               "TF_ENABLE_ONEDNN_OPTS": "1"}  # fmt: skip


def commands(folder, naive, port):
    """{name of a server: (command, port)}."""
    ours = [sys.executable, "-m", "tfllm", "serve", f"m={folder}", "--trust", "--port"]
    version = max((path for path in Path(folder).iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
    return {
        "tfllm serve": ([*ours, str(port)], port),
        "tfllm serve, --batch_size 1": ([*ours, str(port + 1), "--batch_size", "1", "--latency_ms", "0"], port + 1),
        "naive FastAPI": ([sys.executable, str(naive), str(version), str(port + 2)], port + 2),
    }


async def ask(reader, writer, text):
    body = json.dumps({"instances": [text]}).encode()
    writer.write(b"POST /v1/models/m:predict HTTP/1.1\r\nHost: m\r\nContent-Type: application/json\r\n"
                 + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)  # fmt: skip
    head = await reader.readuntil(b"\r\n\r\n")
    size = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return int(head.split()[1]), json.loads(await reader.readexactly(size))


async def load(port, texts, clients):
    """(seconds in all, [seconds of each request], [answer]) of `clients` connections that ask one text at a time."""
    latencies, answers, waiting = [0.0] * len(texts), [None] * len(texts), iter(range(len(texts)))

    async def client():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for i in waiting:
            begin = time.perf_counter()
            status, content = await ask(reader, writer, texts[i])
            latencies[i], answers[i] = time.perf_counter() - begin, content
            assert status == 200, content
        writer.close()

    begin = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return time.perf_counter() - begin, latencies, [one["predictions"][0] for one in answers]


def cpu(process):
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(process):
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def same(answer, alone):
    """Texts and whole numbers are equal, other numbers to 1e-4."""
    for name, value in alone.items():
        other = answer[name]
        if isinstance(value, float):
            if abs(other - value) > 1e-4 + 1e-4 * abs(value):
                return False
        elif not isinstance(value, list) and other != value:
            return False
    return True


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder")
    options.add_argument("--texts", required=True)
    options.add_argument("--requests", type=int, default=2000)
    options.add_argument("--clients", type=int, nargs="+", default=[1, 16])
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--port", type=int, default=8700)
    options = options.parse_args()
    lines = [line for line in Path(options.texts).read_text("utf-8").splitlines() if line.strip()]
    texts = [lines[i % len(lines)] for i in range(options.requests)]
    with tempfile.TemporaryDirectory() as folder:
        naive = Path(folder) / "naive.py"
        naive.write_text(NAIVE)
        servers = commands(options.folder, naive, options.port)
        processes = {name: subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                            env=os.environ | ENVIRONMENT)
                     for name, (command, _) in servers.items()}  # fmt: skip
        try:
            for process in processes.values():
                assert process.stdout.readline().startswith(b"http")
            measure(options, servers, processes, texts)
        finally:
            for process in processes.values():
                process.send_signal(signal.SIGTERM)
            for process in processes.values():
                process.wait(30)


def measure(options, servers, processes, texts):
    time.sleep(2)  # the naive server says that it is ready just before
    _, _, alone = asyncio.run(load(servers["tfllm serve, --batch_size 1"][1], texts[: len(set(texts))], 1))
    expected = dict(zip(texts, alone, strict=False))
    print("| server | clients | requests/s | p50 ms | p95 ms | p99 ms | CPU ms a request | memory MB |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for clients in options.clients:
        found = {name: [] for name in servers}
        for _ in range(options.repeats):
            for name, (_, port) in servers.items():
                before = cpu(processes[name])
                seconds, latencies, answers = asyncio.run(load(port, texts, clients))
                spent = cpu(processes[name]) - before
                wrong = [text for text, answer in zip(texts, answers, strict=True) if not same(answer, expected[text])]
                assert not wrong, (name, len(wrong), wrong[0])
                cuts = statistics.quantiles(latencies, n=100)
                found[name].append((len(texts) / seconds, *(1000 * cuts[i - 1] for i in (50, 95, 99)),
                                    1000 * spent / len(texts)))  # fmt: skip
        for name, rows in found.items():
            rate, *others = (statistics.median(column) for column in zip(*rows, strict=True))
            cells = " | ".join(f"{value:.1f}" for value in others)
            print(f"| {name} | {clients} | {rate:.0f} | {cells} | {memory(processes[name]):.0f} |", flush=True)


if __name__ == "__main__":
    main()
