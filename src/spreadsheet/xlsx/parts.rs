//! Parts that the sheets of a workbook share: the list of sheets, the shared strings and the number
//! formats.

use std::collections::HashMap;

use quick_xml::events::Event;

use super::package::Package;
use super::xml::attribute;
use crate::spreadsheet::SheetError;
use crate::spreadsheet::number_format::NumberFormat;
use crate::spreadsheet::strings::Strings;
use crate::spreadsheet::workbook::Named;

/// Maximum number of formats and of cell styles that are kept. Excel writes at most 65,490 styles.
const MAX_STYLES: usize = 65_536;
/// Maximum number of sheets that are kept.
const MAX_SHEETS: usize = 10_000;

/// Content of the workbook part: sheets and date system.
#[derive(Default)]
pub(super) struct Contents {
    /// Name and relationship id of each sheet, in order.
    pub sheets: Vec<(Named, String)>,
    pub is_1904: bool,
}

impl Contents {
    pub(super) fn read(package: &mut Package, name: &str) -> Result<Self, SheetError> {
        let mut contents = Self::default();
        let mut xml = package.part(name)?;
        loop {
            match xml.next()?.0 {
                Event::Start(element) if element.local_name().as_ref() == "workbookPr" => {
                    let system = attribute(&element, "date1904")?;
                    contents.is_1904 = matches!(system.as_deref(), Some("1" | "true" | "on"));
                }
                Event::Start(element) if element.local_name().as_ref() == "sheet" => {
                    let state = attribute(&element, "state")?;
                    let id = attribute(&element, "id")?;
                    let name = attribute(&element, "name")?.unwrap_or_default();
                    let is_hidden = !matches!(state.as_deref(), None | Some("visible"));
                    if let (Some(id), true) = (id, contents.sheets.len() < MAX_SHEETS) {
                        contents.sheets.push((Named { name, is_hidden }, id));
                    }
                }
                Event::Eof => return Ok(contents),
                _ => {}
            }
        }
    }
}

/// Reads the shared strings. A string with more than `most` bytes is truncated after the run that
/// exceeds this limit.
pub(super) fn strings(
    package: &mut Package,
    name: &str,
    most: usize,
) -> Result<Strings, SheetError> {
    let mut strings = Strings::default();
    if !package.has(name) {
        return Ok(strings);
    }
    let mut xml = package.part(name)?;
    let mut one = String::new();
    loop {
        let is_item = match xml.next()?.0 {
            Event::Start(element) => element.local_name().as_ref() == "si",
            Event::Eof => return Ok(strings),
            _ => false,
        };
        if is_item {
            one.clear();
            xml.rich_text(&mut one, most)?;
            strings.push(&one)?;
        }
    }
}

/// Reads the number format of each cell style.
pub(super) fn formats(package: &mut Package, name: &str) -> Result<Vec<NumberFormat>, SheetError> {
    if !package.has(name) {
        return Ok(Vec::new());
    }
    let mut xml = package.part(name)?;
    let mut own: HashMap<u16, NumberFormat> = HashMap::new();
    let mut ids: Vec<u16> = Vec::new();
    let mut in_cell_styles = false;
    loop {
        match xml.next()?.0 {
            Event::Start(element) => match element.local_name().as_ref() {
                "numFmt" => {
                    let id = attribute(&element, "numFmtId")?.and_then(|id| id.parse().ok());
                    let code = attribute(&element, "formatCode")?;
                    if let (Some(id), Some(code), true) = (id, code, own.len() < MAX_STYLES) {
                        own.insert(id, NumberFormat::of_code(&code));
                    }
                }
                "cellXfs" => in_cell_styles = true,
                "xf" if in_cell_styles && ids.len() < MAX_STYLES => {
                    ids.push(
                        attribute(&element, "numFmtId")?
                            .and_then(|id| id.parse().ok())
                            .unwrap_or(0),
                    );
                }
                _ => {}
            },
            Event::End(element) if element.local_name().as_ref() == "cellXfs" => {
                in_cell_styles = false
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let format = |id: &u16| {
        own.get(id)
            .cloned()
            .unwrap_or_else(|| NumberFormat::built_in(*id))
    };
    Ok(ids.iter().map(format).collect())
}
