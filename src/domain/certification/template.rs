//! Template: a certificate template that an issuer wrote, in versions that never change.

use serde::{Deserialize, Serialize};

use super::person::text;
use crate::domain::kernel::domain_event::domain_events;
use crate::domain::{DataSubject, Decider, Refusal, TemplateId};

/// Maximum number of versions of a template.
pub const MAX_VERSIONS: usize = 100;
/// Prefix of the theme name of an issuer's template. The template's id follows it.
pub const OWN: &str = "own:";

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A template was created. Version 1 is active. Its sample page was rendered successfully.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateCreated {
    /// Name of the template, 1–200 characters.
    pub name: String,
    /// Files of version 1.
    #[serde(flatten)]
    pub files: TemplateFiles,
}

/// A version was added. Its sample page was rendered successfully. The version is not used before
/// it is activated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateVersionAdded {
    /// Number of the version: that of the previous version plus one.
    pub version: u32,
    /// Files of the version.
    #[serde(flatten)]
    pub files: TemplateFiles,
}

/// A version was activated for new issuances. Existing issuances don't change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateActivated {
    /// The activated version.
    pub version: u32,
}

/// The template was retired and can no longer be chosen. Its files are kept, because issued
/// certificates may have to be rendered again from them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateRetired {}

domain_events! {
    /// Events of a template.
    TemplateEvent for "template" { TemplateCreated, TemplateVersionAdded, TemplateActivated, TemplateRetired }
}

/// Files of one version, identified by their digests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateFiles {
    /// Object key of the typst source.
    pub source_key: String,
    /// SHA-256 of the source, 64 hex digits.
    pub source_sha256: String,
    /// Size of the source, in bytes.
    pub source_size: u64,
    /// Object key of the manifest.
    pub manifest_key: String,
    /// SHA-256 of the manifest, 64 hex digits.
    pub manifest_sha256: String,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// Commands to a template.
#[derive(Clone, Debug)]
pub enum TemplateCommand {
    /// Records a new template. Its files are already stored, and its sample page was rendered.
    Create {
        /// Name of the template.
        name: String,
        /// Files of version 1.
        files: TemplateFiles,
    },
    /// Records another version. Its files are already stored, and its sample page was rendered.
    AddVersion(TemplateFiles),
    /// Activates this version for new issuances.
    Activate(u32),
    /// Retires the template, so that it can no longer be chosen.
    Retire,
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// Current state of a template. Versions are numbered from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnTemplate {
    /// Name of the template.
    pub name: String,
    /// Files of all versions, in order.
    pub versions: Vec<TemplateFiles>,
    /// Version that new issuances use.
    pub active: u32,
    /// True if the template can no longer be chosen.
    pub is_retired: bool,
}

impl OwnTemplate {
    /// Returns the files of `version` if this version exists.
    #[must_use]
    pub fn version(&self, version: u32) -> Option<&TemplateFiles> {
        self.versions
            .get(usize::try_from(version.checked_sub(1)?).ok()?)
    }

    /// Returns the number of the newest version.
    #[must_use]
    pub fn newest(&self) -> u32 {
        u32::try_from(self.versions.len()).unwrap_or(u32::MAX)
    }
}

/// State of a template; `None` if it was never created.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TemplateState(pub Option<OwnTemplate>);

/// Decider of templates.
pub struct Template;

impl Template {
    /// Returns the id of a template from a theme name such as `own:6f2d41c8-…`.
    #[must_use]
    pub fn id_of_theme(theme: &str) -> Option<TemplateId> {
        theme.strip_prefix(OWN)?.parse().ok()
    }

    /// Returns the theme name of a template.
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

    fn decide(
        state: &TemplateState,
        command: &TemplateCommand,
    ) -> Result<Vec<TemplateEvent>, Refusal> {
        match (command, &state.0) {
            (TemplateCommand::Create { name, files }, None) => {
                check_name(name)?;
                Ok(vec![
                    TemplateCreated {
                        name: name.clone(),
                        files: files.clone(),
                    }
                    .into(),
                ])
            }
            (TemplateCommand::Create { .. }, Some(_)) => Err(Refusal::AlreadyExists("template")),
            (_, None) => Err(Refusal::NotFound("template")),
            (TemplateCommand::Retire, Some(now)) if now.is_retired => Ok(Vec::new()),
            (TemplateCommand::Retire, Some(_)) => Ok(vec![TemplateRetired {}.into()]),
            (_, Some(now)) if now.is_retired => Err(Refusal::NotFound("template")),
            (TemplateCommand::AddVersion(_), Some(now)) if now.versions.len() >= MAX_VERSIONS => {
                let message = format!(
                    "it already has {MAX_VERSIONS} versions, which is the maximum; create a new template"
                );
                Err(Refusal::WrongState(message))
            }
            (TemplateCommand::AddVersion(files), Some(now)) => {
                let version = now.newest().saturating_add(1);
                Ok(vec![
                    TemplateVersionAdded {
                        version,
                        files: files.clone(),
                    }
                    .into(),
                ])
            }
            (TemplateCommand::Activate(version), Some(now)) if now.version(*version).is_none() => {
                Err(Refusal::NotFound("version of this template"))
            }
            (TemplateCommand::Activate(version), Some(now)) if now.active == *version => {
                Ok(Vec::new())
            }
            (TemplateCommand::Activate(version), Some(_)) => {
                Ok(vec![TemplateActivated { version: *version }.into()])
            }
        }
    }

