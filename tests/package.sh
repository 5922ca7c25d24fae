#!/usr/bin/env bash
# The crates as they would be published.
#
#   tests/package.sh lists TARGET            packages them and compares their files with tests/package.txt
#   tests/package.sh install TARGET PLUGIN   builds and installs from the packaged files, and runs both
#
# After a file was added or removed on purpose: tests/package.sh accept TARGET
set -euo pipefail

crates=(alluvium-core alluvium alluvium-connectors alluvium-object alluvium-host alluvium-cluster alluvium-cli alluvium-plugin-derive alluvium-plugin)
what=$1 target=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/../Cargo.toml" | head -1)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

package() {
    # No network: the lock files are made from what has been fetched for the build.
    cargo package --quiet --offline --no-verify --allow-dirty --target-dir "$target" "${crates[@]/#/-p}" 2> "$scratch/log" \
        || { cat "$scratch/log" >&2; exit 1; }
}

# What is in the packages, but for the note on the state of the checkout.
lists() {
    for crate in "${crates[@]}"; do
        tar -tzf "$target/package/$crate-$version.crate"
    done | sed "s/-$version\//\//" | grep -v '/\.cargo_vcs_info\.json$' | LC_ALL=C sort
}

# Cargo takes the crates that are not in the registry from the unpacked files; the profile is that of the
# workspace, so that what it built is used again.
settings() {
    for crate in alluvium-core alluvium alluvium-connectors alluvium-object alluvium-host alluvium-cluster; do
        printf '%s\n' --config "patch.crates-io.$crate.path=\"$scratch/$crate-$version\""
    done
    printf '%s\n' --config profile.dev.opt-level=1 --config 'profile.dev.debug="line-tables-only"' \
        --config 'profile.dev.package."*".debug=false'
}

install_and_run() {
    local plugin=$1 data=$here/data/flights-2013-01.csv.gz config
    mapfile -t config < <(settings)
    for crate in "${crates[@]}"; do
        tar -xzf "$target/package/$crate-$version.crate" -C "$scratch"
    done

    mkdir -p "$scratch/program/src"
    cat > "$scratch/program/Cargo.toml" <<TOML
[package]
name = "program"
version = "0.1.0"
edition = "2024"

[dependencies]
alluvium = "$version"
tempfile = "3"
TOML
    # The program is the one that the README of the crate shows.
    sed -n '/^```rust$/,/^```$/p' "$scratch/alluvium-$version/README.md" | grep -v '^```' > "$scratch/program/src/main.rs"
    cp "$here/../Cargo.lock" "$scratch/program/Cargo.lock"
    (cd "$scratch/program" && cargo run --quiet --target-dir "$target" "${config[@]}")
    echo "a program with alluvium $version runs"

    # In the place of the lock file that the crate has, which names crates of the registry alone.
    cp "$here/../Cargo.lock" "$scratch/alluvium-cli-$version/Cargo.lock"
    (cd "$scratch" && cargo install --quiet --debug --path "alluvium-cli-$version" --root "$scratch/installed" \
        --target-dir "$target" "${config[@]}")
    mkdir "$scratch/empty"
    cd "$scratch/empty"
    unset ALLUVIUM_ENGINE
    export PATH=$scratch/installed/bin:$PATH XDG_CACHE_HOME=$scratch/cache
    alluvium --version
    alluvium run "$plugin" --dir checkpoints --input "$data" --stop-after 5000
    "$scratch/alluvium-cli-$version/examples/inspect.sh" checkpoints
    echo "alluvium-cli $version was installed and runs"
}

package
case $what in
    lists)
        lists | diff -u "$here/package.txt" - \
            || { echo "the packaged files are not those of tests/package.txt: tests/package.sh accept $2" >&2; exit 1; }
        echo "the packages have the files of tests/package.txt" ;;
    accept) lists > "$here/package.txt" ;;
    install) install_and_run "$(realpath "$3")" ;;
    *) echo "usage: tests/package.sh lists|accept|install TARGET [PLUGIN]" >&2; exit 2 ;;
esac
