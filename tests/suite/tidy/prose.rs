//! Checks that the paths, links, make targets, subcommands, API addresses and tests in the
//! documentation exist.

use laureate::http::router;
use std::collections::HashSet;

use super::source;
use super::{Complaint, complains_of};

/// Everything to which documentation may refer.
pub(super) struct Repository {
    paths: HashSet<String>,
    /// Slugs of headings, in the form `file#slug`.
    headings: HashSet<String>,
    targets: HashSet<String>,
    subcommands: HashSet<String>,
    /// Paths of API routes. A parameter is `{}`.
    routes: HashSet<Vec<String>>,
    /// Tests, in the form `file::function`.
    tests: HashSet<String>,
}

const METHODS: &[&str] = &["GET /", "POST /", "PUT /", "PATCH /", "DELETE /"];

/// First components of the paths in this repository.
const TOP: &[&str] = &[
    ".cargo",
    ".ci",
    ".config",
    "benches",
    "docs",
    "fonts",
    "migrations",
    "nats",
    "openapi",
    "projections",
    "samples",
    "src",
    "templates",
    "tests",
    "tools",
];
/// File extensions by which a path in this repository is recognized.
const ENDINGS: &[&str] = &[
    ".rs", ".sql", ".toml", ".md", ".typ", ".sh", ".json", ".png", ".snap", ".j2", ".py",
];

impl Repository {
    pub(super) fn load() -> Self {
        let paths: HashSet<String> = source::paths().into_iter().collect();
        let mut headings = HashSet::new();
        let mut known = HashSet::new();
        for (path, text) in source::text_files() {
            if path.ends_with(".md") {
                headings.extend(
                    slugs(&text)
                        .into_iter()
                        .map(|slug| format!("{path}#{slug}")),
                );
            } else if path.ends_with(".rs") {
                known.extend(
                    test_names(&text)
                        .into_iter()
                        .map(|name| format!("{path}::{name}")),
                );
            }
        }
        let endpoints: Vec<_> = router::api()
            .into_iter()
            .chain(router::root())
            .chain(router::caught_mails())
            .collect();
        Self {
            headings,
            tests: known,
            targets: targets(&source::read("Makefile")),
            subcommands: subcommands(&source::read("src/cli/mod.rs")),
            routes: routes(endpoints.iter().map(|endpoint| endpoint.path.as_str())),
            paths,
        }
    }

    /// Returns true if `path` is a known path, or the last part of one.
    fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let end = format!("/{path}");
        self.paths.iter().any(|known| {
            let known = known.trim_end_matches('/');
            known == path || known.ends_with(&end)
        })
    }

    fn has_from_root(&self, path: &str) -> bool {
        self.paths.contains(path)
            || self
                .paths
                .contains(&format!("{}/", path.trim_end_matches('/')))
    }

    fn has_route(&self, path: &str) -> bool {
        let asked: Vec<&str> = path.trim_matches('/').split('/').collect();
        let fits = |(known, asked): (&String, &&str)| {
            known == asked || (known == "{}" && !asked.is_empty())
        };
        self.routes
            .iter()
            .any(|route| route.len() == asked.len() && route.iter().zip(&asked).all(fits))
    }
}

fn targets(makefile: &str) -> HashSet<String> {
    let target = |line: &str| {
        let (name, _) = line.split_once(':')?;
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        plain.then(|| name.to_owned())
    };
    makefile.lines().filter_map(target).collect()
}

/// Returns the variants of `enum Command`, in the spelling of the command line.
fn subcommands(text: &str) -> HashSet<String> {
    let body = text
        .split_once("enum Command {")
        .and_then(|(_, rest)| rest.split_once("\n}"))
        .map_or("", |(body, _)| body);
    let variant = |line: &str| {
        let name: String = line
            .trim()
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        name.starts_with(|c: char| c.is_ascii_uppercase())
            .then(|| kebab(&name))
    };
    body.lines().filter_map(variant).collect()
}

fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(c.to_ascii_lowercase());
    }
    kebab
}

/// Returns the paths of the routes, without the prefix of the API.
fn routes<'p>(paths: impl IntoIterator<Item = &'p str>) -> HashSet<Vec<String>> {
    let parameter = |part: &str| {
        if part.starts_with('{') {
            "{}".to_owned()
        } else {
            part.to_owned()
        }
    };
    paths
        .into_iter()
        .map(|path| path.trim_matches('/').split('/').map(parameter).collect())
        .collect()
}

/// Returns the functions after the first test attribute in a file. Functions without an attribute
/// are included, because macros can generate tests.
fn test_names(text: &str) -> Vec<&str> {
    let first = [text.find("#[test]"), text.find("tokio::test")]
        .into_iter()
        .flatten()
        .min();
    let after = first.map_or("", |at| &text[at..]);
    after
        .split("fn ")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('(')?.0))
        .collect()
}

/// Returns the slugs that GitHub generates for the headings.
fn slugs(text: &str) -> Vec<String> {
    let headings = outside_fences(text)
        .filter_map(|(_, line)| Some(line.strip_prefix('#')?.trim_start_matches('#').trim()));
    let slug = |heading: &str| {
        let kept = heading.to_lowercase();
        let kept = kept
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(slug).collect()
}

fn outside_fences(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    })
}

/// Returns the code in backticks and in fenced blocks, with its line number from 1. The flag is
/// true for code in backticks.
fn code(text: &str) -> Vec<(usize, &str, bool)> {
    let outside: HashSet<usize> = outside_fences(text).map(|(n, _)| n).collect();
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate() {
        if outside.contains(&n) {
            found.extend(
                line.split('`')
                    .skip(1)
                    .step_by(2)
                    .map(|span| (n + 1, span, true)),
            );
        } else if !line.trim_start().starts_with("```") {
            found.push((n + 1, line, false));
        }
    }
    found
}

/// Returns a complaint for each item to which a page refers but which does not exist.
pub(super) fn check(repository: &Repository, page: &str, text: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut tell = |line, what: &str| complaints.push(format!("{page}:{line}: {what}"));
    for (line, code, span) in code(text) {
        // The results of a build exist only after a build.
        let is_made = code.starts_with("target/");
        if span && is_path(code) && !is_made && !exists(repository, page, code) {
            tell(line, &format!("there is no {code}"));
        }
        for target in after(code, "make ").filter(|target| !repository.targets.contains(*target)) {
            tell(line, &format!("the Makefile has no target {target}"));
        }
        for name in after(code, "laureate ").filter(|name| !repository.subcommands.contains(*name))
        {
            tell(line, &format!("there is no laureate {name}"));
        }
        for path in api_paths(code).filter(|path| !repository.has_route(path)) {
            tell(line, &format!("the API has no {path}"));
        }
        if span && code.contains(".rs::") && !repository.tests.contains(code) {
            tell(line, &format!("there is no test {code}"));
        }
    }
    for (n, line) in outside_fences(text) {
        for link in links(line).filter(|link| !leads_somewhere(repository, page, link)) {
            tell(n + 1, &format!("the link to {link} has no target"));
        }
    }
    complaints
}

/// Returns a complaint for each make target in backticks that is not in the Makefile. `text` can be
/// prose, code or data.
pub(super) fn check_targets(repository: &Repository, path: &str, text: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (n, line) in text.lines().enumerate() {
        for rest in line.split("`make ").skip(1) {
            let target = &rest[..rest
                .find(|c: char| !c.is_ascii_lowercase() && c != '-')
                .unwrap_or(rest.len())];
            if !target.starts_with('-') && !repository.targets.contains(target) {
                complaints.push(format!(
                    "{path}:{}: the Makefile has no target {target}",
                    n + 1
                ));
            }
        }
    }
    complaints
}

