#!/bin/sh
# Create a virtual environment: create-environment.sh PYTHON FOLDER
# Debian ships python3 without the part that makes environments; it is installed where we may, else named.
set -eu
python=$1
folder=$2

if ! command -v "$python" >/dev/null 2>&1; then
    echo "error: $python was not found; install Python 3.11 or newer, or say where it is: make PYTHON=/path/to/python3" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "error: $python is $("$python" -V 2>&1); Marque needs Python 3.11 or newer: make PYTHON=python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        apt-get update -qq && apt-get install -y -qq "$package"
    else
        echo "error: Python's venv module is missing; install it first: sudo apt-get install $package" >&2
        exit 1
    fi
fi
"$python" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --upgrade pip
