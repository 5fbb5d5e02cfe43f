"""`tfllm export RUN FOLDER`: a SavedModel of a run's best model, for TensorFlow Serving."""

from dataclasses import dataclass, field

from tfllm.cli import options
from tfllm.cli.trained import best
from tfllm.tasks.decoding import Decoding


@dataclass(frozen=True)
class Exporting:
    decoding: Decoding = field(default_factory=Decoding)


def run(arguments):
    if arguments in ([], ["--help"], ["-h"]):
        return print(options.help("tfllm export RUN FOLDER", Exporting))
    given, words = options.split(arguments)
    run_folder, folder = options.words(["RUN", "FOLDER"], words)
    settings = options.settings(Exporting, given)
    print(best(run_folder).export(folder, settings.decoding))
