"""Recipes followed: the job that made a picture, with everything that it needs found again."""

import os
import re
import stat
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from netfile.faults.kinds import misplaced
from netfile.system.files import file_sha1

from .. import nets
from ..errors import DreamError, ImageError, ModelError, RecipeError
from ..nets import engine as engines
from ..pictures import read_recipe
from ..settings import Dream, Picture, Zoom
from . import fields, schedules, schema
from .job import Job, Request, Stop, hashes
from .recipe import AS_IT_IS, handling, surroundings

_PICTURE_BYTES = 1 << 30  # at most; Pillow opens none that needs more


class Repeat(NamedTuple):
    """A picture about to be made again: `frame` says which of the job's pictures it was;
    `differences` between then and now, one line each."""

    job: Job
    frame: int
    differences: List[str]


def from_picture(path: str, **now: Any) -> Repeat:
    """The job that made a picture.

    Args:
        path: a picture that carries its recipe.
        now: as in `follow`.

    Raises:
        RecipeError: it carries no recipe, or one that cannot be followed.
        DreamError: what the recipe needs is not here.
    """
    text = read_recipe(path).strip()
    if not text.startswith("{"):  # any camera or editor writes a description
        raise RecipeError(
            f"{path}: carries no recipe; only pictures that deepdream wrote can be replayed"
        )
    try:
        record = fields.parse(text)
    except RecipeError as e:
        raise RecipeError(f"{path}: its recipe cannot be read: {e}") from None
    return follow(record, path, **now)


def checked(record: Any, path: str) -> Dict[str, Any]:
    """A recipe of any version as one of the newest, as `schema.read` gives it.

    Args:
        record: as it came out of the file `path`.

    Raises:
        RecipeError: it is none.
    """
    try:
        return schema.read(record)
    except DreamError as e:
        raise RecipeError(f"{path}: its recipe cannot be read: {e}") from None


def follow(
    record: Dict[str, Any],
    path: str,
    *,
    image_path: Optional[str] = None,
    guide_paths: Sequence[str] = (),
    mask_path: Optional[str] = None,
    file_paths: Optional[Mapping[str, str]] = None,
    model: Optional[str] = None,
    engine: Optional[str] = None,
    gpu: Optional[int] = None,
    most: Optional[int] = None,
    scratch: str = "",
    tell: Callable[[str], None] = lambda line: None,
) -> Repeat:
    """The job that a recipe describes.

    Args:
        record: the recipe, of any version.
        path: the file that it was read from.
        image_path, mask_path, model: where these are now, if they have moved.
        guide_paths: where the guides are now, all of them in the recipe's order.
        file_paths: {file that the recipe's objective names: where it is now}.
        engine: None for the one that made the picture.
        most: bytes of memory that may be taken, if that is bounded.
        scratch: as in Request.
        tell: is called with a line for each file before it is read.

    Raises:
        RecipeError: the recipe cannot be read, or a source is not the one it was made from.
        DreamError: what the recipe needs is not here.
    """
    record = checked(record, path)
    names = _named(record)
    now = {
        "image": [image_path] if image_path else [],
        "guide": list(guide_paths),
        "mask": [mask_path] if mask_path else [],
    }
    files = dict(file_paths or {})
    _check_names(files, record, path)
    moved = {("objective", name): place for name, place in files.items()}
    for role, places in now.items():
        if places and not names[role]:
            raise RecipeError(
                f"{path}: was made without a {role}, so {places[0]} has no place in it"
            )
        if places and len(places) != len(names[role]):
            raise RecipeError(
                f"{path}: was made with {len(names[role])} guides, {', '.join(names[role])}; say "
                f"where all of them are now, in this order, not {len(places)}"
            )
        moved.update(zip([(role, name) for name in names[role]], places))
    where: Dict[Tuple[str, str], str] = {}
    for source in record["files"]:
        key = source["role"], source["name"]
        where[key] = moved.get(key) or located(source["path"] or source["name"], path)
    for source in record["files"]:
        check_source(source, where[source["role"], source["name"]], tell)
    before = record["model"]
    # the first recipes had no scale, because no net had one
    scale = 1.0 if before.get("scale") is None else before["scale"]
    place = model or model_place(before, path)
    asked = nets.find(place, before["mean"], before["channel_order"], scale)
    model_sha1 = checked_model(before, asked, tell)
    found = {role: [where[role, name] for name in names[role]] for role in schema.ROLES}
    zoom, frame, stopped, tile = (record[k] for k in ("zoom", "frame", "stopped", "tile"))
    request = Request(
        Dream(**record["settings"]),
        model=asked,
        engine=engine or engines.name_of_recorded(record["engine"]["name"]),
        gpu=gpu,
        guide_paths=found["guide"],
        mask_path=next(iter(found["mask"]), None),
        zoom=zoom and Zoom(**zoom),
        schedule=schedules.of_record(record["schedule"]),
        where=dict(zip(names["objective"], found["objective"])),
        model_sha1=model_sha1,
        picture=Picture(**record["picture"]) if record["picture"] else AS_IT_IS,
        tiling=nets.Tiling(tile and (tile["height"], tile["width"]), most),
        scratch=scratch,
    )
    job = request.job(found["image"][0], record["seed"], stopped=stopped and Stop(**stopped))
    facts = {**surroundings(job.opened, job.gpu), "tile": handling(job).get("tile")}
    return Repeat(job, frame, differences(record, facts))


