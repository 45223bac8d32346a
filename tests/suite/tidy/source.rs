//! Rust source files with comments, literals and test code separated.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

use super::Complaint;

/// Rust source file.
pub(super) struct SourceFile {
    /// Path relative to the repository root, with `/` as separator.
    pub(super) path: String,
    /// Unchanged text.
    pub(super) text: String,
    /// Text with comments replaced by spaces; same length as `text`.
    pub(super) uncommented: String,
    /// Text with comments and literals replaced by spaces; same length as `text`.
    pub(super) code: String,
    /// True if the whole file is compiled only for tests.
    test_only: bool,
}

impl SourceFile {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let (uncommented, code) = blank(text);
        let test_only = path.starts_with("tests/");
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            uncommented,
            code,
            test_only,
        }
    }

    /// Returns true if the whole file is compiled only for tests.
    pub(super) fn is_test(&self) -> bool {
        self.test_only
    }

    /// Returns the byte ranges of items under `#[cfg(test)]`.
    pub(super) fn test_items(&self) -> Vec<Range<usize>> {
        if self.test_only {
            return Vec::from([Range {
                start: 0,
                end: self.code.len(),
            }]);
        }
        let starts = self
            .code
            .match_indices("#[cfg(test)]")
            .map(|(start, _)| start);
        starts
            .map(|start| start..item_end(&self.code, start))
            .collect()
    }

    /// Returns true if the byte at offset `at` is compiled only for tests.
    pub(super) fn in_test(&self, at: usize) -> bool {
        self.test_items().iter().any(|range| range.contains(&at))
    }

    /// Returns the line number of the byte at offset `at`, starting at 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.text.as_bytes()[..at]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1
    }

    /// Returns the files of the `mod name;` declarations in this file, without `.rs` or `/mod.rs`.
    /// The flag is true if a module is compiled only for tests.
    pub(super) fn modules(&self) -> Vec<(String, bool)> {
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let own = self.path.trim_end_matches(".rs");
        let is_root = ["mod", "lib", "main"]
            .iter()
            .any(|name| own.ends_with(&format!("/{name}")));
        let below = if is_root { folder } else { own };
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices("mod ") {
            let Some((name, _)) = self.code[at + 4..]
                .split_once(';')
                .filter(|(name, _)| !name.contains('{'))
            else {
                continue;
            };
            let before = self.uncommented[..at]
                .trim_end()
                .trim_end_matches("pub")
                .trim_end();
            let given = before
                .strip_suffix("\"]")
                .and_then(|line| line.rsplit_once("#[path = \""));
            let module = match given {
                Some((_, path)) => format!("{folder}/{}", path.trim_end_matches(".rs")),
                None => format!("{below}/{}", name.trim()),
            };
            found.push((module, self.in_test(at)));
        }
        found
    }
}

/// Returns the end of the item that starts at `start`: its closing brace or semicolon.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
        if byte == b'}' && depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// Returns the text without comments, and the text without comments and literals. Removed bytes
/// become spaces, so that offsets stay valid.
fn blank(text: &str) -> (String, String) {
    let spaces = text
        .bytes()
        .map(|byte| if byte == b'\n' { byte } else { b' ' });
    let mut uncommented: Vec<u8> = spaces.collect();
    let mut code = uncommented.clone();
    for (range, is_literal) in tokens(text, text.parse().expect("Rust")) {
        let token = text[range.clone()].as_bytes();
        uncommented[range.clone()].copy_from_slice(token);
        if !is_literal {
            code[range].copy_from_slice(token);
        }
    }
    let text = |bytes| String::from_utf8(bytes).expect("whole tokens and spaces");
    (text(uncommented), text(code))
}

/// Returns the byte range of each token and delimiter; the flag is true for literals. A doc comment
/// is parsed as an attribute, which is left out.
fn tokens(text: &str, stream: TokenStream) -> Vec<(Range<usize>, bool)> {
    let mut found = Vec::new();
    for token in stream {
        let start = &text[token.span().byte_range()];
        if start.starts_with("//") || start.starts_with("/*") {
            continue;
        }
        match token {
            TokenTree::Group(group) => {
                found.push((group.span_open().byte_range(), false));
                found.extend(tokens(text, group.stream()));
                found.push((group.span_close().byte_range(), false));
            }
            TokenTree::Literal(literal) => found.push((literal.span().byte_range(), true)),
            token => found.push((token.span().byte_range(), false)),
        }
    }
    found
}

/// Returns the root folder of the repository.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Returns the text of a file in the repository.
pub(super) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns every path in the repository. Paths of folders end with `/`.
pub(super) fn paths() -> Vec<String> {
    let mut found = Vec::new();
    walk(&root(), "", &mut found);
    found
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    const OURS: &[&str] = &[
        ".cargo",
        ".ci",
        ".config",
        ".github",
        ".editorconfig",
        ".gitignore",
    ];
    let mut entries: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
        .collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if (name.starts_with('.') && !OURS.contains(&name.as_str()))
            || (prefix.is_empty() && name == "target")
        {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type().expect("a type").is_dir() {
            found.push(format!("{path}/"));
            walk(&entry.path(), &format!("{path}/"), found);
        } else {
            found.push(path);
        }
    }
}

