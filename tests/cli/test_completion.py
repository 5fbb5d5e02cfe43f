"""`tfllm completion SHELL`: the script is run by the shell itself, where that is installed, and asked for words."""

import shutil
import subprocess

import pytest

from tests.cli.test_road import stderr_of
from tfllm.cli import VERBS, main
from tfllm.cli.tasks import table

FILE = "a name of a file"
ASKED = {  # what stands on the line: what is offered for the last word (in fish too), and what is not
    "tfllm tra": ("train", "evaluate"),
    "tfllm train cl": ("classifier", "lm"),
    "tfllm train lm --valid_t": ("--valid_text", "--valid_source"),
    "tfllm train translation --model.num_l": ("--model.num_layers", "--recipe.epochs"),
    "tfllm train translation --tokenizer s": ("segments", "words"),
    "tfllm train lm --model.kind ": ("GPT", "Transformer"),
    "tfllm generate RUN --stream f": ("false", "true"),
    "tfllm evaluate RUN --rel": ("--reliability", "--stream"),
    "tfllm vectors nea": ("nearest", "convert"),
    "tfllm vectors train --kind g": ("glove", "word2vec"),
    "tfllm completion z": ("zsh", "bash"),
    "tfllm pretrain --objective ": ("spans", "true"),
    "tfllm generate no": (FILE, "--stream"),
    "tfllm train lm --text no": (FILE, "--stream"),
}
ASK = {  # lines to words, a line each; zsh completes at a terminal only, so what its functions are given is printed
    "bash": """
        source ./script
        complete -p tfllm | grep -q -- '-o default' || exit 1
        while IFS= read -r line; do
            COMP_WORDS=($line); [[ $line == *' ' ]] && COMP_WORDS+=('')
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _tfllm; echo "${COMPREPLY[*]:-FILE}"
        done""",
    "zsh": """
        compdef() { [[ "$*" == "_tfllm tfllm" ]] || exit 1 }
        source ./script
        compadd() { while [[ $1 != -- ]] { shift }; shift; given=(${(M)@:#$words[CURRENT]*}); (( $#given )) }
        _files() { given=(FILE) }
        while IFS= read -r line; do
            words=(${(s: :)line}); [[ $line == *' ' ]] && words+=('')
            CURRENT=$#words; _tfllm; echo "$given"
        done""",
    "fish": """
        source ./script
        touch nofile
        while read -l line
            echo (complete -C "$line" | string replace -r '\\t.*' '' | string replace nofile FILE)
        end""",
}


@pytest.mark.parametrize("shell", ASK)
def test_words_are_offered_by_the_shell_itself(shell, tmp_path, capsys, monkeypatch):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    main(["completion", shell])
    (tmp_path / "script").write_text(capsys.readouterr().out)
    lines = "".join(f"{line}\n" for line in ASKED)
    ended = subprocess.run([shell, "-c", ASK[shell]], input=lines, capture_output=True, text=True, cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    for (line, (offered, other)), result in zip(ASKED.items(), ended.stdout.splitlines(), strict=True):
        assert offered.replace(FILE, "FILE") in result.split() and other not in result.split(), (line, result)


def test_the_scripts_know_all_verbs_and_tasks(capsys):
    for shell in ASK:
        main(["completion", shell])
        script = capsys.readouterr().out
        assert all(word in script for word in (*VERBS, *table.TASKS, "--model.num_layers", "--version"))
        assert "@" not in script.replace("$@", "").replace("[@]", "")  # nothing is left to fill in


@pytest.mark.parametrize("line, part", [("bahs", "did you mean 'bash'?"), ("bash zsh", "expected bash|zsh|fish, got")])
def test_a_shell_that_is_none(line, part, capsys):
    assert part in stderr_of(capsys, "completion", *line.split())
