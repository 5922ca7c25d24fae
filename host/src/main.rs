//! The `alluvium` command: runs a plugin over a stream with checkpoints, and looks after the
//! directories that hold them.
#![forbid(unsafe_code)]

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
