"""Speed beside other libraries: `python benchmarks/speed.py --out FOLDER` writes speed.md and speed.json there.

Each row is one piece of work, such as decoding 16 texts; its peers do it in processes of their own, with one thread
each, one after the other in each round. Before anything is timed, their outputs are compared: equal weights must give
equal texts. CPU seconds are those of all threads of a process, without loading and compilation (a first run); on a
machine with other work they are steadier than wall seconds. The ratio compares CPU seconds of the best peer of another
library. Peers whose library is not installed (ctranslate2, torch, onnxruntime) are left out. The floor of a row is the
least time for its products of matrices and its reading of weights, by the rates that floors.py measures.

--rows decode-1 translate-greedy ..., --peers tfllm ...: only these. --quick: tiny models and one round, to see that
everything runs.
"""

import argparse
import datetime
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from floors import floor, measured_rates
from machine import machine
from speed_rows import ROWS

HERE = Path(__file__).parent
PACKAGES = {  # peer: the package that it needs; others need TensorFlow alone
    "ctranslate2": "ctranslate2", "torch": "torch", "torch-compile": "torch", "onnxruntime": "onnxruntime",
}  # fmt: skip
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Peer:
    """A process that loads a model and works when it is told to."""

    def __init__(self, name, row, folder):
        command = [sys.executable, str(HERE / "speed_peers.py"), name, row, str(folder)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | ONE_THREAD
        )
        self.name, self.times, self.outputs = name, [], self.read()["outputs"]

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the peer {self.name} ended with code {self.process.wait()}")
        return json.loads(line)

    def work(self):
        self.process.stdin.write("work\n")
        self.process.stdin.flush()
        self.times.append(self.read())

    def median(self, kind):
        return statistics.median(times[kind] for times in self.times)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def installed(peer):
    return peer not in PACKAGES or importlib.util.find_spec(PACKAGES[peer]) is not None


def measured(name, folder, rounds, names=None, rates=None):
    """Rows of the table, one for each peer (of these `names`). Raises ValueError if the outputs differ.

    rates: what the machine computes and copies in a second, see floors.py.
    """
    row, peers = ROWS[name], []
    try:
        for peer in (peer for peer in row.peers if installed(peer) and (not names or peer in names)):
            peers.append(Peer(peer, name, folder))
            pairs = zip(peers[0].outputs, peers[-1].outputs, strict=True)
            share = statistics.mean(a == b or (row.close and abs(a - b) <= row.close) for a, b in pairs)
            if share < row.same:
                raise ValueError(f"{name}: {share:.1%} of the outputs of {peer} are those of {peers[0].name}")
            print(f"{name}: {peer}, {share:.1%} of the outputs are those of {peers[0].name}", file=sys.stderr)
        for _ in range(rounds):
            for peer in peers:
                peer.work()
    finally:
        for peer in peers:
            peer.close()
    size = json.loads((folder / "amount.json").read_text())[name]
    others = [peer.median("cpu") for peer in peers if peer.name in PACKAGES]
    return [
        {
            "row": name, "peer": peer.name, "unit": row.unit, "amount": size["amount"],
            "cpu": peer.median("cpu"), "wall": peer.median("wall"), "fastest": min(t["cpu"] for t in peer.times),
            "ratio": min(others) / peer.median("cpu") if others and peer.name not in PACKAGES else None,
            "floor": floor(size, rates or {}),
        }
        for peer in peers
    ]  # fmt: skip


def table(rows):
    head = "| row | peer | per CPU second | CPU s, median (fastest) | wall s | ratio | times the floor |"
    lines = [head, "|---" * 7 + "|"]
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        above = f"{row['cpu'] / row['floor']:.1f}" if row["floor"] else ""
        lines.append(
            f"| {row['row']} | {row['peer']} | {row['amount'] / row['cpu']:,.0f} {row['unit']} | {row['cpu']:.3f} "
            f"({row['fastest']:.3f}) | {row['wall']:.3f} | {ratio} | {above} |"
        )
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("speed"), help="folder of the results (default: speed)")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--peers", nargs="+", help="tfllm, tfllm-xla, ctranslate2, torch ...; default: all")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument(
        "--translator", help="a trained Transformer-tiny (.keras); default: trained here for some minutes"
    )
    options = parser.parse_args()
    result, rates = [], measured_rates()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(HERE / "speed_rows.py"), folder, *options.rows]
        command += ["--quick"] if options.quick else []
        command += ["--translator", options.translator] if options.translator else []
        subprocess.run(command, check=True, stdout=sys.stderr)
        for name in options.rows:
            result += measured(name, Path(folder), 1 if options.quick else options.rounds, options.peers, rates)
            write(options.out, result, rates, options.quick)  # a long measurement may be interrupted
    print(table(result))


def write(folder, result, rates, quick):
    packages = ["tensorflow", "keras", *{package for peer, package in PACKAGES.items() if installed(peer)}]
    about = {
        "date": str(datetime.date.today()), "machine": machine(), "python": platform.python_version(),
        "versions": {name: version(name) for name in packages}, "threads": 1, "quick": quick, "rates": rates,
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "speed.json").write_text(json.dumps(about | {"rows": result}, indent=1) + "\n")
    (folder / "speed.md").write_text(table(result))


if __name__ == "__main__":
    main()
