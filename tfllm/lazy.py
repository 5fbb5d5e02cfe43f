"""Packages whose names are loaded when they are first used, so that one of them can be had without all others."""

import difflib
import importlib


def names(package, homes):
    """(__getattr__, __dir__, __all__) for the __init__ of a package. homes: {module: the names that it gives}."""
    home = {name: module for module, given in homes.items() for name in given}

    def load(name):
        if name in homes:
            return importlib.import_module(f"{package}.{name}")
        if name not in home:
            near = difflib.get_close_matches(name, home, 1)
            told = f"did you mean {near[0]!r}? It has" if near else "it has"
            raise AttributeError(f"{package} has no {name!r}; {told} {', '.join(sorted(home))}")
        return getattr(importlib.import_module(f"{package}.{home[name]}"), name)

    return load, lambda: sorted(home), sorted(home)
