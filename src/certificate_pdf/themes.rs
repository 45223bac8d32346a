//! Bundled certificate themes. A version that has issued certificates never changes, and neither
//! does a library that it imports.

/// One version of a certificate theme, compiled into the program.
pub(super) struct Theme {
    pub(super) name: &'static str,
    pub(super) version: u32,
    pub(super) source: &'static str,
    pub(super) manifest: &'static str,
}

macro_rules! theme {
    ($name:literal, $version:literal) => {
        Theme {
            name: $name,
            version: $version,
            source: include_str!(concat!(
                "../../templates/certificate/",
                $name,
                "/",
                $version,
                "/template.typ"
            )),
            manifest: include_str!(concat!(
                "../../templates/certificate/",
                $name,
                "/",
                $version,
                "/manifest.json"
            )),
        }
    };
}

/// All versions of all themes. The newest version of a theme is last.
pub(super) static THEMES: [Theme; 6] = [
    theme!("classic", 1),
    theme!("classic", 2),
    theme!("corporate", 1),
    theme!("bold", 1),
    theme!("academic", 1),
    theme!("minimal", 1),
];

/// Path of the library that the renderer imports for every template. A change of this library
/// requires a new version of the renderer.
pub(super) const LETTERS: &str = "/lib/letters.typ";

/// Sources that templates can import, by path. Themes import a fixed version of each library.
pub(super) static LIBRARIES: [(&str, &str); 2] = [
    (
        "/lib/1/page.typ",
        include_str!("../../templates/certificate/lib/1/page.typ"),
    ),
    (
        LETTERS,
        include_str!("../../templates/certificate/lib/letters.typ"),
    ),
];

/// Pictures for sample pages, by the name that manifests use.
pub(super) static SAMPLES: [(&str, &[u8]); 3] = [
    ("logo.png", include_bytes!("../../samples/logo.png")),
    (
        "signature-1.png",
        include_bytes!("../../samples/signature-1.png"),
    ),
    (
        "signature-2.png",
        include_bytes!("../../samples/signature-2.png"),
    ),
];
