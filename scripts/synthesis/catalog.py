"""The models of Debian's sweethome3d-furniture: sizes, groups, authors and licences."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LIBRARIES = Path("/usr/share/sweethome3d/furniture")
_PROPERTIES = "PluginFurnitureCatalog.properties"

# Groups are patterns over "category/name/file"; the first line is what the code asks for.
_GROUPS = {
    "sofa": r"(Living room/(\w+ )?([Ss]ofa|Couch)|Living room/Futon couch|Bedroom/Day bed"
    r"|Bedroom/Convertible|Living room/Sofa)",
    "armchair": r"Living room/((Modern |Winchester )?[Aa]rmchair|Puff)",
    "chair": r"Living room/(\w+ )?[Cc]hair(?!s)|Exterior/(Cafe chair|Folding chair)",
    "office chair": r"Office/(Armchair|Chair)",
    "coffee table": r"Living room/Coffee table|living_room_table|rattanTable",
    "table": r"Living room/((Glass|Oak|Round|Black) table|Table|Folding table)",
    "desk": r"Office/(Desk|Wooden)|Living room/Table/(wooden_table_office|table-on)",
    "stool": r"(Kitchen|Living room)/(Stool|Bar chair|Bar stool)",
    "bed": r"Bedroom/((Iron |Child |Captain's )?[Bb]ed/|Bunk bed|Hospital bed|Futon)",
    "bedside": r"Bedroom/Bedside",
    "storage": r"Bedroom/(Wardrobe|Cupboard|Chest|Dressing table|Shelves)|Office/(Bookcase|Filing)"
    r"|Living room/(Bookcase|Full bookcase|Vertical shelves|Dresser|Television cabinet|Shelves)",
    "low storage": r"Living room/(Dresser|TV stand|Bench|Piano bench)|Bedroom/Chest|Trunck",
    "television": r"Living room/TV( 16:9)?/",
    "piano": r"Living room/(Upright|Grand) piano",
    "fireplace": r"Living room/Fireplace",
    "plant": r"Living room/(Decorative plant|Ficus|Indoor plant|Plant|Yucca|Spathi|Spider)",
    "small plant": r"Living room/(Bonsai|Cactus|Bamboo|Little plant|Orchids|Succulent|Tulips"
    r"|White lily|Flowers)",
    "floor lamp": r"Lights/Lamp/living_lamp|Lights/Little lamp/little_lamp3",
    "table lamp": r"Lights/(Desk lamp|Lamp/(lamp|table_lamp|livingroom)|Little lamp|Pedestal)",
    "hanging lamp": r"Lights/(Hanging light|Lamp/lamp2)",
    "person": r"(Characters)/(Boy|Girl|Female|Male|Holding)",
    "seated": r"Characters/Sitting (female/sitFemale0[13]|male)",
    "pet": r"Characters/(Bulldog|Cat|Dog|Siamese|Rabbit)",
    "toy": r"Bedroom/(Biplane|Car model|Doll|Rocking horse|Rubik|Teddy|Toy train|Wood toy|Xylo)"
    r"|Living room/(Deer|Child chair|Children)|Vehicles/(Tricycle|Skateboard)",
    "clothes": r"Bedroom/(Bootie|Briefcase|Cap|Folded|Handbag|Hat|Helmet|Mocassin|Slippers"
    r"|Sneakers|Woman)|Miscellaneous/(Backpack|Suitcase)",
    "floor thing": r"Miscellaneous/(Backpack|Box|Cardboard|Open cardboard|Crate|Barrel|Radiator/ra"
    r"|Recycling|Suitcase|Vase|Extinguisher|Small step|Wood logs|Speaker|Locked locker)"
    r"|Office/(Dustbin|Filing|Safe)|Kitchen/(Bullet|Shopping)|Bathroom/Clothes basket",
    "lumber": r"Miscellaneous/(Abdominal|Clothes horse|Indoor bike|Step ladder|Wheelchair|Workbench"
    r"|Treadmill|Football table|Pool table|Mower|Punching|Flipper|Table tennis/|Fitness|Furnace"
    r"|Pallet|Screen)|Vehicles/(Bicycle|Bike|Stroller)|Bedroom/Clothes rack|Exterior/Wheelbarrow",
    "desk thing": r"Office/(Apple|Laptop|Calendar|Inkjet|Letter|Penbox|Phone|Stapler|Text|Scissors)"
    r"|Miscellaneous/(Book|Camera|Newspaper|Radio|Reflex|Rigged|Table fan|Tablet|Mini|Glasses)"
    r"|Living room/(Wireless|Video|Keyboard)",
    "computer": r"Office/(Apple|Laptop)",
    "food": r"Kitchen/(Apples|Baby bottle|Beer|Birthday|Bowl|Bread/|Butter|Cocktail|Coffee (cup|mug"
    r"|press)|Creamer|Cup|French|Glass/|Hamburger|Hot dog|Milk|Oil|Oval|Plastic|Plate|Pottery"
    r"|Roasted|Salt|Sugar|Sushi|Teapot|Tray|Wine|Yogurt|Old jar)|Miscellaneous/Vase|Lights/Candle",
    "kitchen thing": r"Kitchen/(Blender|Boiler|Bread box|Chopping|Coffee (brew|mach|maker)|Cooker|"
    r"Deep|Espresso|Kitchen scale|Kitchen tools|Knife stand|Large pan|Microwave|Mixer|Paper|"
    r"Sandwich|Small oven|Spice|Squeezer|Toaster|Utensils)",
    "base unit": r"Kitchen/(Drawers cab|Lower cabinet|Sink|Clothes wash|Dryer|Large stove|Oven"
    r"|Propane|Washing|Small lower)",
    "wall unit": r"Kitchen/(Glass door|Small upper|Upper cabinet|Upper shelves)",
    "fridge": r"Kitchen/(Fridge|Refrigerator|Large fridge|High cabinet|Double oven)",
    "bath": r"Bathroom/(Bath/|Island bath|Shower stall|Corner bath)",
    "toilet": r"Bathroom/(Toilets|Bidet)",
    "washbasin": r"Bathroom/(Double vanity|Vanity|Washbasin|Small lava)",
    "bath thing": r"Bathroom/(Bottle|Brush|Comb|Cosmetics|Flacon|Medicine|Soap|Sponge|Towel/com)",
    "bath wall": r"Bathroom/(Radiator|Towel rack|Toilet paper)",
    "wall thing": r"Living room/Wall flat|Bathroom/Towel rack|Miscellaneous/(Cuckoo|Dart|Intercom"
    r"|Air cond|Wall hanger|Surv)|Lights/Wall light",
    "outlet": r"Miscellaneous/(Wall|Rounded|Square) ?(type|switch|double|socket|plug)",
    "door": r"Doors and windows/(Door|Exterior door|Glass door)/",
    "car": r"Vehicles/(Chevrolet|Concept|Ford|Peugeot|Renault|SUV|Seat|Smart|VW|Van)",
    "large vehicle": r"Vehicles/(Bus|City bus|Truck/truck)",
    "two wheels": r"Vehicles/(Bicycle|Bike|Scooter/scooter2|Yamaha)",
    "tree": r"Exterior/(Acacia|Copper|Cypress|Ficus|Japanese|Peach|Pine|Poplar|Sycamore|Palm)",
    "bush": r"Exterior/(Bush|Bamboo|Hedge|High hedge)",
    "rock": r"Exterior/Rock",
    "street thing": r"Exterior/(Bench|Concrete bench|Fire hydrant|Mailbox|Painted bench|Park trash"
    r"|Residential|Flower box|Plant box|Wood bank)|Miscellaneous/(Cone|Barrel)",
    "lamp post": r"Lights/(Classic lamppost|Park light|Street l)",
    "garden thing": r"Exterior/(Barnum|Beach chair|Camping|Chair|Child|Deck|Dog house|Fountain"
    r"|Garden hut|Hammock|Sandpit|Seesaw|Teck|Umbrella|Wheelb|Stone|Rattan|Trampoline|Football)",
}
_UNFIT = re.compile(r"lying|Lying|hanging-clothes|technicalTable|pool$|lettoCloud|Adult")
GROUPS = {name: re.compile(pattern) for name, pattern in _GROUPS.items()}


@dataclass(frozen=True)
class Model:
    """One model of a library.

    Attributes:
        key: LIBRARY/FILE, unique.
        path: the .obj file.
        size: width, depth, height in metres.
        elevation: of its foot above the floor, metres.
        top: height of the surface that carries things, metres above its foot; 0 if there is none.
        rotation: nine numbers, rows, in the library's frame (y up); empty if upright.
    """

    key: str
    name: str
    category: str
    path: Path
    size: tuple[float, float, float]
    elevation: float
    top: float
    rotation: tuple[float, ...]
    author: str
    collection: str
    licence: str

    @property
    def footprint(self) -> tuple[float, float]:
        """Width and depth, metres."""
        return self.size[0], self.size[1]


class Catalog:
    """All models, and the groups that scenes are made of."""

    def __init__(self, models: list[Model]) -> None:
        self.models = models
        self.groups = {
            name: [m for m in models if pattern.search(f"{m.category}/{m.name}/{m.path.stem}")]
            for name, pattern in GROUPS.items()
        }

    def __getitem__(self, group: str) -> list[Model]:
        return self.groups[group]


def read_catalog(cache: Path, libraries: Path = LIBRARIES) -> Catalog:
    """Unpacks the libraries into `cache` (once) and reads what they hold.

    Raises:
        FileNotFoundError: no library is installed.
    """
    archives = sorted(libraries.glob("*.sh3f"))
    if not archives:
        raise FileNotFoundError(
            f"{libraries} holds no .sh3f library; install Debian's sweethome3d-furniture."
        )
    models: list[Model] = []
    for archive in archives:
        folder = cache / archive.stem
        if not (folder / _PROPERTIES).is_file():
            with zipfile.ZipFile(archive) as library:
                # The table of contents last: its presence says that the rest is there.
                names = [name for name in library.namelist() if name != _PROPERTIES]
                library.extractall(folder, names)
                library.extract(_PROPERTIES, folder)
        text = (folder / _PROPERTIES).read_text(encoding="latin-1")
        models += read_library(text, folder)
    return Catalog(models)


def read_library(text: str, folder: Path) -> Iterator[Model]:
    """The models that a library's table of contents lists.

    Args:
        text: the properties file, `KEY#NUMBER=VALUE` per line, lengths in centimetres.
        folder: where the library is unpacked.
    """
    entries: dict[int, dict[str, str]] = {}
    general: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.strip().partition("=")
        value = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), value)
        name, _, number = key.partition("#")
        if number.isdigit():
            entries.setdefault(int(number), {})[name] = value
        elif not key.startswith("#"):
            general.setdefault(key, value)
    licence = general.get("license", "").split("  ")[0].strip() or "see LICENSE.TXT"
    for entry in entries.values():
        path = folder / entry.get("model", "/").lstrip("/")
        if not path.is_file() or _UNFIT.search(path.stem):
            continue
        width, depth, height = (float(entry[k]) / 100 for k in ("width", "depth", "height"))
        yield Model(
            key=f"{folder.name}/{path.stem}",
            name=entry["name"],
            category=entry.get("category", ""),
            path=path,
            size=(width, depth, height),
            elevation=float(entry.get("elevation", 0)) / 100,
            top=max(0.0, float(entry.get("dropOnTopElevation", 0)) / 100),
            rotation=tuple(float(x) for x in entry.get("modelRotation", "").split()),
            author=entry.get("creator", "unknown"),
            collection=folder.name,
            licence=licence,
        )


def credits_of(models: list[Model]) -> list[dict[str, str]]:
    """Name, author, library and licence of each model, sorted."""
    rows = {
        m.key: {
            "model": m.key,
            "name": m.name,
            "author": m.author,
            "library": m.collection,
            "licence": m.licence,
        }
        for m in models
    }
    return [rows[key] for key in sorted(rows)]