/// Returns a complaint for each module below `src/` and each top-level folder that is not in the
/// map.
pub(super) fn check_map(page: &str, modules: &[String], paths: &[String]) -> Vec<Complaint> {
    // These folders contain the documentation itself, and failures that proptest has saved.
    let untold = ["docs/", "proptest-regressions/"];
    let is_folder = |path: &&String| {
        path.find('/') == Some(path.len() - 1)
            && !path.starts_with('.')
            && !untold.contains(&path.as_str())
    };
    let folders = paths
        .iter()
        .filter(is_folder)
        .map(|folder| (folder.clone(), folder.clone()));
    let modules = modules
        .iter()
        .map(|module| (format!("src/{module}/"), format!("src/{module}.rs")));
    let message = |path: &String| {
        page.contains(&format!("| `{path}` |")) || (path == "src/" || path == "tests/")
    };
    let missing = folders
        .chain(modules)
        .filter(|(folder, file)| !message(folder) && !message(file));
    missing
        .map(|(folder, _)| format!("ARCHITECTURE.md: the map has no row for {folder}"))
        .collect()
}

fn is_path(code: &str) -> bool {
    let plain = code
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let top = code
        .split_once('/')
        .is_some_and(|(first, _)| TOP.contains(&first));
    let file = ENDINGS
        .iter()
        .any(|ending| code.len() > ending.len() && code.ends_with(ending));
    plain && !code.starts_with('/') && !code.contains("..") && (top || file)
}

fn exists(repository: &Repository, page: &str, path: &str) -> bool {
    let top = path
        .split_once('/')
        .is_some_and(|(first, _)| TOP.contains(&first));
    // A page in a folder may refer to files in the same folder.
    let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
    if top {
        repository.has_from_root(path) || repository.has_from_root(&format!("{folder}/{path}"))
    } else {
        repository.has(path)
    }
}

/// Returns the words that follow a command, at each place where its name is in the position of a
/// command.
fn after<'c>(code: &'c str, command: &'c str) -> impl Iterator<Item = &'c str> {
    let starts = code.match_indices(command).filter(|(at, _)| {
        let before = code[..*at].trim_end_matches([' ', '$']);
        let path = code[..*at].ends_with('/');
        before.is_empty()
            || before.ends_with(['&', '|', ';', '('])
            || (path && !before.contains(' '))
    });
    starts.filter_map(move |(at, _)| {
        let rest = &code[at + command.len()..];
        let word = &rest[..rest
            .find([' ', ';', '&', '|', ')', ':', '"'])
            .unwrap_or(rest.len())];
        word.starts_with(|c: char| c.is_ascii_lowercase())
            .then_some(word)
    })
}

/// Returns the API addresses in a text, without their queries. An address follows `$api`, the
/// prefix, or a method.
fn api_paths(code: &str) -> impl Iterator<Item = &str> {
    let after_prefix = ["$api/", "/api/v1/"].into_iter().flat_map(move |prefix| {
        code.match_indices(prefix)
            .map(move |(at, _)| &code[at + prefix.len()..])
    });
    let after_method = METHODS
        .iter()
        .filter_map(|method| code.strip_prefix(method));
    let paths = after_prefix.chain(after_method.filter(|path| !path.starts_with("api/")));
    paths.map(|path| {
        &path[..path
            .find(|c: char| " \"'?\\,;)".contains(c))
            .unwrap_or(path.len())]
    })
}

/// Returns the targets of Markdown links, without external ones.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line
        .split("](")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
}

fn leads_somewhere(repository: &Repository, page: &str, link: &str) -> bool {
    let (path, heading) = link
        .split_once('#')
        .map_or((link, None), |(path, heading)| (path, Some(heading)));
    let path = if path.is_empty() {
        page.to_owned()
    } else {
        resolved(page, path)
    };
    repository.has_from_root(&path)
        && heading.is_none_or(|heading| repository.headings.contains(&format!("{path}#{heading}")))
}