/// Returns every text file in the repository, except generated ones.
pub(super) fn text_files() -> Vec<(String, String)> {
    let written = |path: &str| path.ends_with(".lock") || path.starts_with("fonts/OFL");
    let files = paths()
        .into_iter()
        .filter(|path| !path.ends_with('/') && !written(path));
    files
        .filter_map(|path| Some((path.clone(), fs::read_to_string(root().join(path)).ok()?)))
        .collect()
}

/// Returns the Rust files below `folders`.
pub(super) fn rust_files(folders: &[&str]) -> Vec<SourceFile> {
    let ours = |path: &String| {
        path.ends_with(".rs")
            && folders
                .iter()
                .any(|folder| path.starts_with(&format!("{folder}/")))
    };
    let mut files: Vec<_> = paths()
        .into_iter()
        .filter(ours)
        .map(|path| SourceFile::new(&path, &read(&path)))
        .collect();
    let modules = files.iter().flat_map(SourceFile::modules);
    let tests: Vec<String> = modules
        .filter(|(_, is_test)| *is_test)
        .map(|(module, _)| module)
        .collect();
    for file in &mut files {
        let module = file.path.trim_end_matches(".rs").trim_end_matches("/mod");
        file.test_only |= tests
            .iter()
            .any(|test| module == test || module.starts_with(&format!("{test}/")));
    }
    files
}

/// Returns a complaint for each file that no other file declares as a module, because it would
/// never be compiled.
pub(super) fn homeless(files: &[SourceFile]) -> Vec<Complaint> {
    let named: Vec<String> = files
        .iter()
        .flat_map(SourceFile::modules)
        .map(|(module, _)| module)
        .collect();
    let is_root = |path: &str| matches!(path, "src/lib.rs" | "src/main.rs" | "tests/suite/main.rs");
    let lost = files.iter().filter(|file| {
        let module = file.path.trim_end_matches(".rs").trim_end_matches("/mod");
        !is_root(&file.path) && !named.iter().any(|named| named == module)
    });
    lost.map(|file| {
        format!(
            "{}: no file says \"mod …;\" for it, so it is never compiled",
            file.path
        )
    })
    .collect()
}

/// Returns the modules directly below `src/`.
pub(super) fn top_modules() -> Vec<String> {
    let names = paths().into_iter().filter_map(|path| {
        let rest = path.strip_prefix("src/")?;
        let name = rest
            .strip_suffix(".rs")
            .or_else(|| rest.strip_suffix('/'))?;
        (!name.contains('/')).then(|| name.to_owned())
    });
    let mut names: Vec<String> = names.filter(|name| name != "lib").collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn comments_and_literals_are_blanked_and_code_stays() {
    let text = "let a = \"x // y\"; // c\nlet b = 'q'; fn f<'a>(c: &'a str) {} /* a /* b */ c */ let d = r#\"e\"f\"#;";
    let file = SourceFile::new("src/a.rs", text);
    assert_eq!(file.code.len(), text.len());
    for kept in ["let a", "let b", "fn f<'a>(c: &'a str)", "let d"] {
        assert!(file.code.contains(kept), "{}", file.code);
    }
    for gone in ["x", "// c", "q", " b */", "\"e\""] {
        assert!(!file.code.contains(gone), "{gone}: {}", file.code);
    }
    assert!(file.uncommented.contains("x // y") && !file.uncommented.contains("// c"));
}

#[test]
fn test_code_is_recognized() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod other;\n";
    let file = SourceFile::new("src/x/y.rs", text);
    let at = |part| text.find(part).expect("it is there");
    assert!(file.in_test(at("fn b")) && !file.in_test(at("fn a")) && !file.in_test(at("fn c")));
    assert_eq!(file.modules(), [("src/x/y/other".to_owned(), true)]);
    let file = SourceFile::new(
        "src/x/mod.rs",
        "#[cfg(test)]\n#[path = \"z_tests.rs\"]\nmod tests;\npub mod a;\n",
    );
    assert_eq!(
        file.modules(),
        [
            ("src/x/z_tests".to_owned(), true),
            ("src/x/a".to_owned(), false)
        ]
    );
}

#[test]
fn files_that_are_never_compiled_are_found() {
    let files = ["src/lib.rs", "src/a.rs", "src/a/b.rs", "src/c/mod.rs"];
    let text = ["mod a;", "mod b;", "", ""];
    let files: Vec<_> = files
        .iter()
        .zip(text)
        .map(|(path, text)| SourceFile::new(path, text))
        .collect();
    super::complains_of(&homeless(&files), &["src/c/mod.rs"]);
}
