"""Rotary positions in configs of Hugging Face <-> the arguments of Llama.

Read: rope_theta with rope_scaling, and rope_parameters, which newer versions of transformers write. Supported kinds:
default, linear, llama3. Not supported: yarn, dynamic, longrope and others, and rotations of a part of each head.
"""

SIZES = {"factor": "factor", "low_freq_factor": "slow", "high_freq_factor": "fast",
         "original_max_position_embeddings": "trained_length"}  # fmt: skip
BASE = 10000.0


def read(config):
    """-> {base, scaling, and for a scaling its numbers}. Raises ValueError for what is not supported."""
    rope = {"rope_theta": config.get("rope_theta", BASE)}
    for name in ("rope_scaling", "rope_parameters"):
        if config.get(name) is not None:
            if not isinstance(config[name], dict):
                raise ValueError(f"{name} must be an object; got {config[name]!r:.60}")
            rope |= config[name]
    for place in (config, rope):
        if place.get("partial_rotary_factor", 1.0) != 1.0:
            raise ValueError(f"Llama rotates whole heads; got partial_rotary_factor={place['partial_rotary_factor']!r}")
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind not in ("default", "linear", "llama3"):
        raise ValueError(f"rope_type must be default, linear or llama3; got {kind!r:.60}")
    result = {"base": number(rope, "rope_theta"), "scaling": "none" if kind == "default" else kind}
    needed = {"default": (), "linear": ("factor",), "llama3": tuple(SIZES)}[kind]
    return result | {SIZES[name]: number(rope, name) for name in needed}


def number(rope, name):
    value = rope.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} of the rotary positions must be a number above 0; got {value!r:.60}")
    return int(value) if name.startswith("original") else float(value)


def written(numbers):
    """The arguments of Llama -> entries of a config, for old and new versions of transformers."""
    kind = numbers["scaling"]
    names = {"none": (), "linear": ("factor",), "llama3": tuple(SIZES)}[kind]
    scaling = {"rope_type": "default" if kind == "none" else kind} | {name: numbers[SIZES[name]] for name in names}
    return {
        "rope_theta": numbers["base"], "rope_scaling": None if kind == "none" else scaling,
        "rope_parameters": scaling | {"rope_theta": numbers["base"]},
    }  # fmt: skip
