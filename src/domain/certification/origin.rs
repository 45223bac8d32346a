//! Origin of a person or an issuance: the kind and id of what led to it. A new kind needs no new
//! field and no new schema version.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{BatchId, ImportId};

/// Kind and id of what led to a person or an issuance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// Kind of the origin.
    pub kind: OriginKind,
    /// Id of the origin.
    pub id: Uuid,
}

/// Kind of an origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OriginKind {
    /// A batch.
    Batch,
    /// An import.
    Import,
    /// A kind that this program doesn't know.
    #[serde(untagged)]
    Other(String),
}

impl Origin {
    /// Returns a batch as origin.
    #[must_use]
    pub const fn batch(id: BatchId) -> Self {
        Self {
            kind: OriginKind::Batch,
            id: id.0,
        }
    }

    /// Returns an import as origin.
    #[must_use]
    pub const fn import(id: ImportId) -> Self {
        Self {
            kind: OriginKind::Import,
            id: id.0,
        }
    }

    /// Returns the id of the batch among `origins`, if any.
    #[must_use]
    pub fn batch_of(origins: &[Self]) -> Option<BatchId> {
        let mut batches = origins
            .iter()
            .filter(|origin| origin.kind == OriginKind::Batch);
        batches.next().map(|origin| BatchId(origin.id))
    }

    /// Returns the id of the import among `origins`, if any.
    #[must_use]
    pub fn import_of(origins: &[Self]) -> Option<ImportId> {
        let mut imports = origins
            .iter()
            .filter(|origin| origin.kind == OriginKind::Import);
        imports.next().map(|origin| ImportId(origin.id))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_kind_of_origin_is_kept() {
        let id = Uuid::from_u128(1);
        let origins = json!([
            { "kind": "completion", "id": id },
            { "kind": "import", "id": id },
            { "kind": "batch", "id": id },
        ]);
        let read: Vec<Origin> = serde_json::from_value(origins.clone()).unwrap();
        assert_eq!(Origin::batch_of(&read), Some(BatchId(id)));
        assert_eq!(Origin::import_of(&read), Some(ImportId(id)));
        assert_eq!(Origin::import_of(&read[..1]), None);
        assert_eq!(serde_json::to_value(&read).unwrap(), origins);
    }
}
