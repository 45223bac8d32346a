//! Design: an uploaded image on which certificates are drawn.

use serde::{Deserialize, Serialize};

use uuid::Uuid;

use crate::domain::kernel::domain_event::domain_events;
use crate::domain::{DataSubject, Decider, DesignId, Refusal};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// An image was uploaded, cleaned and stored. The stored image never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DesignUploaded {
    /// Data of the stored image.
    #[serde(flatten)]
    pub image: DesignImage,
}

/// A certificate definition uses the design. From now on, the design can't be deleted, because a
/// lost PDF is rendered again from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DesignTakenIntoUse {}

/// The design was deleted. No certificate ever used it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DesignDeleted {}

domain_events! {
    /// Events of a design.
    DesignEvent for "design" { DesignUploaded, DesignTakenIntoUse, DesignDeleted }
}

/// Stored image and its description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DesignImage {
    /// Object key of the image.
    pub key: String,
    /// Object key of the thumbnail for lists.
    pub thumbnail_key: String,
    /// SHA-256 of the stored image, 64 hex digits.
    pub sha256: String,
    /// Size of the stored image, in bytes.
    pub size: u64,
    /// Media type of the stored image: `image/jpeg` or `image/png`.
    pub mime_type: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Organisation that owns the design.
    pub client: String,
    /// Name of the design.
    pub name: String,
    /// Description that the uploader gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// File name of the upload.
    pub original_name: String,
}

