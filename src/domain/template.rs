//! Template: a certificate's look that an issuer wrote, in versions that never change.

use serde::{Deserialize, Serialize};

use super::events::domain_events;
use super::person::text;
use super::{Decider, Refusal, TemplateId};

/// Versions that one template may have.
pub const MAX_VERSIONS: usize = 100;
/// What the theme of a certificate begins with where it is a template of one's own; its id follows.
pub const OWN: &str = "own:";

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// An issuer wrote a template. Its first version was drawn with its sample, and is the active one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateCreated {
    /// What it is called, 1–200 characters.
    pub name: String,
    /// Version 1.
    #[serde(flatten)]
    pub files: TemplateFiles,
}

/// Another version was written and drawn with its sample. Nothing uses it until it is activated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateVersionAdded {
    /// Its number, one more than the last.
    pub version: u32,
    /// What it is made of.
    #[serde(flatten)]
    pub files: TemplateFiles,
}

/// New issuances are drawn by this version from now on; what was issued stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateActivated {
    /// The version.
    pub version: u32,
}

/// It can't be chosen any more. Its files stay: what was issued may have to be made again from them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateRetired {}

domain_events! {
    /// What can happen to a template.
    TemplateEvent for "template" { TemplateCreated, TemplateVersionAdded, TemplateActivated, TemplateRetired }
}

/// The files of one version, pinned by their content.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateFiles {
    /// Where the Typst source is stored.
    pub source_key: String,
    /// SHA-256 of the source, 64 hex digits.
    pub source_sha256: String,
    /// The source's size in bytes.
    pub source_size: u64,
    /// Where the manifest is stored.
    pub manifest_key: String,
    /// SHA-256 of the manifest, 64 hex digits.
    pub manifest_sha256: String,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// What can be asked of a template.
#[derive(Clone, Debug)]
pub enum TemplateCommand {
    /// Record a new one; its files are stored and were drawn.
    Create {
        /// What it is called.
        name: String,
        /// Version 1.
        files: TemplateFiles,
    },
    /// Record one more version; its files are stored and were drawn.
    AddVersion(TemplateFiles),
    /// Draw new issuances by this version.
    Activate(u32),
    /// Let nobody choose it any more.
    Retire,
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// A template as it is now; versions count from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnTemplate {
    /// What it is called.
    pub name: String,
    /// Every version, the first one first.
    pub versions: Vec<TemplateFiles>,
    /// The version that draws new issuances.
    pub active: u32,
    /// Whether it can't be chosen any more.
    pub is_retired: bool,
}

impl OwnTemplate {
    /// The files of a version, if there is such a version.
    #[must_use]
    pub fn version(&self, version: u32) -> Option<&TemplateFiles> {
        self.versions.get(usize::try_from(version.checked_sub(1)?).ok()?)
    }

    /// The number of the newest version.
    #[must_use]
    pub fn newest(&self) -> u32 {
        u32::try_from(self.versions.len()).unwrap_or(u32::MAX)
    }
}

/// The template, or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TemplateState(pub Option<OwnTemplate>);

/// The decider of templates.
pub struct Template;

impl Template {
    /// The id in a theme's name such as `own:6f2d41c8-…`, if it is one.
    #[must_use]
    pub fn id_of_theme(theme: &str) -> Option<TemplateId> {
        theme.strip_prefix(OWN)?.parse().ok()
    }

    /// The theme's name of a template.
    #[must_use]
    pub fn theme_of(id: TemplateId) -> String {
        format!("{OWN}{id}")
    }
}

impl Decider for Template {
    const AGGREGATE: &'static str = "template";
    type State = TemplateState;
    type Command = TemplateCommand;
    type Event = TemplateEvent;

    fn decide(state: &TemplateState, command: &TemplateCommand) -> Result<Vec<TemplateEvent>, Refusal> {
        match (command, &state.0) {
            (TemplateCommand::Create { name, files }, None) => {
                check_name(name)?;
                Ok(vec![TemplateCreated { name: name.clone(), files: files.clone() }.into()])
            }
            (TemplateCommand::Create { .. }, Some(_)) => Err(Refusal::AlreadyExists("template")),
            (_, None) => Err(Refusal::NotFound("template")),
            (TemplateCommand::Retire, Some(now)) if now.is_retired => Ok(Vec::new()),
            (TemplateCommand::Retire, Some(_)) => Ok(vec![TemplateRetired {}.into()]),
            (_, Some(now)) if now.is_retired => Err(Refusal::NotFound("template")),
            (TemplateCommand::AddVersion(_), Some(now)) if now.versions.len() >= MAX_VERSIONS => {
                let message =
                    format!("it has {MAX_VERSIONS} versions, the most there may be; create a new template");
                Err(Refusal::WrongState(message))
            }
            (TemplateCommand::AddVersion(files), Some(now)) => {
                let version = now.newest().saturating_add(1);
                Ok(vec![TemplateVersionAdded { version, files: files.clone() }.into()])
            }
            (TemplateCommand::Activate(version), Some(now)) if now.version(*version).is_none() => {
                Err(Refusal::field("version", format!("give 1 to {}", now.newest())))
            }
            (TemplateCommand::Activate(version), Some(now)) if now.active == *version => Ok(Vec::new()),
            (TemplateCommand::Activate(version), Some(_)) => {
                Ok(vec![TemplateActivated { version: *version }.into()])
            }
        }
    }