    fn data_subject(_: &str, _: &TemplateState, event: &TemplateEvent) -> Option<DataSubject> {
        match event {
            TemplateEvent::TemplateCreated(_)
            | TemplateEvent::TemplateVersionAdded(_)
            | TemplateEvent::TemplateActivated(_)
            | TemplateEvent::TemplateRetired(_) => None,
        }
    }

    fn evolve(mut state: TemplateState, event: &TemplateEvent) -> TemplateState {
        match (event, &mut state.0) {
            (TemplateEvent::TemplateCreated(event), now) => {
                let name = event.name.clone();
                let versions = vec![event.files.clone()];
                *now = Some(OwnTemplate {
                    name,
                    versions,
                    active: 1,
                    is_retired: false,
                });
            }
            (TemplateEvent::TemplateVersionAdded(event), Some(now)) => {
                now.versions.push(event.files.clone())
            }
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
    use crate::domain::kernel::decider::spec::given;

    fn created() -> TemplateEvent {
        TemplateCreated {
            name: "Diploma".to_owned(),
            files: files("a"),
        }
        .into()
    }

    fn added(version: u32) -> TemplateEvent {
        TemplateVersionAdded {
            version,
            files: files("b"),
        }
        .into()
    }

    #[test]
    fn a_template_is_created_once_and_its_first_version_is_active() {
        let create = || TemplateCommand::Create {
            name: "Diploma".to_owned(),
            files: files("a"),
        };
        given::<Template>(vec![])
            .when(create())
            .then(vec![created()]);
        given::<Template>(vec![created()])
            .when(create())
            .then_refused("ALREADY_EXISTS");
        let unnamed = TemplateCommand::Create {
            name: " ".to_owned(),
            files: files("a"),
        };
        given::<Template>(vec![])
            .when(unnamed)
            .then_refused("VALIDATION_ERROR");
        given::<Template>(vec![created()])
            .when(TemplateCommand::Activate(1))
            .then_nothing();
    }

    #[test]
    fn versions_are_numbered_and_activated() {
        given::<Template>(vec![created()])
            .when(TemplateCommand::AddVersion(files("b")))
            .then(vec![added(2)]);
        given::<Template>(vec![created()])
            .when(TemplateCommand::Activate(2))
            .then_refused("NOT_FOUND");
        given::<Template>(vec![created()])
            .when(TemplateCommand::Activate(0))
            .then_refused("NOT_FOUND");
        given::<Template>(vec![created(), added(2)])
            .when(TemplateCommand::Activate(2))
            .then(vec![TemplateActivated { version: 2 }.into()]);
    }

    #[test]
    fn number_of_versions_is_limited() {
        let history: Vec<_> = std::iter::once(created())
            .chain((2..=100).map(added))
            .collect();
        given::<Template>(history)
            .when(TemplateCommand::AddVersion(files("b")))
            .then_refused("WRONG_STATE");
    }

    #[test]
    fn retired_template_cannot_be_changed() {
        let retired: TemplateEvent = TemplateRetired {}.into();
        given::<Template>(vec![created()])
            .when(TemplateCommand::Retire)
            .then(vec![retired.clone()]);
        let history = || vec![created(), retired.clone()];
        given::<Template>(history())
            .when(TemplateCommand::Retire)
            .then_nothing();
        given::<Template>(history())
            .when(TemplateCommand::Activate(1))
            .then_refused("NOT_FOUND");
        given::<Template>(history())
            .when(TemplateCommand::AddVersion(files("b")))
            .then_refused("NOT_FOUND");
        given::<Template>(vec![])
            .when(TemplateCommand::Retire)
            .then_refused("NOT_FOUND");
    }

    #[test]
    fn theme_name_contains_the_id_of_the_template() {
        let id = TemplateId(uuid::Uuid::from_u128(7));
        assert_eq!(Template::id_of_theme(&Template::theme_of(id)), Some(id));
        assert_eq!(Template::id_of_theme("classic"), None);
        assert_eq!(Template::id_of_theme("own:classic"), None);
    }
}
