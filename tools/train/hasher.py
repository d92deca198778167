"""Trains the heads of the product hasher, models/product-hasher, and measures its category and its hash.

Visual Search at eBay (arXiv 1706.03154, section 3): one trunk, and on its pooled features a head that recognises the
category, one whose sigmoid activations, cut at 0.5, are the semantic binary hash, and one for each attribute. Here the
trunk is EfficientNet-Lite0 as it is, 1280 features, and only the heads are trained. `attributes.py` measures the
attributes, beside the boosted trees that the paper has for them.

The hash head learns from

- a classifier that sees nothing but the activations (section 3.3, after SSDH, arXiv 1507.00101): bits that tell
  categories apart;
- a supervised contrastive loss (arXiv 2004.11362) between the activations of a batch, with three kinds of pairs: same
  category; and same colour; and same gender: bits that also rank within a category;
- SSDH's binarisation, which pulls activations to 0 and 1, and its balance, which has each bit set half of the time.

    python3 tools/train/hasher.py --data FOLDER --weights .cache/efficientnet-lite0.pth

FOLDER holds the pictures, ID.jpg, and attributes.csv with the columns id, articleType, which is the category, and those
in ATTRIBUTES. The features are computed once and kept under --cache. `--json` keeps the figures. Needs PyTorch, Pillow
and safetensors.
"""

from __future__ import annotations

import argparse
import collections
import csv
import hashlib
import json
import pathlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

import efficientnet_lite0

# What a picture is scaled to, the server's first: at 224 nothing of a square is cut off, at 288 nearly two fifths. Each is
# also mirrored: six views of a picture to train with.
SHORT_SIDES = (256, 224, 288)
# Categories with fewer pictures are left out, values of attributes with fewer are not predicted.
LEAST_EXAMPLES = 10
ATTRIBUTES = ("gender", "masterCategory", "subCategory", "baseColour", "season", "year", "usage")
UNKNOWN_VALUES = ("", "NA")
# In place of a class number: nothing is known of the picture; it has a value that is not predicted.
UNKNOWN, UNNAMED = -1, -2
Head = tuple[Tensor, Tensor]  # float16 weight [outputs, 1280] and bias [outputs]


# Data


@dataclass(frozen=True)
class Products:
    """N pictures: the trunk's features and what they are compared by, as class numbers."""

    ids: list[int]
    views: Tensor  # float32 [views, N, 1280]: at each of SHORT_SIDES, as it is and mirrored
    category: Tensor  # int64 [N]
    colour: Tensor  # int64 [N]
    gender: Tensor  # int64 [N]
    attributes: Tensor  # int64 [N, ATTRIBUTES]: class numbers, UNKNOWN or UNNAMED

    def __getitem__(self, rows: Tensor) -> Products:
        labels = (self.category, self.colour, self.gender, self.attributes)
        return Products(
            [self.ids[row] for row in rows.tolist()], self.views[:, rows], *(tensor[rows] for tensor in labels)
        )

    @property
    def features(self) -> Tensor:
        """Those of the picture as the server scales it, float32 [N, 1280]."""
        return self.views[0]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Names:
    categories: list[str]
    values: dict[str, list[str]]  # of each attribute
    left_out: list[str]  # article types, with the number of their pictures

    @property
    def value_counts(self) -> list[int]:
        return [len(self.values[attribute]) for attribute in ATTRIBUTES]


def extracted(pictures: list[pathlib.Path], weights: pathlib.Path, short_side: int) -> Tensor:
    """The trunk's features of the pictures and of their mirror images, [2, N, 1280]."""
    network = efficientnet_lite0.load(weights).to(memory_format=torch.channels_last)
    example = torch.zeros(16, 3, 224, 224).contiguous(memory_format=torch.channels_last)
    sides: tuple[list[Tensor], list[Tensor]] = ([], [])
    with torch.no_grad():
        # Freezing folds batch norm into the convolutions.
        trunk = torch.jit.freeze(torch.jit.trace(Features(network), example, check_trace=False).eval())
        for start in range(0, len(pictures), 16):
            opened = [Image.open(path) for path in pictures[start : start + 16]]
            batch = torch.stack([efficientnet_lite0.prepare(picture, short_side) for picture in opened])
            for side, x in zip(sides, (batch, batch.flip(3))):
                side.append(trunk(x.contiguous(memory_format=torch.channels_last)).clone())
            if start % 1600 == 0:
                print(f"features at {short_side}: {start} of {len(pictures)} pictures", flush=True)
    return torch.stack([torch.cat(side) for side in sides])


