"""Trains the two heads of the visual-search hasher on the features of a frozen trunk.

The network is that of Visual Search at eBay (arXiv 1706.03154, section 3): one trunk, a hash head whose sigmoid units are
thresholded at 0.5, and a category head. The trunk is EfficientNet-Lite0 as it is; only the heads are trained here.

The data is a folder of pictures with attributes.csv (id, articleType, baseColour, ...): the public Fashion Product Images
set in its small form is one. A fifth of the pictures, chosen by a hash of their id, is held out and never trained on.

    python tools/train/hasher.py --data products --weights .cache/efficientnet-lite0.pth
"""

import argparse
import csv
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

import efficientnet_lite0

SMALLEST_CATEGORY = 20


@dataclass
class Data:
    features: Tensor  # [N, 1280]
    category: Tensor  # [N]
    colour: Tensor  # [N]
    held_out: Tensor  # [N], bool
    names: list[str]


def read(folder: Path, weights: Path, cache: Path) -> Data:
    with open(folder / "attributes.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (folder / f"{row['id']}.jpg").exists()]
    counts = Counter(row["articleType"] for row in rows)
    rows = [row for row in rows if counts[row["articleType"]] >= SMALLEST_CATEGORY]
    names = sorted({row["articleType"] for row in rows})
    colours = sorted({row["baseColour"] for row in rows})
    if cache.exists():
        features = torch.load(cache)
    else:
        trunk, parts = efficientnet_lite0.load(weights), []
        for start in range(0, len(rows), 32):
            batch = [efficientnet_lite0.prepare(Image.open(folder / f"{row['id']}.jpg")) for row in rows[start:start + 32]]
            with torch.inference_mode():
                parts.append(trunk.features(torch.stack(batch)).clone())
            if start % 800 == 0:
                print(f"features: {start + len(batch)} of {len(rows)} pictures", flush=True)
        features = torch.cat(parts)
        torch.save(features, cache)
    held_out = [int(hashlib.sha256(row["id"].encode()).hexdigest(), 16) % 5 == 0 for row in rows]
    return Data(
        features, torch.tensor([names.index(row["articleType"]) for row in rows]),
        torch.tensor([colours.index(row["baseColour"]) for row in rows]), torch.tensor(held_out), names)


class Heads(nn.Module):
    def __init__(self, bits: int, categories: int):
        super().__init__()
        self.hash = nn.Linear(efficientnet_lite0.FEATURES, bits)
        self.category = nn.Linear(efficientnet_lite0.FEATURES, categories)


def train(data: Data, bits: int, epochs: int, seed: int = 0) -> Heads:
    """The hash units are trained through a classifier on top of them, as in the paper's figure 3, pulled together for
    products of one category and closer still for one colour, pushed to 0 or 1, and held to be on half of the time."""
    torch.manual_seed(seed)
    categories, colours = len(data.names), int(data.colour.max()) + 1
    heads = Heads(bits, categories)
    on_category, on_colour = nn.Linear(bits, categories), nn.Linear(bits, colours)
    rows = (~data.held_out).nonzero().squeeze(1)
    parameters = [*heads.parameters(), *on_category.parameters(), *on_colour.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        for batch in rows[torch.randperm(len(rows))].split(256):
            features = F.dropout(data.features[batch], 0.2)
            category, colour = data.category[batch], data.colour[batch]
            units = torch.sigmoid(heads.hash(features))
            signs = F.normalize(2 * units - 1, dim=1)
            likeness = signs @ signs.T / 0.2
            same = (category[:, None] == category[None]).float()
            wanted = same * (1 + 0.5 * (colour[:, None] == colour[None]).float())
            wanted.fill_diagonal_(0)
            others = ~torch.eye(len(batch), dtype=torch.bool)
            log_share = likeness - torch.logsumexp(likeness.masked_fill(~others, -1e9), 1, keepdim=True)
            contrast = -(wanted * log_share).sum(1) / wanted.sum(1).clamp(min=1)
            loss = (F.cross_entropy(heads.category(features), category, label_smoothing=0.05)
                    + F.cross_entropy(on_category(2 * units - 1), category)
                    + 0.2 * F.cross_entropy(on_colour(2 * units - 1), colour)
                    + 0.5 * contrast.mean()
                    + 0.2 * (1 - (2 * units - 1).square()).mean()
                    + 1.0 * (units.mean(0) - 0.5).square().mean())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    # What is measured is what is shipped.
    return heads.half().float().eval().requires_grad_(False)


def mean_average_precision(distance: Tensor, relevant: Tensor) -> float:
    """mAP over all of the database.

    Items at the same distance have no order: the expected precision over all their orders is taken (McSherry and Najork,
    ECIR 2008). distance: [queries, items]; relevant: [queries, items], bool.
    """
    total, queries = 0.0, 0
    for row, hits in zip(distance, relevant):
        wanted = int(hits.sum())
        if wanted == 0:
            continue
        _, group = torch.unique(row, return_inverse=True)
        size = torch.bincount(group).double()
        good = torch.bincount(group, weights=hits.double())
        before, good_before = size.cumsum(0) - size, good.cumsum(0) - good
        score = 0.0
        for n, r, t, c in zip(size.tolist(), good.tolist(), before.tolist(), good_before.tolist()):
            if r == 0:
                continue
            i = torch.arange(1, int(n) + 1, dtype=torch.float64)
            inside = (r - 1) / (n - 1) * (i - 1) if n > 1 else torch.zeros(1, dtype=torch.float64)
            score += float((r / n * (c + 1 + inside) / (t + i)).sum())
        total += score / wanted
        queries += 1
    return total / queries


def hamming(queries: Tensor, items: Tensor) -> Tensor:
    """Codes as -1 and 1: [Q, bits], [N, bits] -> whole numbers [Q, N]."""
    return ((queries.shape[1] - queries @ items.T) / 2).round()


def evaluate(data: Data, heads: Heads) -> dict[str, float]:
    """Held-out pictures ask, the pictures of the training part answer; relevant is what has the same articleType."""
    def codes(features: Tensor) -> Tensor:
        return torch.where(torch.sigmoid(heads.hash(features)) > 0.5, 1.0, -1.0)

    test, base = data.held_out, ~data.held_out
    relevant = data.category[test][:, None] == data.category[base][None]
    logits = heads.category(data.features[test])
    ranks = logits.topk(3).indices == data.category[test][:, None]
    guess = logits.argmax(1)
    database_guess = heads.category(data.features[base]).argmax(1)
    cosine = F.normalize(data.features[test], dim=1) @ F.normalize(data.features[base], dim=1).T
    return {
        "top1": float(ranks[:, :1].any(1).float().mean()),
        "top3": float(ranks.any(1).float().mean()),
        "map_hash": mean_average_precision(hamming(codes(data.features[test]), codes(data.features[base])), relevant),
        "map_predicted_class": mean_average_precision((guess[:, None] != database_guess[None]).float(), relevant),
        "map_float_features": mean_average_precision(-cosine, relevant),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the pictures and attributes.csv")
    parser.add_argument("--weights", type=Path, default=Path(".cache/efficientnet-lite0.pth"))
    parser.add_argument("--cache", type=Path, default=Path(".cache/hasher-features.pt"))
    parser.add_argument("--bits", type=int, nargs="+", default=[256], help="the first is written, all are evaluated")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--out", type=Path, default=Path("models/product-hasher/1"))
    options = parser.parse_args()

    data = read(options.data, options.weights, options.cache)
    print(f"{len(data.category)} pictures in {len(data.names)} categories, {int(data.held_out.sum())} held out")
    for index, bits in enumerate(options.bits):
        heads = train(data, bits, options.epochs)
        print(bits, "bits", json.dumps({key: round(value, 4) for key, value in evaluate(data, heads).items()}), flush=True)
        if index == 0:
            options.out.mkdir(parents=True, exist_ok=True)
            save_file({name: value.half().contiguous() for name, value in heads.state_dict().items()},
                      options.out / "heads.safetensors")
            (options.out / "categories.txt").write_text("\n".join(data.names) + "\n")


if __name__ == "__main__":
    main()
