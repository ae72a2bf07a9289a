"""Setup says in a sentence what a machine lacks, does each step once, and goes on where it was cut short."""

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest
from source_tree import ROOT


@pytest.fixture
def setup(tmp_path):
    """The setup script, working on a checkout of its own."""
    spec = importlib.util.spec_from_file_location("lianfang_setup", ROOT / "scripts/setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.ROOT, module.STAMPS = tmp_path, tmp_path / ".setup"
    module.STAMPS.mkdir()
    (tmp_path / "input.txt").write_text("one")
    return module


@pytest.fixture
def work(setup):
    """A step on input.txt that counts how often it was done; set ``work.fails`` to cut it short."""

    def once():
        once.done += 1
        if once.fails:
            raise setup.SetupRefused("cut short")

    once.done, once.fails = 0, False
    once.run = lambda **more: setup.step("a step", [setup.ROOT / "input.txt"], once, **more)
    return once


def test_a_step_is_done_once(work):
    assert (work.run(), work.run(), work.done) == (True, False, 1)


def test_a_changed_input_is_noticed(setup, work):
    work.run()
    (setup.ROOT / "input.txt").write_text("two")
    assert (work.run(), work.done) == (True, 2)


def test_a_missing_product_is_made_again(setup, work):
    product = setup.ROOT / "product"
    product.touch()
    work.run(product=product)
    product.unlink()
    assert (work.run(product=product), work.done) == (True, 2)


def test_a_step_cut_short_is_done_again_though_its_inputs_are_back(setup, work):
    work.run()
    (setup.ROOT / "input.txt").write_text("two")
    work.fails = True
    with pytest.raises(setup.SetupRefused):
        work.run()
    (setup.ROOT / "input.txt").write_text("one")
    work.fails = False
    assert (work.run(), work.done) == (True, 3)


@pytest.mark.parametrize(
    ("name", "version", "says"),
    [("glibc", "2.27", "glibc 2.27 is too old"), ("", "", "has no glibc"), ("glibc", "2.5", "too old")],
)
def test_a_c_library_too_old_is_refused(setup, name, version, says):
    with pytest.raises(setup.SetupRefused, match=says):
        setup.check_c_library(name, version, system="Linux")


@pytest.mark.parametrize(
    ("name", "version", "system"), [("glibc", "2.28", "Linux"), ("glibc", "2.41", "Linux"), ("", "", "Darwin")]
)
def test_a_fitting_c_library_passes(setup, name, version, system):
    setup.check_c_library(name, version, system=system)


def test_an_extra_that_is_not_there_is_refused_with_those_that_are(setup):
    (setup.ROOT / "requirements").mkdir()
    (setup.ROOT / "requirements/bench.txt").touch()
    setup.check_extras(["bench"])
    with pytest.raises(setup.SetupRefused, match=r"no extra called 'spark'; extras of this version: bench\."):
        setup.check_extras(["spark"])


def test_a_failing_command_is_told_with_its_code(setup, capfd):
    with pytest.raises(setup.SetupRefused, match="code 3"):
        setup.run(["sh", "-c", "echo no room left; exit 3"])
    assert "no room left" in capfd.readouterr().out


def test_only_one_setup_works_at_a_time(setup):
    with setup.one_at_a_time():
        free = subprocess.run(["flock", "-n", setup.STAMPS / "lock", "true"], check=False)
    assert free.returncode == 1


def test_every_locked_requirement_carries_a_hash():
    for lock in (ROOT / "requirements").glob("*.txt"):
        entries = [entry for entry in lock.read_text().split("\n") if "==" in entry]
        assert entries
        assert [entry for entry in entries if not entry.endswith("\\")] == []


def find_python(folder, **programs):
    """Run scripts/find-python with nothing but the given programs (name → what it prints or does) on PATH."""
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return subprocess.run(
        ["/bin/sh", ROOT / "scripts/find-python"],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


REFUSES = "exit 1"
SAYS_OLD = '[ "$1" = --version ] && echo "Python 3.9.2"; exit 1'
NO_PIP = 'case "$2" in *ensurepip*) exit 1;; *print*) echo python3.12-venv;; esac'


def test_the_newest_fitting_python_is_taken(tmp_path):
    real = os.fspath(Path("/usr/bin/true"))
    shown = find_python(tmp_path, **{"python3.14": REFUSES, "python3.13": real, "python3.11": real})
    assert (shown.returncode, shown.stdout) == (0, "python3.13\n")


def test_a_python_too_old_is_told(tmp_path):
    shown = find_python(tmp_path, python3=SAYS_OLD)
    assert shown.returncode == 1
    assert "Python 3.11 to 3.14 is needed and this machine has Python 3.9.2" in shown.stderr


def test_no_python_is_told(tmp_path):
    assert "this machine has no python3" in find_python(tmp_path).stderr


def test_a_missing_venv_package_is_named(tmp_path):
    shown = find_python(tmp_path, **{"python3.12": NO_PIP})
    assert shown.returncode == 1
    assert "apt-get install python3.12-venv" in shown.stderr


def test_a_whole_python_is_preferred_to_a_newer_one_without_venv(tmp_path):
    shown = find_python(tmp_path, **{"python3.13": NO_PIP, "python3.11": "exit 0"})
    assert shown.stdout == "python3.11\n"


class TestChromium:
    """`scripts/install-chromium` on machines made of a PATH: what is on it is all there is."""

    @pytest.fixture
    def machine(self, tmp_path):
        def made(*, user: int = 0, installs: bool = True, **programs: str):
            folder = tmp_path / "bin"
            folder.mkdir()
            apt = f'echo "apt-get $*" >> {tmp_path}/asked; {"true" if installs else "echo no network; false"}'
            for name, script in {"id": f"echo {user}", "apt-get": apt, **programs}.items():
                (folder / name).write_text(f"#!/bin/sh\n{script}\n")
                (folder / name).chmod(0o755)
            for name in ("rm", "tail"):
                (folder / name).symlink_to(f"/usr/bin/{name}")
            environment = {"PATH": str(folder), "TMPDIR": str(tmp_path)}
            done = subprocess.run(
                ["/bin/sh", ROOT / "scripts/install-chromium"],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            asked = tmp_path / "asked"
            return done.returncode, done.stdout + done.stderr, asked.read_text() if asked.exists() else ""

        return made

    @pytest.mark.parametrize("name", ["chromium", "google-chrome"])
    def test_the_one_that_is_there_is_used(self, machine, name):
        assert machine(**{name: "true"}) == (0, "", "")

    def test_root_gets_debians_with_chinese_fonts(self, machine):
        code, said, asked = machine()
        assert (code, said) == (0, "browser tests: installing Chromium …\n")
        assert asked.splitlines()[-1].endswith("chromium fonts-noto-cjk")

    def test_anybody_else_is_told_how_to_get_it(self, machine):
        code, said, asked = machine(user=1000)
        assert (code, asked) == (0, "")
        assert "skipped" in said
        assert "apt-get install chromium" in said

    def test_a_failed_installation_is_told_and_stops_nothing(self, machine):
        code, said, _ = machine(installs=False)
        assert code == 0
        assert "no network" in said
        assert "could not be installed" in said
