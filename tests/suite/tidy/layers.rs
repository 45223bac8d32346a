//! Allowed dependencies between modules:
//! `domain ← {commands, projection, workers} ← http ← app ← cli ← main`.

use super::source::SourceFile;
use super::{Complaint, complains_of};

struct Layer {
    module: &'static str,
    may_use: &'static [&'static str],
    why: &'static str,
}

const fn layer(module: &'static str, may_use: &'static [&'static str], why: &'static str) -> Layer {
    Layer {
        module,
        may_use,
        why,
    }
}

/// Modules, from the innermost to the outermost. A module may use only the modules in its own row.
/// Each of them must have an earlier row.
const LAYERS: &[Layer] = &[
    layer(
        "domain",
        &[],
        "pure: makes decisions, and depends on nothing else",
    ),
    layer(
        "certificate_pdf",
        &["domain"],
        "an adapter: uses domain types, and doesn't depend on its callers",
    ),
    layer(
        "design_image",
        &[],
        "an adapter: an uploaded image becomes a plain picture",
    ),
    layer(
        "sandbox",
        &["domain", "certificate_pdf", "design_image"],
        "an adapter: renders and decodes untrusted input in a separate process",
    ),
    layer("mail", &["domain"], "an adapter"),
    layer("storage", &["domain"], "an adapter"),
    layer("spreadsheet", &["domain"], "an adapter"),
    layer(
        "dev_stack",
        &[],
        "an adapter: starts servers, independently of their content",
    ),
    layer("event_log", &["domain"], "an adapter: stores events"),
    layer(
        "database",
        &["domain"],
        "connections and migrations, independently of the tables' content",
    ),
    layer(
        "commands",
        &["domain", "event_log"],
        "decides and appends; writes only to the log",
    ),
    layer(
        "projection",
        &["domain", "event_log", "database"],
        "uses only events and SQL: a rebuild can't mail or render",
    ),
    layer(
        "rendering",
        &[
            "domain",
            "commands",
            "certificate_pdf",
            "sandbox",
            "storage",
        ],
        "a service of workers and HTTP: issued PDFs, samples, comparisons",
    ),
    layer(
        "importing",
        &[
            "domain",
            "commands",
            "event_log",
            "certificate_pdf",
            "rendering",
            "storage",
            "spreadsheet",
        ],
        "a service of workers and HTTP: imports and dry runs",
    ),
    layer(
        "workers",
        &[
            "domain",
            "commands",
            "event_log",
            "rendering",
            "importing",
            "mail",
            "storage",
            "spreadsheet",
        ],
        "turns events into external effects, and outcomes into events; reads no query table",
    ),
    layer(
        "scheduler",
        &[
            "domain",
            "commands",
            "projection",
            "workers",
            "event_log",
            "database",
            "storage",
        ],
        "scheduled tasks: reads tables to find work, and decides on the log like workers",
    ),
    layer(
        "http",
        &[
            "domain",
            "commands",
            "projection",
            "rendering",
            "importing",
            "scheduler",
            "event_log",
            "database",
            "storage",
            "spreadsheet",
            "design_image",
            "sandbox",
        ],
        "writes by commands, reads from projections; doesn't send mails",
    ),
    layer(
        "config",
        &[
            "domain",
            "scheduler",
            "http",
            "event_log",
            "mail",
            "spreadsheet",
            "storage",
        ],
        "each part's own settings type",
    ),
    layer(
        "app",
        &[
            "domain",
            "commands",
            "projection",
            "rendering",
            "importing",
            "workers",
            "scheduler",
            "http",
            "config",
            "event_log",
            "database",
            "certificate_pdf",
            "sandbox",
            "mail",
            "storage",
            "spreadsheet",
        ],
        "the composition root: uses every part except the embedded servers",
    ),
    layer(
        "cli",
        &[
            "app",
            "config",
            "commands",
            "domain",
            "event_log",
            "projection",
            "database",
            "http",
            "dev_stack",
            "spreadsheet",
            "storage",
            "rendering",
            "importing",
            "workers",
            "certificate_pdf",
            "sandbox",
            "mail",
        ],
        "one file per subcommand",
    ),
    layer(
        "main",
        &["cli", "sandbox", "dev_stack"],
        "starts the command line, a server's supervisor, or a sandbox child",
    ),
];

/// Single items that a module may use although it must not use the rest of their module.
const EXCEPTIONS: &[(&str, &str, &str)] = &[(
    "http",
    "dev_stack::mail_catcher::",
    "shows the mails in the embedded mail catcher's folder",
)];

/// Checks the table itself: every module has a row, every row has a module, and no row contains a
/// module of a later row.
pub(super) fn check_table(modules: &[String]) -> Vec<Complaint> {
    check_rows(LAYERS, modules)
}

fn check_rows(layers: &[Layer], modules: &[String]) -> Vec<Complaint> {
    let known = |name: &str| layers.iter().position(|layer| layer.module == name);
    let homeless = modules.iter().filter(|module| known(module).is_none());
    let mut complaints: Vec<_> = homeless
        .map(|module| {
            format!("src/{module}: say in LAYERS (tests/suite/tidy/layers.rs) what it may use")
        })
        .collect();
    for (n, layer) in layers.iter().enumerate() {
        if !modules.iter().any(|module| module == layer.module) {
            complaints.push(format!("LAYERS: there is no src/{}", layer.module));
        }
        let upward = layer
            .may_use
            .iter()
            .filter(|used| known(used).is_none_or(|used| used >= n));
        complaints.extend(upward.map(|used| {
            format!(
                "LAYERS: {} may not use {used}, which is not above it",
                layer.module
            )
        }));
    }
    complaints
}

/// Checks that a file uses only the modules that its own module may use.
pub(super) fn check(file: &SourceFile) -> Vec<Complaint> {
    let Some(path) = module_path(&file.path) else {
        return Vec::new();
    };
    let Some(layer) = LAYERS.iter().find(|layer| layer.module == path[0]) else {
        return Vec::new();
    };
    let used = used_modules(&file.code, path.len());
    let foreign = used.into_iter().filter(|(_, used)| {
        let module = used.split("::").next().unwrap_or_default();
        let excepted =
            |(by, item, _): &(&str, &str, &str)| *by == layer.module && used.starts_with(item);
        module != layer.module
            && LAYERS.iter().any(|l| l.module == module)
            && !layer.may_use.contains(&module)
            && !EXCEPTIONS.iter().any(excepted)
    });
    let tell = |(at, used)| {
        format!(
            "{}:{} uses {used}; {}: {}",
            file.path,
            file.line(at),
            layer.module,
            layer.why
        )
    };
    foreign.map(tell).collect()
}

/// Returns the module path of a file, such as `[http, api]` for `src/http/api/mod.rs`. Returns
/// `None` for the crate root.
fn module_path(path: &str) -> Option<Vec<&str>> {
    let inner = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let mut parts: Vec<&str> = inner.split('/').collect();
    parts.pop_if(|last| *last == "mod");
    (parts != ["lib"] && !parts.is_empty()).then_some(parts)
}

/// Returns the paths that start with `crate::` or `laureate::`, or with enough `super::` to reach
/// the crate root. The start is left out.
fn used_modules(code: &str, depth: usize) -> Vec<(usize, String)> {
    let roots = [
        "crate::".to_owned(),
        "laureate::".to_owned(),
        "super::".repeat(depth),
    ];
    let mut found = Vec::new();
    for root in &roots {
        for (at, _) in code.match_indices(root.as_str()) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let paths = paths(&code[at + root.len()..]);
            found.extend(
                paths
                    .into_iter()
                    .filter(|path| !path.starts_with("super"))
                    .map(|path| (at, path)),
            );
        }
    }
    found
}

