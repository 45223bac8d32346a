//! The certificate themes that this program ships. A version that has issued certificates never changes.

/// Where the renderer stamps the QR code; millimetres from the left upper corner of the page.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub(super) struct QrPlace {
    pub(super) x: f64,
    pub(super) y: f64,
    /// Side of the square of modules, quiet zone not counted.
    pub(super) size: f64,
}

/// One version of one certificate theme.
#[derive(Debug)]
pub struct Theme {
    name: &'static str,
    version: u32,
    pub(super) source: &'static str,
    pub(super) qr: QrPlace,
    /// Text nearer than this to the edge of the page has left its place; millimetres.
    pub(super) margin: f64,
}

impl Theme {
    /// The name, for example `classic`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The version, from 1.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }
}

/// Every theme in every version, newest version of a theme last.
pub(super) static THEMES: [Theme; 1] = [Theme {
    name: "classic",
    version: 1,
    source: include_str!("../../templates/certificate/classic/1/template.typ"),
    qr: QrPlace { x: 233.0, y: 148.0, size: 24.0 },
    margin: 18.0,
}];
