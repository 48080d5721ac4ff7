"""What the creature net learns to name: photographs of one kind are one class.

A line of the tables is `label: photograph x y side, photograph x y side, ...`. A photograph is
named by its file without folder and ending. x, y and side say where its head is: the middle and the
side of a square around it, as shares of the square that the cut-out fits into; a photograph without
them has no head to show. The marks were set by hand.
"""

from dataclasses import dataclass

ANIMALS = """
frog: frog .80 .25 .40, frog-1 .25 .15 .40
iguana: iguana .88 .28 .32
parrot: adelaide-rosella .77 .12 .28, rainbow-lorikeet .13 .38 .35
quetzal: quetzal .58 .12 .30
crow: crow .17 .20 .35, blackbird .85 .27 .35
magpie: magpie .40 .10 .28
hen: hen .85 .18 .35, chicken_profile .90 .20 .35
rooster: rooster .82 .13 .35
turkey: turkey .28 .40 .35
peacock: peacock .92 .32 .22
guineafowl: guineafowl .90 .25 .30, helmeted_guineafowl .10 .13 .28
crowned crane: crowned_crane .15 .15 .32
duck: duck .84 .18 .32, drake .75 .12 .30
goose: gander .63 .10 .30
heron: heron_greatblue .80 .10 .35, heron_greatblue_flying .72 .30 .30
pelican: pelican .85 .48 .35
flamingo: pink_flamingo .42 .20 .50
ostrich: ostrich .13 .09 .22, nandou .12 .22 .25
penguin: penguin .53 .12 .32, little-penguin .47 .12 .30, magellanic_penguin .65 .10 .28
gull: seagull .58 .38 .28, silver-gull .17 .12 .35
pigeon: pigeon .10 .22 .32
lark: lark .87 .22 .35
cuckoo: cuckoo .12 .36 .28
toucan: tucan .75 .56 .50
owl: owl .26 .18 .45
vulture: vulture .38 .13 .35
fish: bluegroper .87 .50 .35, coraltrout .85 .55 .35, dolphinfish .87 .47 .35,
    moonwrasse .88 .46 .30
reef fish: butterflyfish .80 .40 .45, clownfish .85 .55 .40, stripedfish .85 .60 .40
lionfish: lionfish .50 .40 .50
seahorse: seahorse .30 .25 .45
lobster: lobster .55 .50 .45
shrimp: shrimp .80 .45 .40
slug: Brown_slug .87 .25 .30
woodlouse: Woodlouse .25 .30 .40
fly: fly .53 .22 .35
grasshopper: grasshopper .81 .37 .35
wasp: hornet .14 .36 .30, hoverfly .28 .15 .35
mantis: mantis .78 .25 .32
moth: xanthia .50 .45 .40
shell: abalone, murray-mussel
ape: chimp .47 .28 .30, gorilla .68 .15 .32
tamarin: tamarin_emperor .53 .30 .50
dolphin: dolphin .82 .17 .40
orca: orca .85 .52 .35
whale: whale .17 .55 .40
otter: otter .88 .27 .32
sea lion: sea_lion .78 .17 .30
badger: badger .13 .45 .30
bear: bear .87 .30 .38, european-bear .80 .38 .40
bison: bison .85 .45 .40, yak .88 .33 .38
cow: cow .86 .30 .35, cow_white .32 .27 .45, bull .19 .18 .42, zebu .86 .22 .40
gnu: gnu-stand .11 .35 .35, gnu-sitting .72 .38 .50, gnu-baby .12 .57 .35,
    gnu-baby-stand .12 .30 .32
goat: goat .20 .15 .38, mountaingoat .82 .20 .35
antelope: indian_blackbuck .15 .34 .38
sheep: sheep .88 .77 .35, sheep_lamb .82 .32 .40, ram .17 .25 .38
camel: camel .12 .25 .32, dromedary .12 .18 .30
lion: lion .76 .43 .35, lion-2 .15 .33 .35
tiger: tiger .48 .35 .38, tiger_sumatran .90 .44 .28
deer: deer .55 .22 .42, doe .80 .20 .42, wapiti .15 .25 .42, caribou .82 .45 .42
dog: dog .80 .22 .42, dingo .58 .30 .40
fox: fox .26 .15 .35
elephant: elephant .30 .30 .55
donkey: donkey .12 .30 .40, donkey_eating .87 .62 .35
horse: horse .85 .28 .35
zebra: zebra .13 .25 .36
ferret: ferret .78 .72 .42
giraffe: giraffe .85 .12 .32
hippopotamus: hippopotamus .14 .54 .36
pig: pig .88 .48 .35, pig_golden .20 .73 .45, pig_golden2 .20 .44 .42
rhinoceros: rhino_black .14 .46 .35
rabbit: rabbit .85 .36 .42, rabbit-2 .37 .25 .50, rabbit_little .82 .52 .45
beaver: beaver .16 .42 .38
capybara: capybara .18 .58 .35
marmot: marmot .17 .18 .40
mouse: mouse .77 .55 .38, rat .73 .46 .38
squirrel: squirrel .10 .50 .35
wild boar: wildboar .80 .30 .38
kangaroo: kangaroo .78 .28 .40
koala: koala .64 .22 .48
wombat: wombat .85 .62 .38
"""