class Features(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network.features(x)


def features(pictures: list[pathlib.Path], weights: pathlib.Path, cache: pathlib.Path) -> Tensor:
    """The trunk's features at each of SHORT_SIDES, as they are and mirrored, [views, N, 1280]."""
    key = hashlib.sha256("\n".join(path.name for path in pictures).encode()).hexdigest()[:16]
    views = []
    for short_side in SHORT_SIDES:
        path = cache / f"features-{key}-{short_side}.pt"
        if not path.exists():
            cache.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            torch.save(extracted(pictures, weights, short_side), partial)
            partial.rename(path)
        views.append(torch.load(path, weights_only=True))
    return torch.cat(views)


def numbered(names: list[str]) -> tuple[Tensor, list[str]]:
    """Class numbers in the order of the names, and the names."""
    classes = sorted(set(names))
    number = {name: index for index, name in enumerate(classes)}
    return torch.tensor([number[name] for name in names]), classes


def numbered_values(column: list[str]) -> tuple[Tensor, list[str]]:
    """Class numbers of an attribute's values, UNKNOWN or UNNAMED, and the names of those that are predicted."""
    counts = collections.Counter(column)
    names = sorted(name for name in counts if name not in UNKNOWN_VALUES and counts[name] >= LEAST_EXAMPLES)
    number = {name: index for index, name in enumerate(names)}
    return torch.tensor(
        [UNKNOWN if name in UNKNOWN_VALUES else number.get(name, UNNAMED) for name in column]
    ), names


def read(data: pathlib.Path, weights: pathlib.Path, cache: pathlib.Path) -> tuple[Products, Names]:
    """The products without the article types that have too few examples."""
    with open(data / "attributes.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (data / f"{row['id']}.jpg").exists()]
    rows.sort(key=lambda row: int(row["id"]))
    views = features([data / f"{row['id']}.jpg" for row in rows], weights, cache)
    counts = collections.Counter(row["articleType"] for row in rows)
    kept = [index for index, row in enumerate(rows) if counts[row["articleType"]] >= LEAST_EXAMPLES]
    rows = [rows[index] for index in kept]
    category, categories = numbered([row["articleType"] for row in rows])
    colour, _ = numbered([row["baseColour"] for row in rows])
    gender, _ = numbered([row["gender"] for row in rows])
    columns = {attribute: numbered_values([row[attribute] for row in rows]) for attribute in ATTRIBUTES}
    attributes = torch.stack([labels for labels, _ in columns.values()], dim=1)
    products = Products(
        [int(row["id"]) for row in rows], views[:, kept], category, colour, gender, attributes
    )
    left_out = [f"{name} ({count})" for name, count in sorted(counts.items()) if count < LEAST_EXAMPLES]
    return products, Names(categories, {attribute: names for attribute, (_, names) in columns.items()}, left_out)


def split(products: Products, part: float, seed: str) -> tuple[Products, Products]:
    """What to train with and what is held out: of each category the `part` with the smallest SHA-256 of "seed:id"."""
    by_category: dict[int, list[int]] = collections.defaultdict(list)
    for row, category in enumerate(products.category.tolist()):
        by_category[category].append(row)
    held_out: set[int] = set()
    for rows in by_category.values():
        rows.sort(key=lambda row: hashlib.sha256(f"{seed}:{products.ids[row]}".encode()).digest())
        held_out.update(rows[: round(len(rows) * part)])
    training = [row for row in range(len(products)) if row not in held_out]
    return products[torch.tensor(training)], products[torch.tensor(sorted(held_out))]


# Heads


@dataclass(frozen=True)
class Recipe:
    """What training is steered by. Chosen on `split(training, 0.2, "validation")`; the held-out ones had no say."""

    epochs: int
    learning_rate: float
    dropout: float
    batch: int = 512
    weight_decay: float = 0.05
    smoothing: float = 0.05
    # Of the hash head alone.
    temperature: float = 0.1
    classify: float = 2.0
    same_category: float = 3.0
    same_colour: float = 1.0
    same_gender: float = 0.5
    binarise: float = 0.1
    balance: float = 0.1


CATEGORY_RECIPE = Recipe(epochs=40, learning_rate=1e-2, dropout=0.5)
ATTRIBUTE_RECIPE = Recipe(epochs=40, learning_rate=1e-2, dropout=0.5)
HASH_RECIPE = Recipe(epochs=80, learning_rate=1e-2, dropout=0.15)


class StandardisedLinear(nn.Module):
    """A linear head behind features brought to mean 0 and deviation 1: [N, F] to [N, outputs]."""

    def __init__(self, features: Tensor, outputs: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("mean", features.mean(0))
        self.register_buffer("deviation", features.std(0) + 0.05)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(features.shape[1], outputs)

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(self.dropout((features - self.mean) / self.deviation))

    def folded(self) -> Head:
        """The same for features as they are, in float16."""
        weight = (self.linear.weight / self.deviation).detach()
        bias = (self.linear.bias - weight @ self.mean).detach()
        return weight.half().contiguous(), bias.half().contiguous()


def contrastive(similarity: Tensor, positive: Tensor) -> Tensor:
    """The supervised contrastive loss (arXiv 2004.11362, equation 2).

    - similarity: [N, N], divided by the temperature
    - positive: bool [N, N]; rows without a positive do not count
    """
    itself = torch.eye(len(similarity), dtype=torch.bool)
    positive = positive & ~itself
    log_share = F.log_softmax(similarity.masked_fill(itself, -1e9), dim=1)
    counts = positive.sum(1)
    losses = -(log_share * positive).sum(1) / counts.clamp(min=1)
    return losses[counts > 0].mean()


def same(labels: Tensor) -> Tensor:
    return labels[:, None] == labels[None, :]


def trained(
    products: Products, outputs: int, recipe: Recipe, loss: Callable[[Tensor, Products], Tensor], extra: nn.Module
) -> Head:
    """A head that makes `loss` small: of its outputs [N, outputs] for the rows of a batch. `extra` learns with it."""
    head = StandardisedLinear(products.features, outputs, recipe.dropout)
    parameters = [*head.parameters(), *extra.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    steps = recipe.epochs * (len(products) // recipe.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(recipe.epochs):
        for rows in torch.randperm(len(products)).split(recipe.batch):
            if len(rows) < recipe.batch:
                continue
            view = torch.randint(len(products.views), (len(rows),))
            optimiser.zero_grad()
            loss(head(products.views[view, rows]), products[rows]).backward()
            optimiser.step()
            schedule.step()
    return head.folded()


def category_head(products: Products, recipe: Recipe, seed: int = 1) -> Head:
    torch.manual_seed(seed)

    def loss(logits: Tensor, batch: Products) -> Tensor:
        return F.cross_entropy(logits, batch.category, label_smoothing=recipe.smoothing)

    return trained(products, int(products.category.max()) + 1, recipe, loss, nn.Module())


def hash_head(products: Products, bits: int, recipe: Recipe, seed: int = 1) -> Head:
    torch.manual_seed(seed)
    classifier = nn.Linear(bits, int(products.category.max()) + 1)

    def loss(outputs: Tensor, batch: Products) -> Tensor:
        # [N, bits], -1 to 1: twice the activations' distance from the threshold.
        code = 2 * torch.sigmoid(outputs) - 1
        unit = F.normalize(code)
        similarity = unit @ unit.T / recipe.temperature
        category = same(batch.category)
        colour = category & same(batch.colour)
        gender = colour & same(batch.gender)
        return (
            recipe.classify * F.cross_entropy(classifier(code), batch.category, label_smoothing=recipe.smoothing)
            + recipe.same_category * contrastive(similarity, category)
            + recipe.same_colour * contrastive(similarity, colour)
            + recipe.same_gender * contrastive(similarity, gender)
            + recipe.binarise * (1 - code.square().mean())
            + recipe.balance * code.mean(0).square().mean()
        )

    return trained(products, bits, recipe, loss, classifier)


def attribute_heads(products: Products, value_counts: list[int], recipe: Recipe, seed: int = 1) -> Head:
    """All heads in one, for a row each of the values of all attributes. What is not known teaches nothing."""
    torch.manual_seed(seed)

    def loss(logits: Tensor, batch: Products) -> Tensor:
        return sum(
            F.cross_entropy(
                of_one, labels.clamp(min=UNKNOWN), ignore_index=UNKNOWN, label_smoothing=recipe.smoothing
            )
            for of_one, labels in zip(logits.split(value_counts, dim=1), batch.attributes.unbind(1))
        )

    return trained(products, sum(value_counts), recipe, loss, nn.Module())


# Figures


def outputs(products: Products, head: Head) -> Tensor:
    return products.features @ head[0].float().T + head[1].float()


def codes(products: Products, head: Head) -> Tensor:
    """The bits as the server computes them, float32 [N, bits] of 0 and 1."""
    return (torch.sigmoid(outputs(products, head)) > 0.5).float()


def hamming(a: Tensor, b: Tensor) -> Tensor:
    """[Q, bits] and [D, bits] to int64 [Q, D]."""
    return (a.sum(1)[:, None] + b.sum(1)[None, :] - 2 * a @ b.T).round().long()


def ranks(similarity: Tensor) -> Tensor:
    """Distances 0, 1, 2, ... in the order of falling similarity: [Q, D] without ties."""
    order = similarity.argsort(dim=1, descending=True, stable=True)
    return torch.empty_like(order).scatter_(1, order, torch.arange(similarity.shape[1]).expand_as(order))


def average_precision(distance: Tensor, relevant: Tensor, ranked: Tensor) -> Tensor:
    """Average precision over the whole ranking, float64 [Q]; NaN for queries without anything relevant.

    Pictures at one distance have no order of their own, so this is the expected value over all their orders (McSherry
    and Najork, ECIR 2008): of n tied pictures with r relevant ones, behind N others with R relevant, the i-th is
    relevant with probability r / n, and is then, on average, the R + 1 + (i - 1)(r - 1)/(n - 1)-th that is.

    - distance: int64 [Q, D], from 0
    - relevant, ranked: bool [Q, D]; what is not ranked does not exist
    """
    queries, database = distance.shape
    levels = int(distance.max()) + 1
    zeros = torch.zeros(queries, levels, dtype=torch.float64)
    n = zeros.scatter_add(1, distance, ranked.double())
    r = zeros.scatter_add(1, distance, (relevant & ranked).double())
    before, relevant_before = n.cumsum(1) - n, r.cumsum(1) - r
    harmonic = torch.cat([zeros[0, :1], (1 / torch.arange(1, database + 1).double()).cumsum(0)])
    # The sums over i = 1...n of 1 / (N + i) and of (i - 1) / (N + i).
    inverse = harmonic[(before + n).long()] - harmonic[before.long()]
    growing = n - (before + 1) * inverse
    gain = (relevant_before + 1) * inverse + (r - 1) / (n - 1).clamp(min=1) * growing
    total = r.sum(1)
    return (r / n.clamp(min=1) * gain).sum(1) / torch.where(total > 0, total, torch.nan)


def mean_average_precision(distance: Tensor, queries: Products, database: Products) -> dict[str, float]:
    """By what counts as relevant: the same category; and the same colour; and the same gender. A picture does not find
    itself."""
    category = queries.category[:, None] == database.category[None, :]
    colour = category & (queries.colour[:, None] == database.colour[None, :])
    gender = colour & (queries.gender[:, None] == database.gender[None, :])
    ranked = torch.tensor(queries.ids)[:, None] != torch.tensor(database.ids)[None, :]
    return {
        name: average_precision(distance, relevant, ranked).nanmean().item()
        for name, relevant in (("category", category), ("and colour", colour), ("and gender", gender))
    }


def top(logits: Tensor, labels: Tensor, k: int) -> float:
    return (logits.topk(k, dim=1).indices == labels[:, None]).any(1).double().mean().item()


def figures(training: Products, held_out: Products, heads: dict[int, Head], category: Head) -> dict[str, object]:
    """Queries are held out; the database is what was trained with, or the other held-out pictures."""
    rankings: dict[str, Callable[[Products], Tensor]] = {
        f"{bits} bits": lambda database, head=head: hamming(codes(held_out, head), codes(database, head))
        for bits, head in heads.items()
    }
    predicted = outputs(held_out, category).argmax(1)
    rankings["predicted category alone"] = lambda database: (
        predicted[:, None] != outputs(database, category).argmax(1)[None, :]
    ).long()
    rankings["features, cosine"] = lambda database: ranks(
        F.normalize(held_out.features) @ F.normalize(database.features).T
    )
    logits = outputs(held_out, category)
    return {
        "mAP": {
            name: {
                "training": mean_average_precision(ranking(training), held_out, training),
                "held out": mean_average_precision(ranking(held_out), held_out, held_out),
            }
            for name, ranking in rankings.items()
        },
        "top-1": top(logits, held_out.category, 1),
        "top-3": top(logits, held_out.category, 3),
        "codes": {
            str(bits): {
                "bits set": codes(held_out, head).mean().item(),
                "bits that never change": int((codes(held_out, head).std(0) == 0).sum()),
                "distinct": len(codes(held_out, head).unique(dim=0)),
                "activations beyond 0.1 and 0.9": (torch.sigmoid(outputs(held_out, head)) - 0.5).abs().gt(0.4)
                .double().mean().item(),
            }
            for bits, head in heads.items()
        },
    }


def table(mean_average_precisions: dict[str, dict[str, dict[str, float]]]) -> str:
    lines = ["mAP@all                     database: training pictures          other held-out pictures"]
    lines.append(" " * 26 + "".join(f"{name:>12}" for name in ("category", "and colour", "and gender") * 2))
    for name, databases in mean_average_precisions.items():
        values = [value for database in databases.values() for value in database.values()]
        lines.append(f"{name:<26}" + "".join(f"{value:>12.4f}" for value in values))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with the pictures and attributes.csv")
    parser.add_argument("--weights", type=pathlib.Path, default=pathlib.Path(".cache/efficientnet-lite0.pth"))
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "zoo-hasher")
    parser.add_argument("--bits", type=int, nargs="+", default=[256, 128, 64], help="the first is written")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("models/product-hasher/2"))
    parser.add_argument("--json", type=pathlib.Path, help="where the figures go")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    products, names = read(options.data, options.weights, options.cache)
    training, held_out = split(products, part=0.2, seed="held out")
    print(f"{len(products)} pictures in {len(names.categories)} categories, {len(held_out)} of them held out")
    print(f"left out, fewer than {LEAST_EXAMPLES} pictures: {', '.join(names.left_out)}")

    category = category_head(training, CATEGORY_RECIPE)
    attributes = attribute_heads(training, names.value_counts, ATTRIBUTE_RECIPE)
    heads = {bits: hash_head(training, bits, HASH_RECIPE) for bits in options.bits}
    result = figures(training, held_out, heads, category)
    print(table(result["mAP"]))
    print(json.dumps({name: value for name, value in result.items() if name != "mAP"}, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    write(options.out, names, {"hash": heads[options.bits[0]], "category": category}, attributes)


def write(model: pathlib.Path, names: Names, heads: dict[str, Head], attributes: Head) -> None:
    (model / "attributes").mkdir(parents=True, exist_ok=True)
    rows = zip(*(tensor.split(names.value_counts) for tensor in attributes))
    heads |= {f"attribute.{attribute}": head for attribute, head in zip(ATTRIBUTES, rows)}
    path = model / "heads.safetensors"
    save_file(
        {
            f"{name}.{part}": tensor.clone()
            for name, head in heads.items()
            for part, tensor in zip(("weight", "bias"), head)
        },
        path,
    )
    path.chmod(0o644)
    lists = {"categories": names.categories} | {f"attributes/{name}": values for name, values in names.values.items()}
    for name, lines in lists.items():
        (model / f"{name}.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
