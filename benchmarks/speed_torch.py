"""The models of speed_training.py in PyTorch, with the weights that tfllm wrote, and their training."""

import json

import numpy as np
import torch
from speed_training import CHECKED, batches_of
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    """One product for queries, keys and values, or queries and one for keys and values; heads by PyTorch's kernel."""

    def __init__(self, weights, name, heads, rate):
        super().__init__()
        self.heads, self.rate = heads, rate
        names = [f"{name}/{part}" for part in ("query", "key", "value")]
        self.project = linear(*(weights[part] for part in names)) if "look" in name else None
        if self.project is None:
            self.query, self.pair = linear(weights[names[0]]), linear(*(weights[part] for part in names[1:]))
        self.output = linear(weights[f"{name}/output"])

    def forward(self, x, memory=None, mask=None, causal=False):
        if self.project is not None:
            q, k, v = self.project(x).chunk(3, dim=-1)
        else:
            q, (k, v) = self.query(x), self.pair(memory).chunk(2, dim=-1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (q, k, v))
        rate = self.rate if self.training else 0.0
        out = F.scaled_dot_product_attention(q, k, v, mask, rate, causal)
        return self.output(out.transpose(1, 2).flatten(2))


def linear(*parts):
    """One product for several dense layers."""
    kernel = np.concatenate([part["kernel"] for part in parts], axis=1)
    result = nn.Linear(*kernel.shape)
    result.weight.data = torch.from_numpy(np.ascontiguousarray(kernel.T))
    result.bias.data = torch.from_numpy(np.concatenate([part["bias"] for part in parts]))
    return result


def norm(part, epsilon):
    result = nn.LayerNorm(len(part["gamma"]), epsilon)
    result.weight.data, result.bias.data = torch.from_numpy(part["gamma"]), torch.from_numpy(part["beta"])
    return result


class Block(nn.Module):
    """EncoderBlock or, with `cross`, DecoderBlock of tfllm."""

    def __init__(self, weights, name, heads, rate, pre_norm, epsilon, activation):
        super().__init__()
        self.pre_norm, self.activation = pre_norm, activation
        self.look = Attention(weights, f"{name}/look", heads, rate)
        self.norm_look = self.norm(weights, name, "look", epsilon)
        self.cross = None
        if f"{name}/cross/query" in weights:
            self.cross = Attention(weights, f"{name}/cross", heads, rate)
            self.norm_cross = self.norm(weights, name, "cross", epsilon)
        self.widen, self.narrow = (linear(weights[f"{name}/feed/{part}"]) for part in ("widen", "narrow"))
        self.norm_feed, self.drop = self.norm(weights, name, "feed", epsilon), nn.Dropout(rate)

    @staticmethod
    def norm(weights, name, part, epsilon):
        return norm(weights[f"{name}/add_{part}/norm"], epsilon)

    def add(self, x, layer, function):
        if self.pre_norm:
            return x + self.drop(function(layer(x)))
        return layer(x + self.drop(function(x)))

    def forward(self, x, mask=None, causal=False, memory=None, memory_mask=None):
        x = self.add(x, self.norm_look, lambda x: self.look(x, None, mask, causal))
        if self.cross is not None:
            x = self.add(x, self.norm_cross, lambda x: self.cross(x, memory, memory_mask))
        return self.add(x, self.norm_feed, lambda x: self.narrow(self.activation(self.widen(x))))


class GPT(nn.Module):
    def __init__(self, weights, n):
        super().__init__()
        self.embed, self.place = (
            nn.Parameter(torch.from_numpy(weights[name][kind]))
            for name, kind in (("embed", "embeddings"), ("place", "table"))
        )
        self.blocks = nn.ModuleList(
            Block(
                weights,
                f"layer{i + 1}",
                n["num_heads"],
                n["rate"],
                True,
                n["epsilon"],
                lambda x: F.gelu(x, approximate="tanh"),
            )
            for i in range(n["num_layers"])
        )
        self.norm = norm(weights["norm"], n["epsilon"])

    def forward(self, batch):
        x = F.embedding(batch["inputs"], self.embed) + self.place[: batch["inputs"].shape[1]]
        for block in self.blocks:
            x = block(x, causal=True)
        return F.linear(self.norm(x), self.embed)


