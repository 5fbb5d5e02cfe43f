"""The options that constrain an answer: `choices`, `pattern`, `json_schema` of a decoding."""

NAMES = ("choices", "pattern", "json_schema")


def given(decoding):
    """The names of the constraints that a decoding has."""
    return [name for name in NAMES if getattr(decoding, name, None) not in ((), None)]


def check(decoding):
    """Raise ValueError if the constraints of a decoding do not fit together, or to its other options."""
    names = given(decoding)
    if len(names) > 1:
        raise ValueError(f"{' and '.join(names)} cannot be combined: give one of them")
    if names and (decoding.beam_width > 1 or decoding.penalty_alpha is not None or decoding.stop):
        raise ValueError(f"{names[0]} needs greedy decoding or sampling, without stop strings")


def constraint(decoding, tokenizer, pieces):
    """The generation.Constraint of a decoding; None if it has none. pieces: the bytes of each token id, or None.

    Raises ValueError for an invalid pattern or schema, and without `pieces`; ImportError without the extra.
    """
    from tfllm import generation

    if not given(decoding):
        return None
    if pieces is None:
        raise ValueError(
            f"{given(decoding)[0]} needs a tokenizer whose tokens are pieces of the text, such as BytePairs or "
            f"Characters; this is a {type(tokenizer).__name__}"
        )
    if decoding.choices:
        automaton = generation.of_choices(decoding.choices)
    else:
        schema = decoding.json_schema
        automaton = generation.of_pattern(decoding.pattern if schema is None else expression_of(schema))
    return generation.Constraint(automaton, pieces, tokenizer.end)


def expression_of(schema):
    """JSON schema, a str -> the regular expression of the JSON that it describes. Raises ValueError, ImportError."""
    try:
        from outlines_core.json_schema import build_regex_from_schema
    except ImportError:
        raise ImportError("JSON schemas need outlines-core: pip install 'tfllm[patterns]'") from None
    try:
        return build_regex_from_schema(schema)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the JSON schema cannot be used: {error}") from None