/// Returns the path of a link, relative to the root of the repository. `..` is the parent folder.
fn resolved(page: &str, link: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> Repository {
        Repository {
            paths: [
                "src/",
                "src/a.rs",
                "src/b/",
                "src/b/c.rs",
                "docs/",
                "docs/x.md",
                "README.md",
            ]
            .map(str::to_owned)
            .into(),
            headings: ["README.md#two-words".to_owned()].into(),
            targets: targets("demo: build ## Show\nbuild:\n\t@x\nA ?= b:\n"),
            subcommands: subcommands(
                "enum Command {\n    /// Run\n    Up(up::A),\n    WithServers(B),\n}\n",
            ),
            routes: routes(["/jobs/{id}", "/auth/login"]),
            tests: ["src/a.rs::it_works".to_owned()].into(),
        }
    }

    fn message(text: &str) -> Vec<Complaint> {
        check(&repository(), "README.md", text)
    }

    #[test]
    fn missing_paths_are_found() {
        complains_of(
            &message("see `src/a.rs`, `src/b`, `b/c.rs`, `c.rs`, `on_<x>.sql`, `/etc/x.md`, `a/b`"),
            &[],
        );
        complains_of(
            &message("x\n`src/gone.rs` `gone.rs` `docs/gone/`"),
            &[
                "README.md:2: there is no src/gone.rs",
                "gone.rs",
                "docs/gone/",
            ],
        );
    }

    #[test]
    fn incomplete_map_is_found() {
        let paths = [
            "src/",
            "src/a.rs",
            "tests/",
            "nats/",
            "fonts/",
            "fonts/x/",
            "README.md",
        ]
        .map(str::to_owned);
        let modules = ["a", "b"].map(str::to_owned);
        let message = check_map("| `src/a.rs` | x |\n| `nats/` | x |\n", &modules, &paths);
        complains_of(&message, &["fonts/", "src/b/"]);
    }

    #[test]
    fn broken_links_are_found() {
        complains_of(
            &message("[a](docs/x.md) ![b](https://c.org/d) [e](#two-words)"),
            &[],
        );
        complains_of(
            &message("[a](docs/y.md) [b](#no-such)"),
            &["docs/y.md", "#no-such"],
        );
        let below = "[a](../README.md#two-words) [b](x.md) [c](../docs/x.md) [d](README.md)";
        complains_of(
            &check(&repository(), "docs/x.md", below),
            &["to README.md has no target"],
        );
    }

    #[test]
    fn unknown_commands_are_found() {
        complains_of(
            &message(
                "`make demo`, make nothing of it\n```sh\nmake build ARGS=1 && laureate up\n```",
            ),
            &[],
        );
        complains_of(&message("`make coffee`"), &["no target coffee"]);
        complains_of(
            &check_targets(
                &repository(),
                "a.rs",
                "// run `make demo`\n\"`make tea` first\"",
            ),
            &["a.rs:2: the Makefile has no target tea"],
        );
        complains_of(
            &message("```sh\n$ make tea; make demo\ntarget/debug/laureate fly\n```"),
            &["tea", "laureate fly"],
        );
        complains_of(
            &message("`laureate with-servers -- x` and `laureate down`"),
            &["laureate down"],
        );
    }

    #[test]
    fn unknown_api_addresses_are_found() {
        complains_of(
            &message("```sh\ncurl \"$api/jobs/$job\" http://x/api/v1/auth/login?x=/no\n```"),
            &[],
        );
        complains_of(
            &message("`GET /api/v1/jobs` and `$api/auth/logout`"),
            &["no jobs", "auth/logout"],
        );
        complains_of(
            &message("`GET /jobs/{id}?full=yes`, `POST /auth/login`, `PUT /auth`"),
            &["no auth"],
        );
    }

    #[test]
    fn missing_tests_are_found() {
        assert_eq!(
            test_names("fn a() {}\n#[test]\nfn b() {}\nfn c("),
            ["b", "c"]
        );
        complains_of(
            &message("`src/a.rs::it_works` and `src/a.rs::it_flies`"),
            &["no test src/a.rs::it_flies"],
        );
    }
}
