"""Which TensorFlow operations a SavedModel can run, read from the file without loading it.

A SavedModel is a program: TensorFlow's own advice is to run only those that one trusts. `operations.txt` lists what
the exports of tfllm use: arithmetic, strings, tables, control flow. Nothing in it opens a file, a socket or Python,
except for what restores the variables of the SavedModel itself, which no signature can reach.
"""

from functools import cache
from pathlib import Path

from tfllm.private_api import saved_model_graphs


@cache
def allowed():
    """The names of the operations that exports of tfllm use: frozenset of str."""
    return frozenset(Path(__file__).with_name("operations.txt").read_text("ascii").split())


def graph_of(path):
    """The MetaGraphDef of a SavedModel's folder. Raises ValueError unless the file has exactly one."""
    file = Path(path) / "saved_model.pb"
    content = file.read_bytes()
    try:
        graphs = saved_model_graphs(content)
    except Exception as error:  # protobuf's DecodeError, whose module differs between its versions
        raise ValueError(f"{file} is not a SavedModel: {error}") from None
    if len(graphs) != 1:
        raise ValueError(f"{file} has {len(graphs)} graphs; a SavedModel of tfllm has one")
    return graphs[0]


def reachable_operations(graph):
    """The names of the operations that loading a MetaGraphDef, or calling what is loaded, can run: set of str.

    Loading calls initializers of tables; calls are of signatures and of the functions that a loaded object has. What
    saves and restores variables is in the file too, but `tf.saved_model.load` does not call it.
    """
    return {node.op for node in reachable_nodes(graph, graph.signature_def, graph.object_graph_def.concrete_functions)}


def reachable_nodes(graph, signatures, others=()):
    """The NodeDefs that signatures, and other functions, of these names can run, those of called functions included.

    A node that is a call of a function by its name is not among them.
    """
    nodes = {node.name: node for node in graph.graph_def.node}
    functions = {function.signature.name: function for function in graph.graph_def.library.function}
    ends = (info.name for name in signatures for info in graph.signature_def[name].outputs.values())
    known = {name for name in map(source, ends) if name in nodes}
    waiting, found, called = list(known), [], set()
    for name in others:
        found.extend(added(name, functions, called))
    while waiting or found:
        if waiting:
            body = [nodes[waiting.pop()]]
            for name in map(source, body[0].input):
                waiting.extend(added(name, nodes, known))
        else:
            body = functions[found.pop()].node_def
        for node in body:
            if node.op not in functions:
                yield node
            for name in callees(node):
                found.extend(added(name, functions, called))


def added(name, names, known):
    """[name] if it is one of the names and was not known, [] otherwise; then it is known."""
    if name not in names or name in known:
        return []
    known.add(name)
    return [name]


def source(name):
    """The node of a tensor's or an input's name: "^node" and "node:1" are of "node"."""
    return name.lstrip("^").partition(":")[0]


def callees(node):
    """The names of the functions that a node may call."""
    yield node.op
    for value in node.attr.values():
        yield value.func.name
        yield from (function.name for function in value.list.func)


def check_operations(path, graph=None):
    """Raises ValueError, which names them, if a SavedModel can run operations that exports of tfllm do not use."""
    others = sorted(reachable_operations(graph or graph_of(path)) - allowed())
    if others:
        raise ValueError(
            f"{path} can run operations that no export of tfllm uses: {', '.join(others[:8])}"
            f"{' ...' if len(others) > 8 else ''}. Load it only if you trust its author"
        )