def _named(record: Dict[str, Any]) -> Dict[str, List[str]]:
    """The names of a recipe's files, by their role."""
    return {
        role: [source["name"] for source in record["files"] if source["role"] == role]
        for role in schema.ROLES
    }


def differences(before: Dict[str, Any], now: Dict[str, Any]) -> List[str]:
    lines = []
    for group in now:
        old, new = before[group] or {}, now[group] or {}
        for key in sorted(set(old) | set(new)):
            was, is_now = old.get(key), new.get(key)
            if was != is_now:
                lines.append(f"{group} {key}: was {was}, is {is_now}")
    return lines


def _check_names(files: Mapping[str, str], record: Dict[str, Any], path: str) -> None:
    known = _named(record)["objective"]
    for name in files:
        if name not in known:
            what = f"names {', '.join(known)}" if known else "names no files"
            raise RecipeError(f"{path}: its objective {what}, not {name}")


def located(name: str, picture: str, exists: Callable[[str], bool] = os.path.exists) -> str:
    """Where a recipe's file is: as seen from the picture's folder, or, if it has moved with what it
    needs, under a folder above it or in the working directory."""
    folder = os.path.dirname(os.path.abspath(picture))
    recorded = os.path.normpath(os.path.join(folder, name))
    below = re.sub(r"^(\.\./)+", "", os.path.normpath(name))
    above = [folder[: i + 1] for i, letter in enumerate(folder) if letter == os.sep]
    places = [os.path.join(place, below) for place in [folder, *above[::-1]]]
    places.append(os.path.basename(name))
    return next(filter(exists, [recorded, *places]), recorded)


def model_place(before: Dict[str, Any], picture: str) -> str:
    """The name or the folder of a recipe's model.

    Raises:
        ModelError: it is not here.
    """
    name, folder = before["name"], before["folder"]
    if folder:
        for place in (located(folder, picture, os.path.isdir), folder):
            if os.path.isdir(place):
                return str(place)
    if name in nets.known() or os.path.isdir(name):
        return str(name)
    raise ModelError(f"the model it was made with is not here: {folder or name}", moved=True)


def check_source(source: Dict[str, str], path: str, tell: Callable[[str], None]) -> None:
    role, name = source["role"], source["name"]
    what = f"objective's {name}" if role == "objective" else role
    try:
        facts = os.stat(path)
    except (OSError, ValueError) as e:
        gone = "is gone" if isinstance(e, FileNotFoundError) else "cannot be read"
        raise ImageError(
            f"the {what} it was made from {gone}: {path}", role=role, name=name
        ) from None
    if not stat.S_ISREG(facts.st_mode):
        raise ImageError(misplaced(path, "a picture"), role=role, name=name)
    if not 0 < facts.st_size <= _PICTURE_BYTES:  # what has no end, or none that it tells of
        raise RecipeError(
            f"{path}: is not the {what} it was made from: it has {facts.st_size} bytes, and a "
            f"picture 1 to {_PICTURE_BYTES}"
        )
    tell(f"reads {path}, the {what} ({_size(facts.st_size)})")
    try:
        digest = file_sha1(path)
    except OSError as e:
        raise ImageError(
            f"{path}: cannot be read: {e.strerror or e}", role=role, name=name
        ) from None
    if digest != source["sha1"]:
        raise RecipeError(
            f"{path}: is not the {what} it was made from (SHA1 {source['sha1']}, now {digest})"
        )


def checked_model(
    before: Dict[str, Any], model: nets.Model, tell: Callable[[str], None]
) -> Optional[Dict[str, str]]:
    """The model's hashes, or None where it is incomplete; opening it says how to get it.

    Raises:
        ModelError: it is not the one that the picture was made with.
    """
    files = {"weights_sha1": model.weights, "deploy_sha1": model.deploy}
    if not all(path.is_file() for path in files.values()):
        return None
    for path in files.values():
        tell(f"reads {path}, of the model {before['name']} ({_size(path.stat().st_size)})")
    digests = hashes(model)
    for key, path in files.items():
        if digests[key] != before[key]:
            raise ModelError(
                f"{path}: is not the file it was made with (SHA1 {before[key]}, now {digests[key]})"
            )
    return digests


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
