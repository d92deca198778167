"""Measures how well the attributes of a product are predicted: by the linear heads of models/product-hasher, and by
gradient-boosted trees.

Visual Search at eBay (arXiv 1706.03154, section 3.2) has one model of boosted trees for each attribute, on the trunk's
features and the category. Here that is LightGBM on the 1280 features and the probabilities of the categories. Those of a
training picture come from a category head that was trained without it, as those of a new picture do. How many rounds of
trees an attribute gets is chosen by early stopping on the validation fifth of the training pictures; then the trees are
grown anew on all training pictures.

    python3 tools/train/attributes.py --data FOLDER --weights .cache/efficientnet-lite0.pth

FOLDER and the split are those of `hasher.py`, which makes the linear heads and is to run first. Only figures are made:
accuracy over the held-out pictures whose value is known, a value that is not predicted being a mistake; and macro-F1, the
mean over the predicted values that occur among them. Needs LightGBM and what `hasher.py` needs.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import tempfile
from collections.abc import Callable

import lightgbm
import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from hasher import ATTRIBUTES, CATEGORY_RECIPE, UNKNOWN, Head, Products, category_head, outputs, read, split

FOLDS = 5
ROUNDS = 400
# Chosen on the validation fifth, as the recipes of the heads were.
TREES = {
    "objective": "multiclass",
    "learning_rate": 0.05,
    "num_leaves": 7,
    "min_data_in_leaf": 10,
    "lambda_l2": 1.0,
    "feature_fraction": 0.1,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "max_bin": 31,
    "seed": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbose": -1,
}


# Trees


def with_category(products: Products, category: Head) -> np.ndarray:
    """The features and the probabilities of the categories, float32 [N, 1280 + C]."""
    return torch.cat([products.features, outputs(products, category).softmax(1)], dim=1).numpy()


def out_of_fold(products: Products, category: Callable[[Products], Head]) -> np.ndarray:
    """`with_category`, each picture's category by a head that has not seen it."""
    fold = torch.arange(len(products)) % FOLDS
    # A fold without the last of the categories would make a smaller head.
    count = int(products.category.max()) + 1
    result = np.zeros((len(products), products.features.shape[1] + count), dtype=np.float32)
    for number in range(FOLDS):
        rows = (fold == number).nonzero()[:, 0]
        part = with_category(products[rows], category(products[(fold != number).nonzero()[:, 0]]))
        result[rows.numpy(), : part.shape[1]] = part
    return result


def grown(inputs: np.ndarray, labels: np.ndarray, classes: int, rounds: int, threads: int,
          validation: tuple[np.ndarray, np.ndarray] | None = None) -> lightgbm.Booster:
    parameters = TREES | {"num_class": classes, "num_threads": threads}
    known = labels >= 0
    data = lightgbm.Dataset(inputs[known], labels[known], params=parameters)
    if validation is None:
        return lightgbm.train(parameters, data, rounds)
    known = validation[1] >= 0
    held = lightgbm.Dataset(validation[0][known], validation[1][known], reference=data)
    stop = lightgbm.early_stopping(15, verbose=False)
    return lightgbm.train(parameters, data, rounds, valid_sets=[held], callbacks=[stop])


def predictions_by_trees(
    training: Products, held_out: Products, value_counts: list[int], threads: int
) -> tuple[dict[str, Tensor], dict[str, int]]:
    """Class numbers for the held-out pictures, and how many trees it took."""

    def category(products: Products) -> Head:
        return category_head(products, CATEGORY_RECIPE)

    fitted, validation = split(training, part=0.2, seed="validation")
    choosing = out_of_fold(fitted, category), with_category(validation, category(fitted))
    final = out_of_fold(training, category), with_category(held_out, category(training))
    predicted, trees = {}, {}
    for column, (attribute, classes) in enumerate(zip(ATTRIBUTES, value_counts)):
        labels = [products.attributes[:, column].numpy() for products in (fitted, validation, training)]
        chosen = grown(choosing[0], labels[0], classes, ROUNDS, threads, (choosing[1], labels[1]))
        booster = grown(final[0], labels[2], classes, chosen.best_iteration, threads)
        predicted[attribute] = torch.tensor(booster.predict(final[1]).argmax(1))
        trees[attribute] = booster.num_trees()
        print(f"{attribute}: {trees[attribute]} trees", flush=True)
    return predicted, trees


# Linear heads


def predictions_by_heads(model: pathlib.Path, held_out: Products) -> dict[str, Tensor]:
    heads = load_file(model / "heads.safetensors")
    return {
        attribute: outputs(
            held_out, (heads[f"attribute.{attribute}.weight"], heads[f"attribute.{attribute}.bias"])
        ).argmax(1)
        for attribute in ATTRIBUTES
    }


# Figures


def commonest(training: Products, held_out: Products) -> dict[str, Tensor]:
    """The value that most training pictures have, for every picture."""
    columns = training.attributes.unbind(1)
    return {
        attribute: torch.bincount(labels[labels >= 0]).argmax().expand(len(held_out))
        for attribute, labels in zip(ATTRIBUTES, columns)
    }


def scores(predicted: Tensor, labels: Tensor) -> dict[str, float]:
    known = labels != UNKNOWN
    predicted, labels = predicted[known], labels[known]
    f1 = []
    for value in labels[labels >= 0].unique():
        right = ((predicted == value) & (labels == value)).sum().item()
        f1.append(2 * right / ((predicted == value).sum().item() + (labels == value).sum().item()))
    return {"accuracy": (predicted == labels).double().mean().item(), "macro-F1": sum(f1) / len(f1)}


def figures(ways: dict[str, dict[str, Tensor]], held_out: Products) -> dict[str, dict[str, dict[str, float]]]:
    """By way of predicting, and attribute; and the mean of all attributes."""
    result = {}
    for way, predicted in ways.items():
        rows = {
            attribute: scores(predicted[attribute], labels)
            for attribute, labels in zip(ATTRIBUTES, held_out.attributes.unbind(1))
        }
        rows["mean"] = {
            score: sum(row[score] for row in rows.values()) / len(rows) for score in ("accuracy", "macro-F1")
        }
        result[way] = rows
    return result


def table(result: dict[str, dict[str, dict[str, float]]]) -> str:
    lines = ["accuracy / macro-F1, %" + "".join(f"{way:>20}" for way in result)]
    for attribute in (*ATTRIBUTES, "mean"):
        rows = [ways[attribute] for ways in result.values()]
        cells = (f"{100 * row['accuracy']:.1f} / {100 * row['macro-F1']:.1f}" for row in rows)
        lines.append(f"{attribute:<22}" + "".join(f"{cell:>20}" for cell in cells))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with the pictures and attributes.csv")
    parser.add_argument("--weights", type=pathlib.Path, default=pathlib.Path(".cache/efficientnet-lite0.pth"))
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "zoo-hasher")
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path("models/product-hasher/2"))
    parser.add_argument("--json", type=pathlib.Path, help="where the figures go")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    products, names = read(options.data, options.weights, options.cache)
    training, held_out = split(products, part=0.2, seed="held out")
    by_trees, trees = predictions_by_trees(training, held_out, names.value_counts, options.threads)
    ways = {
        "commonest value": commonest(training, held_out),
        "linear heads": predictions_by_heads(options.model, held_out),
        "boosted trees": by_trees,
    }
    result = figures(ways, held_out)
    print(table(result))
    if options.json:
        options.json.write_text(json.dumps({"held out": result, "trees": trees}, indent=2) + "\n")


if __name__ == "__main__":
    main()
