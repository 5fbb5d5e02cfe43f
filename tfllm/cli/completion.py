"""`tfllm completion bash|zsh|fish`: print a shell script that completes verbs, tasks, options and their values.

The script contains all words, so no Python runs when a key is pressed; print it again after an update. Where the words
are not known, such as RUN, the shell completes file names.
"""

from tfllm.cli import options
from tfllm.cli.messages import Help, meant

USAGE = "tfllm completion bash|zsh|fish"
ALWAYS = ("--help", "--quiet", "--verbose")

BASH = """\
# In ~/.bashrc: source <(tfllm completion bash)
_tfllm() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} found= short=
    local verb=${COMP_WORDS[1]} part=${COMP_WORDS[2]} position=$COMP_CWORD
@BODY@
    COMPREPLY=($(compgen -W "$found" -- "$word"))
    ((${#COMPREPLY[@]})) || COMPREPLY=($(compgen -W "$short" -- "$word"))
}
complete -o default -F _tfllm tfllm
"""
ZSH = """\
#compdef tfllm
# In ~/.zshrc, behind compinit: source <(tfllm completion zsh)
_tfllm() {
    local word=$words[CURRENT] before=$words[CURRENT-1] found= short=
    local verb=$words[2] part=$words[3] position=$((CURRENT - 1))
@BODY@
    [[ -n $found ]] && compadd -M 'l:|=* r:|=*' -- ${=found} || _files
}
if [[ $funcstack[1] == _tfllm ]]; then _tfllm "$@"; else compdef _tfllm tfllm; fi
"""
BODY = """\
    if [[ $position == 1 ]]; then
        found="@VERBS@"
    elif [[ $word == -* ]]; then
        found="@ALWAYS@"
        case "$verb $part" in
@OPTIONS@
        esac
    else
        case "$position $verb" in
@PARTS@
        esac
        case "$verb $part $before" in
@VALUES@
        esac
    fi"""
FISH = """\
# In ~/.config/fish/config.fish: tfllm completion fish | source
function __tfllm_words
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l verb "$words[2]"
    set -l part "$words[3]"
    set -l found
    set -l short
    if test (count $words) = 1
        set found @VERBS@
    else if string match -q -- '-*' "$word"
        set found @ALWAYS@
        switch "$verb $part"
@OPTIONS@
        end
    else
        switch (count $words)" $verb"
@PARTS@
        end
        switch "$verb $part $words[-1]"
@VALUES@
        end
    end
    if set -q found[1]
        printf '%s\\n' $found
    else
        __fish_complete_path "$word"
    end
end
complete -c tfllm -f -a '(__tfllm_words)'
"""


def run(arguments):
    if arguments[:1] in ([], ["--help"], ["-h"]):
        raise Help(f"usage: {USAGE}\n\n{__doc__.strip()}")
    (shell,) = options.words(["bash|zsh|fish"], arguments)
    if shell not in SHELLS:
        raise ValueError(f"no shell {shell!r}{meant(shell, SHELLS)}; expected one of {', '.join(SHELLS)}")
    print(SHELLS[shell](), end="")


def completions():
    return {shell: {} for shell in SHELLS}


def words():
    """{verb: {the word after it, "" for any: {option: its values, () if they are not listed}}}"""
    from tfllm.cli import VERBS, module

    return {verb: module(verb).completions() for verb in VERBS}


def bash(template=BASH):
    return filled(template.replace("@BODY@", BODY), lambda parts: "\\ ".join(parts), "|".join, "{}) {} ;;", '{}="{}"')


def zsh():
    return bash(ZSH)


def fish():
    return filled(FISH, lambda parts: f"'{' '.join(parts)}'", " ".join, "case {}; {}", "set {} {}")


def filled(template, pattern, either, case, assign):
    """The template with all words, in the syntax of a shell.

    pattern(words): matches these, "*" any; either(patterns): one of them; case: a pattern and its action.
    """
    known = words()

    def cases(rows):  # {action: [words that lead to it]}
        lines = (case.format(either(map(pattern, places)), done) for done, places in rows.items())
        return "\n".join(f"{'':8}{line}" for line in lines)

    parts, names, values = {}, {}, {}
    for verb, behind in known.items():
        if "" not in behind:
            parts.setdefault(assign.format("found", " ".join(behind)), []).append(("2", verb))
        for part, result in behind.items():
            place = (verb, part or "*")
            short = {name: last for name in result if (last := shortened(name, result)) != name}
            done = assign.format("found", " ".join([f"--{name}" for name in result] + [*ALWAYS]))
            done += "; " + assign.format("short", " ".join(f"--{last}" for last in short.values()))
            names.setdefault(done, []).append(place)
            for name, choices in result.items():
                if choices:
                    done = assign.format("found", " ".join(choices))
                    spelled = dict.fromkeys([name, short.get(name, name)])
                    values.setdefault(done, []).extend((*place, f"--{one}") for one in spelled)
    rows = {"VERBS": " ".join([*known, "--help", "--version"]), "ALWAYS": " ".join(ALWAYS)}
    rows |= {"OPTIONS": cases(names), "PARTS": cases(parts), "VALUES": cases(values)}
    for name, text in rows.items():
        template = template.replace(f"@{name}@", text)
    return template


def shortened(name, names):
    """The last part of a dotted name, if it is unique; else the name."""
    last = name.rpartition(".")[2]
    return last if options.in_full(last, names) == name else name


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}
