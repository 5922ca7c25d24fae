#!/usr/bin/env bash
# Looks into a directory of checkpoints without changing it: inspect.sh DIRECTORY
set -euo pipefail

directory=${1:?usage: inspect.sh DIRECTORY}

alluvium list "$directory"                # the checkpoints, newest first
alluvium show "$directory"                # the newest: its position and its files
alluvium dump "$directory" | head -3      # its state: one JSON object a line
alluvium top "$directory" --limit 3       # the prefixes that hold the most bytes
alluvium verify "$directory"              # reads and checks every byte
