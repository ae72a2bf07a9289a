"""Translations of the product: compile the catalogues, check that they are complete, gather new messages.

Runs in the virtual environment: Babel reads and writes the catalogues, Django turns templates into source
that Babel can read. Nothing needs GNU gettext.
"""

import argparse
import os
import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src/lianfang"
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}


def main() -> None:
    """Carry out one of the three commands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("command", choices=["compile", "check", "update"])
    command = parser.parse_args().command
    paths = sorted(SOURCE.glob("**/locale/*/LC_MESSAGES/*.po"))
    if command == "compile":
        compile_all(paths)
    elif command == "update":
        update_all(paths, gather(SOURCE))
    else:
        faults = incomplete(paths, gather(SOURCE))
        print("\n".join(faults) or f"{len(paths)} catalogues complete")
        sys.exit(bool(faults))


def load(path: Path) -> Catalog:
    """Return a catalogue, its language taken from the folder (``locale/en/LC_MESSAGES/django.po``)."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def compile_all(paths: list[Path]) -> None:
    """Write each catalogue's compiled form beside it."""
    for path in paths:
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, load(path))
    print(f"{len(paths)} catalogues compiled")


def gather(folder: Path) -> Catalog:
    """Return every message that Python source and templates below a folder ask for."""
    from django.conf import settings  # the template reader wants settings, any will do
    from django.utils.translation.template import templatize

    if not settings.configured:
        settings.configure(USE_I18N=True)
    found = Catalog()
    for path in sorted([*folder.glob("**/*.py"), *folder.glob("**/templates/**/*.*")]):
        if path.suffix not in {".py", ".html", ".txt"} or "migrations" in path.parts:
            continue
        text = path.read_text()
        source = text if path.suffix == ".py" else templatize(text, origin=str(path))
        for line, message, comments, context in extract("python", BytesIO(source.encode()), KEYWORDS):
            place = (os.path.relpath(path, ROOT), line)
            found.add(message, locations=[place], auto_comments=comments, context=context)
    return found


def update_all(paths: list[Path], wanted: Catalog) -> None:
    """Bring each catalogue to the messages now asked for, keeping what is translated."""
    for path in paths:
        catalogue = load(path)
        catalogue.update(wanted, no_fuzzy_matching=True)
        with path.open("wb") as file:
            write_po(file, catalogue, width=110, ignore_obsolete=True, sort_by_file=True)
    print(f"{len(paths)} catalogues hold {len(wanted)} messages")


def incomplete(paths: list[Path], wanted: Catalog) -> list[str]:
    """Return a sentence for each message that a language leaves untranslated, fuzzy or unknown."""
    if len(wanted) and not paths:
        return [f"{len(wanted)} messages and no catalogue: begin src/lianfang/locale/en/LC_MESSAGES/django.po"]
    languages = sorted({path.parent.parent.name for path in paths})
    faults = []
    for language in languages:
        catalogues = [load(path) for path in paths if path.parent.parent.name == language]
        faults += [
            f"{language}: {where(message)}: translate {message.id!r} (`make messages` adds it)"
            for message in wanted
            if message.id and not any(translated(catalogue, message) for catalogue in catalogues)
        ]
    return faults


def translated(catalogue: Catalog, wanted: Message) -> bool:
    """Say whether a catalogue translates a message in every plural form, and not as a guess."""
    key = wanted.id[0] if isinstance(wanted.id, tuple | list) else wanted.id
    message = catalogue.get(key, wanted.context)
    if message is None or message.fuzzy:
        return False
    forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return all(forms)


def where(message: Message) -> str:
    """Return the first place that asks for a message, as ``file:line``."""
    return ":".join(map(str, message.locations[0])) if message.locations else "unknown place"


if __name__ == "__main__":
    main()