/// Expands a use tree. `a::b` gives `[a::b]`, and `{a::{b, c}, d}` gives `[a::, d]`.
fn paths(rest: &str) -> Vec<String> {
    let path = |text: &str| {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || "_:".contains(*c))
            .collect()
    };
    let Some(group) = rest.strip_prefix('{') else {
        return vec![path(rest)];
    };
    let mut depth = 0;
    let mut start = 0;
    let mut found = Vec::new();
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                found.push(path(&group[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found
}

#[test]
fn use_of_an_outer_module_is_found() {
    let check = |path: &str, text: &str| check(&SourceFile::new(path, text));
    complains_of(
        &check(
            "src/projection/runner/apply.rs",
            "use crate::workers::Worker;",
        ),
        &["apply.rs:1 uses workers"],
    );
    complains_of(
        &check(
            "src/projection/a.rs",
            "use crate::{domain::A, mail::{B, C}};",
        ),
        &["uses mail"],
    );
    complains_of(
        &check("src/domain/a.rs", "\nfn f() { crate::commands::x() }"),
        &["a.rs:2 uses commands"],
    );
    complains_of(
        &check("src/domain/a.rs", "use super::super::http::X;"),
        &["uses http"],
    );
    complains_of(
        &check("src/certificate_pdf/mod.rs", "use super::storage::X;"),
        &["uses storage"],
    );
    complains_of(
        &check("src/workers/a/b.rs", "use super::super::super::http::X;"),
        &["uses http"],
    );
    complains_of(
        &check("src/main.rs", "use laureate::app::App;"),
        &["uses app"],
    );
    complains_of(
        &check("src/http/a.rs", "use crate::mail::{MailProvider, X};"),
        &["uses mail"],
    );
}

#[test]
fn allowed_uses_are_accepted() {
    let check = |path: &str, text: &str| check(&SourceFile::new(path, text));
    let fine = "// crate::http\nuse crate::domain::{A, http};\nuse super::mail::B;\nlet s = \"crate::http::x\";";
    complains_of(&check("src/workers/mailer.rs", fine), &[]);
    complains_of(
        &check(
            "src/http/a.rs",
            "use crate::dev_stack::mail_catcher::caught_mail;",
        ),
        &[],
    );
    complains_of(
        &check(
            "src/http/api/certification/jobs/read.rs",
            "use super::super::super::answer::X;",
        ),
        &[],
    );
}

#[test]
fn table_with_wrong_direction_or_missing_row_is_found() {
    let rows = [
        layer("a", &["b"], ""),
        layer("b", &["b", "c"], ""),
        layer("d", &[], ""),
    ];
    let modules = ["a", "b", "e"].map(str::to_owned);
    complains_of(
        &check_rows(&rows, &modules),
        &[
            "src/e: say",
            "a may not use b",
            "b may not use b",
            "b may not use c",
            "no src/d",
        ],
    );
}
