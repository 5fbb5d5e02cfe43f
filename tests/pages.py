"""The blocks of a Markdown page, and how a test runs them, in order, in the folder it is in.

A line that is only `name`: and a block behind it are a file, which is written. ```python blocks are executed in one
namespace. Of ```bash blocks, `tfllm` runs in this process, `cp` in this folder, `tfllm serve ... &` and `curl` behind
it in processes of their own; what needs a network, a GPU or minutes is only checked, see `known`. `tfllm export` is run
where `more` names it: it takes longest. A block behind the comment `not executed` is left out.
"""

import glob
import io
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from tfllm.cli import main

ROOT = Path(__file__).parent.parent
FENCE = re.compile(
    r"(?:^`([\w./-]+)`:\n\n)?(?:^(<!-- not executed)[^\n]*-->\n)?^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
EXTRAS = set(re.findall(r"^(\w+) =", (ROOT / "setup.cfg").read_text("utf-8").split("extras_require]")[1], re.MULTILINE))
TARGETS = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def blocks(path):
    """[(name of a file or "", language, text)] of a page."""
    found = FENCE.findall((ROOT / path).read_text("utf-8"))
    return [(file, "" if skipped else language, text) for file, skipped, language, text in found]


def run(path, names=None, more=None):
    """Run a page. names: the namespace of its Python. more: {verb or task: words added to its command lines}."""
    names = {} if names is None else names
    services = []
    try:
        return run_blocks(path, names, more or {}, services)
    finally:
        for service in services:
            service.kill()
            service.communicate()


def run_blocks(path, names, more, services):
    """As `run`; adds the processes of `tfllm serve ... &` to `services`."""
    for file, language, text in blocks(path):
        if file:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Path(file).write_text(text, encoding="utf-8")
        elif language == "python":
            exec(compile(text, f"{path}: {text[:40]}", "exec"), names)
        elif language == "bash":
            for line in text.replace("\\\n", " ").splitlines():
                shell(shlex.split(line, comments=True), more, services)
    return names


def shell(words, more, services):
    """Run one command line, or check what is not run here. curl is run once a service is."""
    if not words:
        return
    if words[:2] == ["tfllm", "serve"] and words[-1] == "&":
        command = [sys.executable, "-m", *words[:-1]]
        services.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
        assert services[-1].stdout.readline().startswith(b"http")
        return
    if words[0] == "curl" and services:
        subprocess.run(["curl", "--silent", "--show-error", "--fail", *words[1:]], check=True, capture_output=True)
        return
    if words[0] == "cp":
        shutil.copyfile(*words[1:])
    elif words[:2] == ["tfllm", "export"] and "export" not in more:
        assert len(words) in (4, 6) and Path(words[2], "best.keras").exists()
    elif words[0] == "tfllm" and words[1] != "completion":
        words = [found for word in words[1:] for found in (sorted(glob.glob(word)) if "*" in word else [word])]
        task = "pretrain" if words[0] == "pretrain" else words[1] if words[0] == "train" else None
        if [word for word in words if word.startswith("--")] == ["--out"]:
            task = None  # an interrupted run goes on with its own settings
        typed, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO())  # nobody types
        try:
            main(words + more.get(task, []))
        finally:
            sys.stdin = typed
    else:
        assert known(words), f"not executed, and not known to be right: {' '.join(words)}"


def known(words):
    """Whether the words are a command that is only checked: its make target, its extra or its file exist."""
    line = " ".join(words)
    if words[0] == "make":
        return all(word in TARGETS or "=" in word for word in words[1:])
    if extras := re.search(r"pip install .*\[([\w,]+)\]", line):
        return set(extras[1].split(",")) <= EXTRAS
    if words[0] == "python" or words[0].endswith("/python"):
        return words[1] == "-m" or (ROOT / words[1]).is_file()
    return words[0] in {"git", "cd", "source", "docker", "curl", "pip", "python3", "tfllm"} or words[0].endswith("pip")