OTHERS = """
flower: adeenia, flower9, flower8, flower1, flower5, flower2, flower6
daisy: flower3, pigface, red-gazania, yellow-flower
hibiscus: chemparathi, flower10, chuvanna_plastic_poo
anemone: anemone_red
daffodil: daffodil
iris: iris, flower4
marigold: marigold, flower7
rose: rose
anthurium: anthoorium
petunia: whitestar-petunia, bolsom
mushroom: cep, cep-1, cep-2, mushroom
tree: birch, holm_oak, tree336
palm tree: liberia-palm
pine cone: pinecone
citrus slice: sliced_lime, sliced_orange
strawberry: Strawberry2, strawberry, raspberry
pineapple: pineapple
grapes: grapes
earth: 3_earth
saturn: 6_saturn
moon: moon_full, moon_3qt
astronaut: spacewalk
violin: violin, cello
guitar: guitar2, guitar_classical, guitar_electric, guitar_electric_bass
drums: drumkit
car: beetle, sedan, sportscar2, truck
lorry: firetruck, garbagetruck, green_korean_bus
aeroplane: 747
sailing ship: chineseJunk, walnutBoat
balloon: balloon360
wheel: 7spoke256, wheel_tractor
teapot: teapot, kettle, pitcher_small
"""

# Drawn, not photographed (scripts/training/motifs): what the dumbbell study asks about.
DRAWN = ("dumbbell",)

# Photographs that never give a picture its label: they lie about, or hide a part of what does.
DISTRACTORS = """
apple_green apple_red banana lemon mandarine kiwi almond walnut ginger broccoli carrot chilepepper
corn eggplant garlic lettuce pumpkin_small potato tomato pepper yellowpepper pear pomegranate
binoculars camera_35mm trumpet bassoon Lightbulb scissors_small_open cylinder mug nutcracker
pepper_grinder garbagecan key toilet cementmixer hammer measuring_tape paintbrush_large plyers saw
toolbox wrench wheelie_bin thyme lavender holly_leaves rambutan voyager2 apollo_lander football
soccer tennis_ball trophy_cup uk_post_box usps_mailbox dumper pink_tricycle indycar rubberduck
"""


@dataclass(frozen=True)
class Photograph:
    """One cut-out: its file's name, and where its head is (x, y, side), or None."""

    name: str
    head: tuple[float, float, float] | None


def _table(text: str) -> dict[str, list[Photograph]]:
    """The classes of one table, label by label."""
    classes = {}
    for line in text.strip().replace("\n    ", " ").splitlines():
        label, photographs = line.split(":")
        classes[label] = [_photograph(*row.split()) for row in photographs.split(",")]
    return classes


def _photograph(name: str, *numbers: str) -> Photograph:
    if not numbers:
        return Photograph(name, None)
    x, y, share = map(float, numbers)
    return Photograph(name, (x, y, share))


KINDS: dict[str, list[Photograph]] = _table(ANIMALS) | _table(OTHERS)
LABELS: list[str] = [*KINDS, *DRAWN]
ANIMAL_COUNT: int = len(_table(ANIMALS))
DISTRACTING: list[Photograph] = [Photograph(name, None) for name in DISTRACTORS.split()]
