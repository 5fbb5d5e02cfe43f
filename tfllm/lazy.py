"""Packages whose names are loaded on first use, so that using one does not import all others."""

import difflib
import functools
import importlib
import warnings


def names(package, homes, moved=None):
    """(__getattr__, __dir__, __all__) for the __init__ of a package. homes: {module: the names that it defines}.

    moved: {name: the package that has it now}; accessing it here gives a FutureWarning.
    """
    home = {name: module for module, given in homes.items() for name in given}

    def load(name):
        if name in homes:
            return importlib.import_module(f"{package}.{name}")
        if name in (moved or {}):
            warnings.warn(f"{package}.{name} is now {moved[name]}.{name}", FutureWarning, stacklevel=2)
            return getattr(importlib.import_module(moved[name]), name)
        if name not in home:
            near = difflib.get_close_matches(name, home, 1)
            hint = f"did you mean {near[0]!r}? It has" if near else "it has"
            raise AttributeError(f"{package} has no {name!r}; {hint} {', '.join(sorted(home))}")
        return getattr(importlib.import_module(f"{package}.{home[name]}"), name)

    return load, lambda: sorted(home), sorted(home)


def moved(package, homes):
    """__getattr__ for the __init__ of a package whose modules have moved: {old name: new module}.

    Accessing an old name gives a FutureWarning.
    """

    def load(name):
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        warnings.warn(f"{package}.{name} is now {homes[name]}", FutureWarning, stacklevel=2)
        return importlib.import_module(homes[name])

    return load


def renamed(**arguments):
    """Decorator of a function whose arguments have new names, {old: new}. An old name gives a FutureWarning."""

    def decorator(function):
        @functools.wraps(function)
        def call(*args, **options):
            for old, new in arguments.items():
                if old in options:
                    warnings.warn(f"{function.__name__}({old}=) is now {new}=", FutureWarning, stacklevel=2)
                    options[new] = options.pop(old)
            return function(*args, **options)

        return call

    return decorator
