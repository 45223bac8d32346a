//! The `laureate` program.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use laureate::cli::{self, Cli, exit};
use laureate::stack::supervise;

fn main() -> ExitCode {
    if let Some(code) = supervise::intercept() {
        return code;
    }
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    bound_arenas();
    let cli = Cli::parse();
    // Where stderr is closed there is nobody left to tell.
    let tell = |error: &anyhow::Error| {
        let _ = writeln!(std::io::stderr(), "laureate: {error:#}");
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(&anyhow::anyhow!(error).context("the runtime can't be started"));
            return ExitCode::from(exit::FAILED);
        }
    };
    match runtime.block_on(cli::run(cli)) {
        Ok(code) => code,
        Err(error) if exit::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            exit::code_of(&error)
        }
    }
}

/// glibc makes up to eight arenas a core, keeps what threads have freed in them, and so takes twice the
/// memory for many people as for few. One arena a core is enough; `make bench` measures what it saves.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
fn bound_arenas() {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let arenas = libc::c_int::try_from(cores.max(2)).unwrap_or(libc::c_int::MAX);
    // Safety: mallopt(3) changes parameters of the allocator only, and no other thread exists yet.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, arenas) };
}
