"""`tfllm export RUN FOLDER`: a SavedModel of a run's best model, for TensorFlow Serving."""

from dataclasses import fields

from tfllm.cli import kinds, options
from tfllm.cli.trained import best, options_of


def run(arguments):
    if arguments in ([], ["--help"], ["-h"]):
        return print(options.helps("tfllm export RUN FOLDER", kinds.all_of("Exporting")))
    given, words = options.split(arguments)
    run_folder, folder = options.words(["RUN", "FOLDER"], words)
    settings = options.settings(options_of(run_folder, "Exporting"), given)
    print(best(run_folder).export(folder, *(getattr(settings, field.name) for field in fields(settings))))