    fn evolve(mut state: TemplateState, event: &TemplateEvent) -> TemplateState {
        match (event, &mut state.0) {
            (TemplateEvent::TemplateCreated(event), now) => {
                let (name, versions) = (event.name.clone(), vec![event.files.clone()]);
                *now = Some(OwnTemplate { name, versions, active: 1, is_retired: false });
            }
            (TemplateEvent::TemplateVersionAdded(event), Some(now)) => now.versions.push(event.files.clone()),
            (TemplateEvent::TemplateActivated(event), Some(now)) => now.active = event.version,
            (TemplateEvent::TemplateRetired(_), Some(now)) => now.is_retired = true,
            (
                TemplateEvent::TemplateVersionAdded(_)
                | TemplateEvent::TemplateActivated(_)
                | TemplateEvent::TemplateRetired(_),
                None,
            ) => {}
        }
        state
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    text::check_line("name", name, 200).map_err(|wrong| Refusal::Invalid(vec![wrong]))
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    pub(crate) fn files(name: &str) -> TemplateFiles {
        TemplateFiles {
            source_key: format!("templates/{name}/a.typ"),
            source_sha256: "ab".repeat(32),
            source_size: 900,
            manifest_key: format!("templates/{name}/b.json"),
            manifest_sha256: "cd".repeat(32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::files;
    use super::*;
    use crate::domain::decider::spec::given;

    fn created() -> TemplateEvent {
        TemplateCreated { name: "Diploma".to_owned(), files: files("a") }.into()
    }

    fn added(version: u32) -> TemplateEvent {
        TemplateVersionAdded { version, files: files("b") }.into()
    }

    #[test]
    fn a_template_is_created_once_and_its_first_version_is_active() {
        let create = || TemplateCommand::Create { name: "Diploma".to_owned(), files: files("a") };
        given::<Template>(vec![]).when(create()).then(vec![created()]);
        given::<Template>(vec![created()]).when(create()).then_refused("ALREADY_EXISTS");
        let unnamed = TemplateCommand::Create { name: " ".to_owned(), files: files("a") };
        given::<Template>(vec![]).when(unnamed).then_refused("VALIDATION_ERROR");
        given::<Template>(vec![created()]).when(TemplateCommand::Activate(1)).then_nothing();
    }

    #[test]
    fn versions_are_numbered_and_activated() {
        given::<Template>(vec![created()]).when(TemplateCommand::AddVersion(files("b"))).then(vec![added(2)]);
        given::<Template>(vec![created()])
            .when(TemplateCommand::Activate(2))
            .then_refused("VALIDATION_ERROR");
        given::<Template>(vec![created()])
            .when(TemplateCommand::Activate(0))
            .then_refused("VALIDATION_ERROR");
        given::<Template>(vec![created(), added(2)])
            .when(TemplateCommand::Activate(2))
            .then(vec![TemplateActivated { version: 2 }.into()]);
    }

    #[test]
    fn there_are_so_many_versions_and_no_more() {
        let history: Vec<_> = std::iter::once(created()).chain((2..=100).map(added)).collect();
        given::<Template>(history).when(TemplateCommand::AddVersion(files("b"))).then_refused("WRONG_STATE");
    }

    #[test]
    fn what_was_retired_takes_nothing_more() {
        let retired: TemplateEvent = TemplateRetired {}.into();
        given::<Template>(vec![created()]).when(TemplateCommand::Retire).then(vec![retired.clone()]);
        let history = || vec![created(), retired.clone()];
        given::<Template>(history()).when(TemplateCommand::Retire).then_nothing();
        given::<Template>(history()).when(TemplateCommand::Activate(1)).then_refused("NOT_FOUND");
        given::<Template>(history()).when(TemplateCommand::AddVersion(files("b"))).then_refused("NOT_FOUND");
        given::<Template>(vec![]).when(TemplateCommand::Retire).then_refused("NOT_FOUND");
    }

    #[test]
    fn its_id_stands_in_the_themes_name() {
        let id = TemplateId(uuid::Uuid::from_u128(7));
        assert_eq!(Template::id_of_theme(&Template::theme_of(id)), Some(id));
        assert_eq!(Template::id_of_theme("classic"), None);
        assert_eq!(Template::id_of_theme("own:classic"), None);
    }
}