class LSTM(nn.Module):
    def __init__(self, weights, n):
        super().__init__()
        self.embed = nn.Parameter(torch.from_numpy(weights["embed"]["embeddings"]))
        self.recur = nn.LSTM(n["embedding_dim"], n["num_units"], n["num_layers"], batch_first=True)
        for i in range(n["num_layers"]):
            part = weights[f"recur/layer{i + 1}/lstm"]
            for name, value in (
                ("weight_ih", part["kernel"].T),
                ("weight_hh", part["recurrent_kernel"].T),
                ("bias_ih", part["bias"]),
            ):
                getattr(self.recur, f"{name}_l{i}").data = torch.from_numpy(np.ascontiguousarray(value))
            getattr(self.recur, f"bias_hh_l{i}").data.zero_()
            getattr(self.recur, f"bias_hh_l{i}").requires_grad = False
        self.to_logits = linear(weights["to_logits"])

    def forward(self, batch):
        return self.to_logits(self.recur(F.embedding(batch["inputs"], self.embed))[0])


class Transformer(nn.Module):
    """Post-norm, one matrix for both embeddings and the softmax."""

    def __init__(self, weights, n):
        super().__init__()
        from tfllm.layers.positions import sinusoids

        self.embed, self.width = nn.Parameter(torch.from_numpy(weights["embed_target"]["embeddings"])), n["d_model"]
        self.place = torch.from_numpy(sinusoids(max(n["pe_input"], n["pe_target"]), n["d_model"]))
        self.drop = nn.Dropout(n["rate"])
        blocks = ([Block(weights, f"{side}_layer{i + 1}", n["num_heads"], n["rate"], False, 1e-6, F.relu)
                   for i in range(n["num_layers"])] for side in ("encoder", "decoder"))  # fmt: skip
        self.encoder, self.decoder = map(nn.ModuleList, blocks)

    def embedded(self, ids):
        return self.drop(F.embedding(ids, self.embed) * self.width**0.5 + self.place[: ids.shape[1]])

    def forward(self, batch):
        source, target = batch["source"], batch["inputs"]
        seen = (source != 0)[:, None, None]
        past = torch.ones(target.shape[1], target.shape[1], dtype=torch.bool).tril() & (target != 0)[:, None, None]
        memory, x = self.embedded(source), self.embedded(target)
        for block in self.encoder:
            memory = block(memory, seen)
        for block in self.decoder:
            x = block(x, past, memory=memory, memory_mask=seen)
        return F.linear(x, self.embed)


def nested(path):
    """{"layer1/look/query": {"kernel": ...}}."""
    result = {}
    for key, value in np.load(path).items():
        layer, _, kind = key.rpartition("/")
        result.setdefault(layer, {})[kind] = value
    return result


def peer(compiled, name, folder):
    """A usual loop: fused Adam, gradients clipped, one update for each batch."""
    torch.set_num_threads(1)
    about = json.loads((folder / f"{name}.json").read_text())
    kind = GPT if "gpt" in name else LSTM if "lstm" in name else Transformer
    smoothing = 0.1 if kind is Transformer else 0.0
    model = kind(nested(folder / f"{name}.weights.npz"), about["sizes"])
    batches = [{key: torch.from_numpy(part) for key, part in batch.items()} for batch in batches_of(name, folder)]
    for batch in batches:
        batch["targets"] = torch.where(batch["weights"] > 0, batch["targets"], -100).long()
    optimizer = torch.optim.Adam(model.parameters(), betas=(0.9, 0.98), eps=1e-9, fused=True)
    rates = iter(about["rates"])

    def loss_of(batch):
        logits = model(batch)
        return F.cross_entropy(logits.flatten(0, 1), batch["targets"].flatten(), label_smoothing=smoothing)

    compute = torch.compile(loss_of, dynamic=False) if compiled else loss_of

    def update(batch):
        for group in optimizer.param_groups:
            group["lr"] = next(rates)
        optimizer.zero_grad()
        loss = compute(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss

    def checked():
        model.eval()
        with torch.no_grad():
            result = float(loss_of(batches[0]))
        model.train()
        return result

    losses = [checked()]
    for batch in batches[:CHECKED]:
        update(batch)
    losses.append(checked())

    def work():
        total = 0.0
        for batch in batches:
            total += float(update(batch).detach())
        return losses

    return work
