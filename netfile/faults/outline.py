"""What a prototxt says where: its fields with their positions, without knowing what they mean.

Protobuf's own parser stops at the first field that it does not know, and says neither whose it is
nor in which layer. https://protobuf.dev/reference/protobuf/textformat-spec/
"""

import re
from typing import Any, Iterator, List, NamedTuple, Optional

_TOKEN = re.compile(
    r"(?P<nothing>\s+|\#[^\n]*)"
    r"|(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
    r"|(?P<word>[\w.+-]+)"
    r"|(?P<mark>[{}<>:;,\[\]])"
)


class Place(NamedTuple):
    """Where something stands in a text, both counted from 1."""

    line: int
    column: int


class Entry:
    """A field in a prototxt: its name and value, or the fields in it, and where it stands."""

    def __init__(self, name: str, start: int, parent: Optional["Entry"]) -> None:
        self.name, self.start, self.end, self.parent = name, start, start + len(name), parent
        self.value = ""  # as it stands, quotes with it; "" for a message
        self.value_start = self.value_end = self.end
        self.entries: List[Entry] = []
        self.listed = False

    def get(self, name: str) -> str:
        """The value of the first field of this name in it, without quotes, or ""."""
        return next((e.value.strip("'\"") for e in self.entries if e.name == name), "")

    def inside(self, *names: str) -> Optional["Entry"]:
        """The innermost field around it that has one of these names, or None."""
        around = self.parent
        while around is not None and around.name not in names:
            around = around.parent
        return around

    def all(self) -> Iterator["Entry"]:
        """Every field in it, at any depth, in order."""
        waiting = self.entries[::-1]
        while waiting:
            entry = waiting.pop()
            yield entry
            waiting += entry.entries[::-1]


def outline(text: str) -> Entry:
    """The fields of a prototxt, in a nameless one; up to where it cannot be understood."""
    root = here = Entry("", 0, None)
    open_entry: Optional[Entry] = None  # has its name, and no value yet
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            break
        at, part = token.end(), token.group()
        if token.lastgroup == "nothing":
            continue
        if token.lastgroup == "word" and open_entry is None:
            open_entry = Entry(part, token.start(), here)
            here.entries.append(open_entry)
        elif token.lastgroup in ("word", "string"):
            if open_entry is None:
                continue  # a string that goes on
            open_entry.value = part
            open_entry.value_start, open_entry.value_end = token.span()
            open_entry = open_entry if open_entry.listed else None
        elif part in "{<":
            if open_entry is None:
                break
            here, open_entry = open_entry, None
        elif part in "}>":
            if open_entry is not None or here.parent is None:
                break
            open_entry = here if here.listed else None
            here = here.parent
        elif part == "[" and open_entry is not None:
            open_entry.listed = True
        elif part == "]" and open_entry is not None:
            open_entry.listed, open_entry = False, None
    return root


def place(text: str, at: int) -> Place:
    """Where position `at` of a text is."""
    return Place(text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1)


def first_unknown(root: Entry, descriptor: Any) -> Optional[Entry]:
    """The first field that a message of this type does not have, or None."""
    known = descriptor.fields_by_name
    for entry in root.entries:
        if entry.name not in known:
            return entry
        inner = known[entry.name].message_type
        if inner is not None:
            found = first_unknown(entry, inner)
            if found is not None:
                return found
    return None
