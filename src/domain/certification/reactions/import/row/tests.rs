//! Rows about existing and unknown people, in the form given, when, then.

use uuid::Uuid;

use super::*;
use crate::domain::RawPerson;

const ANA: AttendeeId = AttendeeId(Uuid::from_u128(1));
const BRUNO: AttendeeId = AttendeeId(Uuid::from_u128(2));

const RULES: RowRules = RowRules {
    update_existing: false,
    requires_document: true,
    shared_email: SharedEmail::Refuse,
};
const UPDATING: RowRules = RowRules {
    update_existing: true,
    ..RULES
};
const NO_DOCUMENT: RowRules = RowRules {
    requires_document: false,
    ..RULES
};
const SHARING: RowRules = RowRules {
    shared_email: SharedEmail::Allow,
    ..RULES
};

/// Name, e-mail address, document number.
type Fields = (&'static str, &'static str, &'static str);

fn raw((name, email, document): Fields) -> RawPerson {
    let some = |text: &str| Some(text.to_owned());
    RawPerson {
        full_name: some(name),
        email: some(email),
        document_number: some(document),
        ..RawPerson::default()
    }
}

fn entry(fields: Fields) -> PersonEntry {
    raw(fields).check_entry().expect("a valid row")
}

fn person(fields: Fields) -> Person {
    raw(fields).check(false).expect("a valid person")
}

struct Given {
    known: Vec<(AttendeeId, Person)>,
    seen: Seen,
}

struct When {
    plan: RowPlan,
}

/// Creates the state after earlier imports with `SharedEmail::Refuse`, in which these people are
/// stored.
fn given(known: &[(AttendeeId, Fields)]) -> Given {
    let known = known
        .iter()
        .map(|(id, fields)| (*id, person(*fields)))
        .collect();
    Given {
        known,
        seen: Seen::default(),
    }
}

impl Given {
    /// Adds an earlier row of the file.
    fn after(mut self, row: u32, id: AttendeeId, fields: Fields) -> Self {
        self.seen.note(id, row, &entry(fields), None);
        self
    }

    fn when(self, fields: Fields, rules: RowRules) -> When {
        let entry = entry(fields);
        let known = |is: &dyn Fn(&Person) -> bool| {
            let found = self.known.iter().find(|(_, person)| is(person));
            found.map(|(id, person)| Known { id: *id, person })
        };
        let email = entry
            .email
            .as_ref()
            .map(|email| normalised_email(email.reveal_str()));
        let document = entry
            .document_number()
            .map(|number| normalised_document(number.reveal_str()));
        let has_email = |person: &Person| Some(person.normalised_email().into_revealed()) == email;
        let has_document = |person: &Person| {
            document.is_some()
                && person
                    .normalised_document()
                    .map(|number| number.into_revealed())
                    == document
        };
        let named = |person: &Person| {
            has_email(person)
                && is_same_name(person.full_name.reveal_str(), entry.full_name.reveal_str())
        };
        let allows = rules.shared_email == SharedEmail::Allow;
        let matches = Matches {
            email: known(&has_email).filter(|_| !allows),
            name_at_email: known(&named).filter(|_| allows),
            document: known(&has_document),
        };
        When {
            plan: plan_row(&entry, matches, rules, &self.seen),
        }
    }
}

impl When {
    fn then(self, plan: RowPlan) {
        assert_eq!(self.plan, plan);
    }

    fn then_created(self) {
        assert!(matches!(self.plan, RowPlan::Create(_)), "{:?}", self.plan);
    }

    fn then_changed(self, id: AttendeeId, fields: Fields) {
        assert_eq!(self.plan, RowPlan::Update(id, Box::new(person(fields))));
    }

    fn then_refused(self, expected: &[(&str, &str)]) -> String {
        let RowPlan::Reject(mismatch) = self.plan else {
            panic!("{:?}", self.plan)
        };
        let errors = mismatch.errors(&|row| format!("row {row}"));
        let codes: Vec<_> = errors
            .iter()
            .map(|error| (error.field, error.code))
            .collect();
        assert_eq!(codes, expected);
        errors[0].message.clone()
    }
}

const FAMILY: Fields = ("Ana Rojas", "family@example.org", "1");

#[test]
fn an_unknown_person_is_created() {
    given(&[])
        .when(FAMILY, RULES)
        .then(RowPlan::Create(Box::new(person(FAMILY))));
    given(&[])
        .when(("Ana Rojas", "family@example.org", ""), NO_DOCUMENT)
        .then_created();
    given(&[])
        .when(("Ana Rojas", "", "1"), RULES)
        .then_refused(&[("email", "REQUIRED")]);
    given(&[])
        .when(("Ana Rojas", "", ""), RULES)
        .then_refused(&[("documentNumber", "REQUIRED"), ("email", "REQUIRED")]);
}

#[test]
fn known_person_is_kept_or_updated() {
    let known = || given(&[(ANA, FAMILY)]);
    known().when(FAMILY, RULES).then(RowPlan::Existing(ANA));
    known().when(FAMILY, UPDATING).then(RowPlan::Existing(ANA));
    let renamed = ("Ana Rojas Peña", "FAMILY@example.org", "1");
    known().when(renamed, RULES).then(RowPlan::Existing(ANA));
    known().when(renamed, UPDATING).then_changed(ANA, renamed);
    // A blank cell does not identify a person.
    known()
        .when(("Ana Rojas", "family@example.org", ""), RULES)
        .then(RowPlan::Existing(ANA));
    known()
        .when(("Ana R.", "", "1"), RULES)
        .then(RowPlan::Existing(ANA));
    known()
        .when(("Ana Rojas Peña", "", "1"), UPDATING)
        .then_changed(ANA, ("Ana Rojas Peña", FAMILY.1, "1"));
}

#[test]
fn sibling_with_the_same_address_is_refused() {
    for rules in [RULES, UPDATING] {
        let message = given(&[(ANA, FAMILY)])
            .when(("Bruno Rojas", FAMILY.1, "2"), rules)
            .then_refused(&[("email", "DUPLICATE")]);
        assert!(
            message.contains("documentNumber and fullName differ"),
            "{message}"
        );
        assert!(message.contains("people.shared_email"), "{message}");
    }
    let after = given(&[(ANA, FAMILY)]).after(2, ANA, FAMILY);
    let message = after
        .when(("Bruno Rojas", FAMILY.1, "2"), RULES)
        .then_refused(&[("email", "DUPLICATE")]);
    assert!(message.contains("row 2"), "{message}");
    // Without document numbers, the outcome is the same.
    for rules in [
        NO_DOCUMENT,
        RowRules {
            update_existing: true,
            ..NO_DOCUMENT
        },
    ] {
        given(&[(ANA, ("Ana Rojas", FAMILY.1, ""))])
            .when(("Bruno Rojas", FAMILY.1, ""), rules)
            .then_refused(&[("email", "DUPLICATE")]);
    }
}

#[test]
fn siblings_are_two_people_if_addresses_can_be_shared() {
    given(&[(ANA, FAMILY)])
        .when(("Bruno Rojas", FAMILY.1, "2"), SHARING)
        .then_created();
    given(&[(ANA, FAMILY)])
        .when(FAMILY, SHARING)
        .then(RowPlan::Existing(ANA));
    // Father and son with the same name and address have different document numbers.
    given(&[(ANA, FAMILY)])
        .when(("Ana Rojas", FAMILY.1, "2"), SHARING)
        .then_created();
    let without = RowRules {
        requires_document: false,
        ..SHARING
    };
    given(&[(ANA, ("Ana Rojas", FAMILY.1, ""))])
        .when(("Bruno Rojas", FAMILY.1, ""), without)
        .then_created();
    given(&[(ANA, FAMILY)])
        .when(("ana rojas", FAMILY.1, ""), without)
        .then(RowPlan::Existing(ANA));
}

#[test]
fn document_number_of_a_sibling_never_renames_a_person() {
    let bruno = ("Bruno Rojas", FAMILY.1, "2");
    let family = || given(&[(ANA, FAMILY), (BRUNO, bruno)]);
    let updating = RowRules {
        update_existing: true,
        ..SHARING
    };
    for rules in [SHARING, updating] {
        // A row with Ana's name and Bruno's number, and a row with an unknown name.
        for name in ["Ana Rojas", "Clara Mora"] {
            let message = family()
                .when((name, FAMILY.1, "2"), rules)
                .then_refused(&[("documentNumber", "DUPLICATE")]);
            assert!(message.contains("fullName differs"), "{message}");
        }
        // The name of one sibling is a part of the other sibling's name.
        let long = ("Ana Rojas Peña", FAMILY.1, "2");
        given(&[(ANA, FAMILY), (BRUNO, long)])
            .when(("Ana Rojas", FAMILY.1, "2"), rules)
            .then_refused(&[("documentNumber", "DUPLICATE")]);
        family().when(bruno, rules).then(RowPlan::Existing(BRUNO));
    }
    let longer = ("Bruno Rojas Peña", FAMILY.1, "2");
    family().when(longer, updating).then_changed(BRUNO, longer);
    family()
        .when(("BRUNO ROJAS", FAMILY.1, "2"), SHARING)
        .then(RowPlan::Existing(BRUNO));
}

#[test]
fn differing_field_is_changed_only_for_the_same_name() {
    let known = || given(&[(ANA, FAMILY)]);
    let moved = ("Ana Rojas", "ana@example.org", "1");
    known()
        .when(moved, RULES)
        .then_refused(&[("documentNumber", "DUPLICATE")]);
    known().when(moved, UPDATING).then_changed(ANA, moved);
    known()
        .when(("Ana Mora", "ana@example.org", "1"), UPDATING)
        .then_refused(&[("documentNumber", "DUPLICATE")]);
    let other_document = ("ANA ROJAS", FAMILY.1, "3");
    known()
        .when(other_document, RULES)
        .then_refused(&[("email", "DUPLICATE")]);
    known()
        .when(other_document, UPDATING)
        .then_changed(ANA, other_document);
    // The row is rejected if another row of the same file is about the person.
    known()
        .after(2, ANA, FAMILY)
        .when(moved, UPDATING)
        .then_refused(&[("documentNumber", "DUPLICATE")]);
}

#[test]
fn row_that_matches_two_people_is_refused() {
    let bruno = ("Bruno Rojas", "bruno@example.org", "2");
    for rules in [RULES, UPDATING] {
        for row in [("Ana Rojas", FAMILY.1, "2"), ("Bruno Rojas", bruno.1, "1")] {
            given(&[(ANA, FAMILY), (BRUNO, bruno)])
                .when(row, rules)
                .then_refused(&[
                    ("email", "MATCHES_TWO_PEOPLE"),
                    ("documentNumber", "MATCHES_TWO_PEOPLE"),
                ]);
        }
    }
}

#[test]
fn document_number_is_unique_across_countries() {
    let peru = ("Luis Mora", "luis@example.org", "1");
    for rules in [RULES, UPDATING] {
        given(&[(ANA, FAMILY)])
            .when(peru, rules)
            .then_refused(&[("documentNumber", "DUPLICATE")]);
    }
}

#[test]
fn placeholder_document_number_matches_no_person() {
    let placeholder = ("Luis Mora", "luis@example.org", "N/A");
    given(&[])
        .when(placeholder, RULES)
        .then_refused(&[("documentNumber", "PLACEHOLDER")]);
    given(&[(ANA, FAMILY)])
        .when(("Ana Rojas", FAMILY.1, "n/a"), RULES)
        .then_refused(&[("documentNumber", "PLACEHOLDER")]);
    given(&[]).when(placeholder, NO_DOCUMENT).then_created();
    // The stored number is not removed.
    let updating = RowRules {
        update_existing: true,
        ..NO_DOCUMENT
    };
    given(&[(ANA, FAMILY)])
        .when(("Ana Rojas", FAMILY.1, "0"), updating)
        .then(RowPlan::Existing(ANA));
}

#[test]
fn update_adds_a_missing_document_number() {
    let without = ("Ana Rojas", FAMILY.1, "");
    given(&[(ANA, without)])
        .when(without, NO_DOCUMENT)
        .then(RowPlan::Existing(ANA));
    given(&[(ANA, without)])
        .when(without, RULES)
        .then_refused(&[("documentNumber", "REQUIRED")]);
    given(&[(ANA, without)])
        .when(FAMILY, NO_DOCUMENT)
        .then_refused(&[("email", "DUPLICATE")]);
    given(&[(ANA, without)])
        .when(FAMILY, UPDATING)
        .then_changed(ANA, FAMILY);
    given(&[(ANA, without)])
        .when(("Bruno Rojas", FAMILY.1, "1"), UPDATING)
        .then_refused(&[("email", "DUPLICATE")]);
}

#[test]
fn person_with_a_formerly_shared_address_is_still_known() {
    // Both people were imported while addresses could be shared. Now they can't be shared, and no
    // person holds a claim on the address alone.
    let ana = person(FAMILY);
    let bruno = person(("Bruno Rojas", FAMILY.1, "2"));
    let known = |id, person| Some(Known { id, person });
    let matches = Matches {
        document: known(BRUNO, &bruno),
        ..Matches::default()
    };
    let row = entry(("Bruno Rojas", FAMILY.1, "2"));
    assert_eq!(
        plan_row(&row, matches, RULES, &Seen::default()),
        RowPlan::Existing(BRUNO)
    );
    let matches = Matches {
        email: known(ANA, &ana),
        ..matches
    };
    assert_eq!(
        plan_row(&row, matches, RULES, &Seen::default()),
        RowPlan::Existing(BRUNO)
    );
}

#[test]
fn row_that_contradicts_an_earlier_row_of_its_person_is_refused() {
    let again = || given(&[(ANA, FAMILY)]).after(2, ANA, FAMILY);
    again().when(FAMILY, RULES).then(RowPlan::Existing(ANA));
    for rules in [RULES, UPDATING] {
        let message = again()
            .when(("Ana Mora", FAMILY.1, "1"), rules)
            .then_refused(&[("fullName", "CONTRADICTS_ROW")]);
        assert!(message.contains("row 2"), "{message}");
    }
}

#[test]
fn row_is_planned_by_claims_without_stored_data() {
    let row = entry(FAMILY);
    let seen = Seen::default();
    let plan = |email, document, rules| plan_by_claims(&row, email, document, rules, &seen);
    assert_eq!(
        plan(Some(ANA), Some(ANA), RULES),
        Some(RowPlan::Existing(ANA))
    );
    assert_eq!(plan(Some(ANA), Some(ANA), UPDATING), None);
    assert_eq!(plan(Some(ANA), Some(BRUNO), RULES), None);
    assert_eq!(plan(Some(ANA), None, RULES), None);
    assert_eq!(plan(None, None, RULES), None);
    let mut seen = Seen::default();
    seen.note(ANA, 2, &entry(("Ana Mora", "", "")), None);
    let contradicts = plan_by_claims(&row, Some(ANA), Some(ANA), RULES, &seen);
    assert!(
        matches!(contradicts, Some(RowPlan::Reject(Mismatch::Contradicts(_)))),
        "{contradicts:?}"
    );
}
