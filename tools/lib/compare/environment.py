"""The virtual environment, .venv-compare, that the peers are installed into."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import os
import pathlib
import subprocess
import sys

from compare import Unable, reason

ROOT = pathlib.Path(__file__).resolve().parents[3]
ENVIRONMENT = ROOT / ".venv-compare"
# Whether what is missing may be installed.
installs = True


def variables(more: dict[str, str] | None = None) -> dict[str, str]:
    """Of a process that is started: without what this machine may have been told about another program's OpenBLAS."""
    kept = {key: value for key, value in os.environ.items() if key not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    return {**kept, "PYTHONPATH": str(ROOT / "tools" / "lib"), **(more or {})}


def enter(program: pathlib.Path) -> None:
    """Starts this program again in the virtual environment, made if need be, unless it runs there already."""
    if pathlib.Path(sys.prefix).resolve() == ENVIRONMENT.resolve():
        return
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        print(f"Making {ENVIRONMENT.name}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", str(ENVIRONMENT)], check=True)
    os.execve(python, [str(python), str(program), *sys.argv[1:]], variables())


def take_as_is() -> None:
    """From here on nothing is installed: what is missing is missing."""
    global installs
    installs = False


def is_installed(package: str) -> bool:
    """Whether a package is there; `numpy>=2`: whether it is, in that major version or a later one."""
    name, _, least = package.partition(">=")
    try:
        return int(importlib.metadata.version(name).split(".")[0]) >= int(least or 0)
    except importlib.metadata.PackageNotFoundError:
        return False


@functools.cache
def why_missing(packages: tuple[str, ...]) -> str | None:
    """Installs those of the packages that are missing. Says why one could not be, once and for all."""
    missing = [package for package in packages if not is_installed(package)]
    if not missing:
        return None
    if not installs:
        return f"this Python has no {', '.join(missing)}"
    print(f"Installing {', '.join(missing)}", file=sys.stderr)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *missing]
    result = subprocess.run(pip, capture_output=True, text=True)
    importlib.invalidate_caches()
    return f"pip cannot install {', '.join(missing)}: {reason(result.stderr)}" if result.returncode else None


def install(packages: tuple[str, ...]) -> None:
    if why := why_missing(packages):
        raise Unable(why)
