"""Maps of classes that look alike, as papers have published them for `asymmetric` noise."""

from __future__ import annotations

from collections.abc import Mapping

CIFAR10_CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)

CIFAR100_SUPERCLASSES = tuple(
    tuple(line.split())
    for line in """
    beaver dolphin otter seal whale
    aquarium_fish flatfish ray shark trout
    orchid poppy rose sunflower tulip
    bottle bowl can cup plate
    apple mushroom orange pear sweet_pepper
    clock keyboard lamp telephone television
    bed chair couch table wardrobe
    bee beetle butterfly caterpillar cockroach
    bear leopard lion tiger wolf
    bridge castle house road skyscraper
    cloud forest mountain plain sea
    camel cattle chimpanzee elephant kangaroo
    fox porcupine possum raccoon skunk
    crab lobster snail spider worm
    baby boy girl man woman
    crocodile dinosaur lizard snake turtle
    hamster mouse rabbit shrew squirrel
    maple_tree oak_tree palm_tree pine_tree willow_tree
    bicycle bus motorcycle pickup_truck train
    lawn_mower rocket streetcar tank tractor
    """.strip().splitlines()
)
"""The five classes of each of the 20 superclasses (Krizhevsky 2009, section 3)."""

CLASSES: Mapping[str, tuple[str, ...]] = {
    "cifar10": CIFAR10_CLASSES,
    "cifar100": tuple(sorted(name for group in CIFAR100_SUPERCLASSES for name in group)),
    "mnist": tuple("0123456789"),
}
"""The classes of the data that each map is for, in the order of their numbers."""

MAPS: Mapping[str, Mapping[str, str]] = {
    "cifar10": {
        "truck": "automobile",
        "bird": "airplane",
        "deer": "horse",
        "cat": "dog",
        "dog": "cat",
    },
    "cifar100": {
        true: given
        for group in CIFAR100_SUPERCLASSES
        for true, given in zip(group, (*group[1:], group[0]), strict=True)
    },
    "mnist": {"7": "1", "2": "7", "5": "6", "6": "5", "3": "8"},
}
"""Of Patrini et al. 2017 ("Making deep neural networks robust to label noise", section 5); those
of CIFAR-100 go to the next class of the superclass, the last one's to its first."""