/// Returns the id of a stored design from its object key, `…/{name}_{id}.{extension}`. Returns
/// `None` for designs that were stored before designs had ids.
#[must_use]
pub fn id_of_key(key: &str) -> Option<DesignId> {
    let (name, _) = key.rsplit_once('.')?;
    Uuid::parse_str(name.rsplit_once('_')?.1).ok().map(DesignId)
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// Commands to a design.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one command exists at a time")]
pub enum DesignCommand {
    /// Records a stored image.
    Upload(DesignImage),
    /// Records that a certificate definition uses the design.
    TakeIntoUse,
    /// Deletes the design.
    Delete,
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// State of a design. Designs that were uploaded before designs had events are `Unknown`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum DesignState {
    /// No event of the design exists.
    #[default]
    Unknown,
    /// The design exists and no certificate uses it yet.
    Unused(DesignImage),
    /// A certificate uses the design, so it can't be deleted.
    InUse(DesignImage),
    /// The design was deleted. Its files may still exist and must be removed.
    Deleted(DesignImage),
}

/// Decider of designs.
pub struct Design;

impl Decider for Design {
    const AGGREGATE: &'static str = "design";
    type State = DesignState;
    type Command = DesignCommand;
    type Event = DesignEvent;

    fn decide(state: &DesignState, command: &DesignCommand) -> Result<Vec<DesignEvent>, Refusal> {
        match (command, state) {
            (DesignCommand::Upload(image), DesignState::Unknown) => {
                Ok(vec![DesignUploaded { image: image.clone() }.into()])
            }
            (DesignCommand::Upload(_), _) => Err(Refusal::AlreadyExists("design")),
            // Designs without events can't be deleted, so their use need not be recorded.
            (DesignCommand::TakeIntoUse, DesignState::Unknown | DesignState::InUse(_))
            | (DesignCommand::Delete, DesignState::Deleted(_)) => Ok(Vec::new()),
            (DesignCommand::TakeIntoUse, DesignState::Unused(_)) => Ok(vec![DesignTakenIntoUse {}.into()]),
            (DesignCommand::TakeIntoUse, DesignState::Deleted(_)) => {
                Err(Refusal::field("baseDesignUrl", "was deleted; upload the design again"))
            }
            (DesignCommand::Delete, DesignState::Unknown) => Err(Refusal::NotFound("design")),
            (DesignCommand::Delete, DesignState::Unused(_)) => Ok(vec![DesignDeleted {}.into()]),
            (DesignCommand::Delete, DesignState::InUse(_)) => Err(Refusal::WrongState(
                "a certificate uses this design, so it can't be deleted; issued PDFs may be rendered again from it"
                    .to_owned(),
            )),
        }
    }

    fn data_subject(_: &str, _: &DesignState, event: &DesignEvent) -> Option<DataSubject> {
        match event {
            DesignEvent::DesignUploaded(_)
            | DesignEvent::DesignTakenIntoUse(_)
            | DesignEvent::DesignDeleted(_) => None,
        }
    }

    fn evolve(state: DesignState, event: &DesignEvent) -> DesignState {
        match (event, state) {
            (DesignEvent::DesignUploaded(event), _) => DesignState::Unused(event.image.clone()),
            (DesignEvent::DesignTakenIntoUse(_), DesignState::Unused(image)) => {
                DesignState::InUse(image)
            }
            (
                DesignEvent::DesignDeleted(_),
                DesignState::Unused(image) | DesignState::InUse(image),
            ) => DesignState::Deleted(image),
            (DesignEvent::DesignTakenIntoUse(_) | DesignEvent::DesignDeleted(_), state) => state,
        }
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    pub(crate) fn image(name: &str) -> DesignImage {
        DesignImage {
            key: "certificates/design_images/acme_2026/frame_1.jpg".to_owned(),
            thumbnail_key: "certificates/design_images/acme_2026/frame_1_small.jpg".to_owned(),
            sha256: "ab".repeat(32),
            size: 408_000,
            mime_type: "image/jpeg".to_owned(),
            width: 3508,
            height: 2480,
            client: "Acme".to_owned(),
            name: name.to_owned(),
            description: None,
            original_name: "frame.png".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::image;
    use super::*;
    use crate::domain::kernel::decider::spec::given;

    fn uploaded() -> DesignEvent {
        DesignUploaded {
            image: image("Frame"),
        }
        .into()
    }

    #[test]
    fn a_design_is_uploaded_once() {
        given::<Design>(vec![])
            .when(DesignCommand::Upload(image("Frame")))
            .then(vec![uploaded()]);
        given::<Design>(vec![uploaded()])
            .when(DesignCommand::Upload(image("Frame")))
            .then_refused("ALREADY_EXISTS");
    }

    #[test]
    fn used_design_cannot_be_deleted() {
        let used: DesignEvent = DesignTakenIntoUse {}.into();
        given::<Design>(vec![uploaded()])
            .when(DesignCommand::TakeIntoUse)
            .then(vec![used.clone()]);
        given::<Design>(vec![uploaded(), used.clone()])
            .when(DesignCommand::TakeIntoUse)
            .then_nothing();
        given::<Design>(vec![uploaded(), used])
            .when(DesignCommand::Delete)
            .then_refused("WRONG_STATE");
    }

    #[test]
    fn unused_design_can_be_deleted_and_then_not_used() {
        let gone: DesignEvent = DesignDeleted {}.into();
        given::<Design>(vec![uploaded()])
            .when(DesignCommand::Delete)
            .then(vec![gone.clone()]);
        given::<Design>(vec![uploaded(), gone.clone()])
            .when(DesignCommand::Delete)
            .then_nothing();
        given::<Design>(vec![uploaded(), gone])
            .when(DesignCommand::TakeIntoUse)
            .then_refused("VALIDATION_ERROR");
        given::<Design>(vec![])
            .when(DesignCommand::Delete)
            .then_refused("NOT_FOUND");
    }

    #[test]
    fn design_id_is_parsed_from_the_end_of_the_object_key() {
        let id = Uuid::from_u128(7);
        let folder = "certificates/design_images/acme_2026";
        assert_eq!(
            id_of_key(&format!("{folder}/gold_frame_{id}.jpg")),
            Some(DesignId(id))
        );
        assert_eq!(id_of_key(&format!("{folder}/old.jpg")), None);
        assert_eq!(
            id_of_key(&format!("{folder}/gold_frame_{id}_small.jpg")),
            None
        );
    }

    #[test]
    fn design_without_history_can_be_used() {
        given::<Design>(vec![])
            .when(DesignCommand::TakeIntoUse)
            .then_nothing();
    }
}
