"""Finds the system libraries that Qt needs and this machine lacks; installs them where it may, else names them.

Run by the Makefile with the environment's Python, after the installation. Does nothing outside Linux, where the Qt
wheels bring all they need.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

# library -> Debian package
PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libOpenGL.so.0": "libopengl0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}
PARTS = (
    "Qt/lib/libQt6Core.so.6",
    "Qt/lib/libQt6Gui.so.6",
    "Qt/lib/libQt6Widgets.so.6",
    "Qt/lib/libQt6Svg.so.6",
    "Qt/plugins/platforms/libqxcb.so",
    "Qt/plugins/platforms/libqoffscreen.so",
)


def missing_libraries() -> set[str]:
    """Names of the shared libraries that the parts of Qt in use would not find."""
    spec = importlib.util.find_spec("PySide6")
    assert spec is not None and spec.submodule_search_locations, "PySide6 is not installed"
    folder = Path(spec.submodule_search_locations[0])
    missing = set()
    for part in PARTS:
        listing = subprocess.run(["ldd", folder / part], capture_output=True, text=True, check=True).stdout
        missing |= {line.split()[0] for line in listing.splitlines() if "not found" in line}
    return missing


def has_fonts() -> bool:
    """Whether there is any font; without one Qt draws no text."""
    return any(next(Path(place).rglob("*.[to]tf"), None) for place in ("/usr/share/fonts", "/usr/local/share/fonts"))


def main() -> int:
    """Exit code: 0 all there or installed, 1 something is missing that we may not install."""
    if not sys.platform.startswith("linux"):
        return 0
    libraries = missing_libraries()
    unknown = sorted(name for name in libraries if name not in PACKAGES)
    packages = sorted({PACKAGES[name] for name in libraries if name in PACKAGES})
    if not has_fonts():
        packages.append("fonts-dejavu-core")
    if unknown:
        print(f"Qt needs libraries that this machine lacks: {', '.join(unknown)}", file=sys.stderr)
        return 1
    if not packages:
        return 0
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        return subprocess.run(install, check=False, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}).returncode
    print(
        "Qt needs packages that this machine lacks. On Debian or Ubuntu: sudo apt-get install " + " ".join(packages),
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
