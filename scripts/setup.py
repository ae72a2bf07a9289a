"""Prepare a checkout to run: virtual environment, locked libraries, front-end files, translations.

Run by ``make setup`` with the machine's own Python; the standard library is all it uses. Each step leaves a
stamp in ``.setup/`` that hashes whatever the step depends on, so that a second run does only what has changed.
A stamp is removed before its step begins and written after it has ended: a step cut short is done again.
"""

import argparse
import fcntl
import hashlib
import platform
import re
import subprocess
import sys
import time
import venv
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = ROOT / ".setup"
FRONTEND = ROOT / "frontend"
STATIC = ROOT / "src/lianfang/surfaces/console/static/vendor"
PHONE = ROOT / "src/lianfang/surfaces/field/static/field"
OLDEST_GLIBC = (2, 28)
# pip's words for a package it turns to: from a package source, from a file, there already
TAKEN_UP = re.compile(r"(?:Collecting|Processing|Requirement already satisfied:) (\S+)")


class SetupRefused(Exception):
    """The machine or the request does not allow setup; the text says what to do."""


def main() -> None:
    """Bring the checkout up to date and exit with a sentence when that cannot be done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--dev", action="store_true", help="also what make test and make check need")
    parser.add_argument("--extras", default="", help="optional requirement files by name, e.g. bench,spark")
    options = parser.parse_args()
    extras = [name for name in re.split(r"[,\s]+", options.extras) if name]
    try:
        check_c_library(*platform.libc_ver(), system=platform.system())
        check_extras(extras)
        with one_at_a_time():
            prepare(["base", *(["dev"] if options.dev else []), *extras])
    except SetupRefused as refusal:
        sys.exit(f"setup: {refusal}")


def prepare(requirements: list[str]) -> None:
    """Run every step whose inputs have changed since it last ended."""
    begun = time.monotonic()
    steps = [step("virtual environment", [VENV / "pyvenv.cfg"], make_venv, product=PYTHON, also=str(ROOT))]
    for name in requirements:
        lock = ROOT / "requirements" / f"{name}.txt"
        steps.append(step(f"libraries {name}", [lock], partial(install_locked, lock)))
    steps += [
        step("lianfang itself", [ROOT / "pyproject.toml"], install_project, product=VENV / "bin/lianfang"),
        step(
            "front-end packages",
            [FRONTEND / "package.json", FRONTEND / "field/package.json", FRONTEND / "package-lock.json"],
            install_frontend,
            product=FRONTEND / "node_modules",
        ),
        step(
            "static files",
            [FRONTEND / "package-lock.json", FRONTEND / "icons.txt", ROOT / "scripts/vendor.py"],
            lambda: run([str(PYTHON), "scripts/vendor.py"]),
            product=STATIC / "icons.svg",
        ),
        step("phone app", phone_sources(), build_phone, product=PHONE / "index.html"),
        step("translations", catalogues(), compile_messages, product=compiled_catalogue()),
    ]
    if any(steps):
        print(f"setup: ready in {time.monotonic() - begun:.0f} s", flush=True)


def step(
    title: str, inputs: list[Path], work: Callable[[], None], *, product: Path | None = None, also: str = ""
) -> bool:
    """Do a piece of work unless its stamp fits its inputs and its product exists; say whether it was done."""
    stamp = STAMPS / title.replace(" ", "-")
    there = product is None or product.exists()
    if there and stamp.exists() and stamp.read_text() == fingerprint(inputs, also):
        return False
    print(f"setup: {title} …", flush=True)
    begun = time.monotonic()
    stamp.unlink(missing_ok=True)
    work()
    unfinished = stamp.with_suffix(".unfinished")
    unfinished.write_text(fingerprint(inputs, also))
    unfinished.replace(stamp)
    print(f"setup: {title} done in {time.monotonic() - begun:.1f} s", flush=True)
    return True


def fingerprint(inputs: list[Path], also: str = "") -> str:
    """Return a SHA-256 over names and contents of files; a missing file counts as such."""
    digest = hashlib.sha256(also.encode())
    for path in inputs:
        digest.update(f"\0{path.relative_to(ROOT)}\0".encode())
        digest.update(path.read_bytes() if path.exists() else b"missing")
    return digest.hexdigest()


def check_c_library(name: str, version: str, *, system: str) -> None:
    """Refuse a Linux whose C library the locked binary wheels do not run on."""
    if system != "Linux":
        return
    wanted = ".".join(map(str, OLDEST_GLIBC))
    if name != "glibc":
        raise SetupRefused(
            f"this Linux has no glibc and the locked binaries need {wanted} or newer; "
            "use Debian 10, Ubuntu 20.04, openEuler 20.03 or later."
        )
    if tuple(map(int, version.split(".")[:2])) < OLDEST_GLIBC:
        raise SetupRefused(
            f"glibc {version} is too old: the locked binaries need {wanted} or newer; "
            "use Debian 10, Ubuntu 20.04, openEuler 20.03 or later."
        )


def check_extras(names: list[str]) -> None:
    """Refuse an extra that has no requirements file, naming those there are."""
    known = {path.stem for path in (ROOT / "requirements").glob("*.txt")} - {"base", "dev"}
    for name in names:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none yet"
            raise SetupRefused(f"there is no extra called {name!r}; extras of this version: {listed}.")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold a lock for the length of a block, so that two runs of make do not install over each other."""
    STAMPS.mkdir(exist_ok=True)
    with (STAMPS / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("setup: waiting for another setup of this checkout to end …", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_venv() -> None:
    """Keep a virtual environment that works here, or make one afresh and forget what the old one held."""
    if venv_works():
        return
    for stamp in STAMPS.iterdir():
        if stamp.name != "lock":
            stamp.unlink()
    venv.EnvBuilder(clear=True, with_pip=True, symlinks=True).create(VENV)


def venv_works() -> bool:
    """Say whether pip starts by its own script, which names this folder: in a moved checkout it does not."""
    try:
        shown = subprocess.run([VENV / "bin/pip", "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    version = re.search(r"\(python 3\.(\d+)\)", shown.stdout)
    return shown.returncode == 0 and version is not None and 11 <= int(version[1]) <= 14


def install_locked(lock: Path) -> None:
    """Install one requirements file, every archive checked against its hash and none compiled here."""
    total = len(re.findall(r"^[\w.\[\]-]+==", lock.read_text(), flags=re.MULTILINE))
    fixed = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "--no-compile"]
    run([*pip("install"), *fixed, "-r", str(lock)], total=total)


def install_project() -> None:
    """Install the project itself, editable, with the build tools already locked: nothing is fetched."""
    run(
        [
            *pip("install"),
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
            "--quiet",
            "--editable",
            str(ROOT),
        ]
    )


def pip(command: str) -> list[str]:
    """Return the start of a pip command line; the machine's settings, such as mirrors, hold."""
    quiet = ["--disable-pip-version-check", "--no-input"]
    return [
        str(PYTHON),
        "-m",
        "pip",
        *quiet,
        command,
        "--no-warn-script-location",
        "--root-user-action",
        "ignore",
    ]


def install_frontend() -> None:
    """Install the locked front-end packages through the Node.js that came as a Python wheel."""
    npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")


def phone_sources() -> list[Path]:
    """Return what the phone app is built from, in order; what is generated on the way is left out."""
    folder = FRONTEND / "field"
    listed = [FRONTEND / "package-lock.json", *folder.glob("*.*")]
    for name in ("build", "public", "src"):
        listed += [path for path in (folder / name).rglob("*") if path.is_file() and "generated" not in path.parts]
    return sorted(listed)


def build_phone() -> None:
    """Build the phone app into the folder that the house serves at /field/."""
    npm("run", "--silent", "build", "-w", "field")


def npm(*arguments: str) -> None:
    """Run npm in frontend/."""
    run([str(PYTHON), "scripts/npm.py", *arguments])


def catalogues() -> list[Path]:
    """Return the translation catalogues of the project, in order."""
    return sorted((ROOT / "src").glob("**/locale/*/LC_MESSAGES/*.po"))


def compiled_catalogue() -> Path | None:
    """Return a compiled catalogue that is missing, or any one, or none when there is nothing to translate."""
    compiled = [path.with_suffix(".mo") for path in catalogues()]
    return next((path for path in compiled if not path.exists()), compiled[0] if compiled else None)


def compile_messages() -> None:
    """Compile the catalogues with Babel, which lives in the virtual environment."""
    run([str(PYTHON), "scripts/messages.py", "compile"])


def run(command: list[str], *, folder: Path = ROOT, total: int = 0) -> None:
    """Run a command, showing what it is at, and refuse with its last words when it fails."""
    last_words: deque[str] = deque(maxlen=25)
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        show(process.stdout, last_words, total)
    if process.returncode:
        print("".join(last_words) if total else "", end="", flush=True)
        raise SetupRefused(
            f"this step ended with code {process.returncode}, see above; if a package source was not reached, "
            "set your mirror in the settings of pip and npm. Run make setup again: it goes on from here."
        )


def show(lines: Iterator[str], last_words: deque[str], total: int) -> None:
    """Print a count for pip (``12/41 django``), whole lines for the others, and keep the last ones."""
    collected = 0
    for line in lines:
        last_words.append(line)
        if not total:
            print(f"  {line}", end="", flush=True)
        elif taken := TAKEN_UP.match(line):
            collected += 1
            progress(f"  {collected}/{total} {re.split(r'==|-[0-9]', Path(taken[1]).name)[0]}")
        elif line.startswith("Installing collected"):
            progress(f"  unpacking {collected} packages …")
    if total and sys.stdout.isatty():
        print()


def progress(text: str) -> None:
    """Print a line that on a terminal replaces the one before."""
    print(
        f"\r\x1b[K{text}" if sys.stdout.isatty() else text,
        end="" if sys.stdout.isatty() else "\n",
        flush=True,
    )


if __name__ == "__main__":
    main()
