//! The binary: hands the command line to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    salon_loadtest::run(std::env::args_os())
}
