#!/usr/bin/env bash
# Installs the other stream processors: tests/streams/install.sh FOLDER
#
# FOLDER/venv gets Flink's libraries, Bytewax and matplotlib, FOLDER/classes the job for Flink. What is missing is named.
set -euo pipefail
cd "$(dirname "$0")"
folder=$1
mkdir -p "$folder"
command -v javac >/dev/null || { echo "javac is missing: install a JDK of Java 17 or later (Debian: openjdk-17-jdk-headless)" >&2; exit 2; }
if ! cmp -s requirements.txt "$folder/.installed"; then
    python3 -m venv "$folder/venv" || { echo "python3 with venv is missing (Debian: python3-venv)" >&2; exit 2; }
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt
    cp requirements.txt "$folder/.installed"
fi
jars=("$folder"/venv/lib/python3*/site-packages/pyflink/lib)
javac -Xlint:all -Xlint:-serial -Xlint:-classfile -Xlint:-processing -d "$folder/classes" -cp "${jars[0]}/*" flink/Delays.java
