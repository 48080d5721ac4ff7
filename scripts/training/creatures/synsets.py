"""Which of ImageNet's 1000 classes count as the animals that the creature net learned.

A class of ImageNet's counts where it is the animal, a kind of it, or such near kin that a net
without the animal itself would be right to name it: a wallaby for the kangaroo, a butterfly for the
moth, a bee for the wasp. Each is written as the first of its names in imagenet_names.txt, or by its
WordNet id where two classes have that name; `first > last` are all from one to another.
"""

from collections.abc import Iterable
from pathlib import Path

from net_surgery import imports
from net_surgery.imports.convert import LABELS as NAMES_FILE

SYNSETS = """
frog: bullfrog > tailed frog
iguana: banded gecko > Komodo dragon
parrot: African grey > lorikeet
magpie: magpie
hen: hen, cock
rooster: cock, hen
peacock: peacock
crowned crane: n02012849
duck: drake, red-breasted merganser
goose: goose
heron: little blue heron > bittern
pelican: pelican
flamingo: flamingo
ostrich: ostrich
penguin: king penguin
cuckoo: coucal
toucan: toucan
owl: great grey owl
vulture: vulture
fish: tench, goldfish, barracouta > puffer
reef fish: rock beauty, anemone fish, lionfish, puffer
lionfish: lionfish
lobster: American lobster > crayfish
slug: slug
woodlouse: isopod
fly: fly
grasshopper: grasshopper, cricket
wasp: bee
mantis: mantis
moth: admiral > lycaenid
shell: conch, chiton, chambered nautilus
ape: orangutan > siamang
tamarin: marmoset
dolphin: killer whale
orca: killer whale
whale: grey whale
otter: otter
sea lion: sea lion
badger: badger
bear: brown bear > sloth bear
bison: bison, ox, water buffalo
cow: ox, water buffalo
gnu: hartebeest
goat: ibex
antelope: hartebeest > gazelle
sheep: ram, bighorn
camel: Arabian camel
lion: lion
tiger: tiger
dog: Chihuahua > Mexican hairless, dingo
fox: red fox > grey fox
elephant: tusker, Indian elephant, African elephant
horse: sorrel
zebra: zebra
ferret: weasel > black-footed ferret
hippopotamus: hippopotamus
pig: hog, wild boar
rabbit: wood rabbit > Angora
beaver: beaver
marmot: marmot
squirrel: fox squirrel
wild boar: wild boar, hog, warthog
kangaroo: wallaby
koala: koala
wombat: wombat
"""

# Animals of ours for which ImageNet has no class, nor near kin.
LACKING = """
quetzal, crow, turkey, guineafowl, gull, pigeon, lark, seahorse, shrimp, deer, donkey, giraffe,
rhinoceros, capybara, mouse
""".replace("\n", " ")


def counting() -> dict[str, frozenset[int]]:
    """For each animal, the numbers of ImageNet's classes that count as it, in Caffe's order."""
    lines = Path(imports.__file__).with_name(NAMES_FILE).read_text().splitlines()
    numbers = _numbers(lines)
    table = {}
    for line in SYNSETS.strip().splitlines():
        label, names = line.split(": ")
        table[label] = frozenset(_expanded(names.split(", "), numbers))
    return table


def lacking() -> list[str]:
    """The animals that ImageNet does not have."""
    return LACKING.strip().split(", ")


def _numbers(lines: list[str]) -> dict[str, int]:
    """The number of each WordNet id, and of each first name that one class alone has."""
    found: dict[str, int] = {}
    twice = set()
    for number, line in enumerate(lines):
        identifier, names = line.split(" ", 1)
        first = names.split(", ")[0]
        twice.update({first} & set(found))
        found[first] = found[identifier] = number
    return {name: number for name, number in found.items() if name not in twice}


def _expanded(names: Iterable[str], numbers: dict[str, int]) -> Iterable[int]:
    """The numbers of names and of `first > last`. Raises KeyError for a name that is none."""
    for name in names:
        first, _, last = name.partition(" > ")
        yield from range(numbers[first], numbers[last or first] + 1)
