"""`tfllm evaluate RUN --source F --target F`: BLEU and chrF of a run's best model, with signatures and intervals."""

from dataclasses import asdict, dataclass, field

from tfllm.cli import options, pairs
from tfllm.cli.trained import best
from tfllm.tasks.decoding import Decoding


@dataclass(frozen=True)
class Evaluation(pairs.Pairs):
    decoding: Decoding = field(default_factory=Decoding)


def run(arguments):
    if arguments in ([], ["--help"], ["-h"]):
        return print(options.help("tfllm evaluate RUN --source F --target F", Evaluation))
    given, words = options.split(arguments)
    (folder,) = options.words(["RUN"], words)
    settings = options.settings(Evaluation, given)
    model = best(folder)
    print(model.score(pairs.some(settings), verbose=0, **asdict(settings.decoding)))
