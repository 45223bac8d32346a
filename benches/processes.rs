//! CPU time and memory of processes, from `/proc` (Linux; proc(5)).

use std::collections::BTreeMap;
use std::fs;

/// CPU time in user space is in units of 1/100 s on every architecture that we use.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds by program name.
pub type CpuSeconds = BTreeMap<String, f64>;

struct Process {
    id: u32,
    parent: u32,
    program: String,
    /// CPU seconds of the process and of its children that have ended.
    seconds: f64,
}

/// Returns true if this machine has `/proc`.
pub fn can_measure() -> bool {
    read(std::process::id()).is_some()
}

/// Returns the CPU time that a process and all its descendants have used so far.
pub fn cpu_of_tree(root: u32) -> CpuSeconds {
    let ids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let all: Vec<Process> = ids.filter_map(read).collect();
    let mut tree = vec![root];
    let mut seconds = CpuSeconds::new();
    while let Some(id) = tree.pop() {
        tree.extend(
            all.iter()
                .filter(|process| process.parent == id)
                .map(|process| process.id),
        );
        if let Some(process) = all.iter().find(|process| process.id == id) {
            *seconds.entry(process.program.clone()).or_default() += process.seconds;
        }
    }
    seconds
}

/// Returns the CPU time that was used between two measurements.
pub fn used(before: &CpuSeconds, after: &CpuSeconds) -> CpuSeconds {
    let since = |(program, seconds): (&String, &f64)| {
        (
            program.clone(),
            seconds - before.get(program).copied().unwrap_or(0.0),
        )
    };
    after.iter().map(since).collect()
}

/// Returns the peak resident memory of a process in bytes.
pub fn peak_memory(id: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line
        .unwrap_or_default()
        .trim()
        .trim_end_matches(" kB")
        .parse()?;
    Ok(kib * 1024)
}

fn read(id: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name is in parentheses and may contain any character, including a parenthesis.
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // Counted from the state, which is field 3 of proc(5): ppid is 4, utime to cstime are 14 to 17.
    let parent = fields.get(1)?.parse().ok()?;
    let ticks = fields
        .get(11..15)?
        .iter()
        .map(|field| field.parse::<f64>().unwrap_or(0.0))
        .sum::<f64>();
    Some(Process {
        id,
        parent,
        program: name.to_owned(),
        seconds: ticks / TICKS_PER_SECOND,
    })
}
