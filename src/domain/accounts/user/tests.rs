use time::macros::datetime;

use super::*;
use crate::domain::kernel::decider::spec::given;

fn registered(email: &str) -> UserRegistered {
    UserRegistered {
        profile: Profile {
            user_name: "ada".to_owned().into(),
            name: "Ada".to_owned().into(),
            last_name: "Lovelace".to_owned().into(),
            email: email.to_owned().into(),
        },
        role: Role::Admin,
        password_hash: "$argon2id$…".to_owned().into(),
        first_password_until: None,
    }
}

#[test]
fn a_user_is_registered_once() {
    let user = registered("ada@example.com");
    given::<User>(vec![])
        .when(UserCommand::Register(user.clone()))
        .then(vec![user.clone().into()]);
    given::<User>(vec![user.clone().into()])
        .when(UserCommand::Register(user))
        .then_refused("ALREADY_EXISTS");
}

#[test]
fn invalid_address_is_refused() {
    given::<User>(vec![])
        .when(UserCommand::Register(registered("nowhere")))
        .then_refused("VALIDATION_ERROR");
}

#[test]
fn changed_password_is_stored_and_starts_an_epoch() {
    let changed: UserEvent = UserPasswordChanged {
        password_hash: "new".to_owned().into(),
        first_password_until: None,
        keeps_api_keys: false,
    }
    .into();
    let state = User::fold(&[registered("ada@example.com").into(), changed]);
    let account = state.active().unwrap();
    assert_eq!(
        (account.password_hash, account.epoch),
        ("new".to_owned().into(), 1)
    );
}

#[test]
fn user_names_that_look_the_same_are_the_same() {
    for name in ["josé", " JOSÉ ", "jose\u{301}", "Ｊosé", "\u{200b}josé"] {
        assert_eq!(normalised_user_name(name), "josé", "{name:?}");
    }
    assert_ne!(normalised_user_name("jose"), "josé");
}

#[test]
fn only_differing_fields_are_changed() {
    let ada = registered("ada@example.com");
    let same = UserChange {
        profile: Some(ada.profile.clone()),
        ..UserChange::default()
    };
    let same = UserChange {
        role: Some(Role::Admin),
        is_active: Some(true),
        ..same
    };
    given::<User>(vec![ada.clone().into()])
        .when(UserCommand::Change(same))
        .then_nothing();
    let profile = Profile {
        name: "Augusta".to_owned().into(),
        ..ada.profile.clone()
    };
    let change = UserChange {
        profile: Some(profile.clone()),
        role: Some(Role::Viewer),
        is_active: Some(false),
        password: None,
    };
    given::<User>(vec![ada.into()])
        .when(UserCommand::Change(change))
        .then(vec![
            UserProfileChanged { profile }.into(),
            UserRoleChanged { role: Role::Viewer }.into(),
            UserDisabled {}.into(),
        ]);
}

#[test]
fn disabled_user_exists_and_is_not_active() {
    let state = User::fold(&[registered("ada@example.com").into(), UserDisabled {}.into()]);
    assert!(state.clone().account().is_some() && state.clone().active().is_none());
    let state = User::evolve(state, &UserEnabled {}.into());
    assert_eq!(state.active().map(|account| account.epoch), Some(1));
}

#[test]
fn deleted_user_cannot_be_changed_or_registered_again() {
    let history: Vec<UserEvent> = vec![registered("ada@example.com").into(), UserDeleted {}.into()];
    for command in [UserCommand::Delete, UserCommand::EndSessions] {
        given::<User>(history.clone())
            .when(command)
            .then_refused("NOT_FOUND");
    }
    let again = UserCommand::Register(registered("ada@example.com"));
    given::<User>(history)
        .when(again)
        .then_refused("ALREADY_EXISTS");
}

#[test]
fn first_password_must_be_changed_until_the_user_has_changed_it() {
    let until = Some(datetime!(2026-11-28 12:00 UTC));
    let first = UserRegistered {
        first_password_until: until,
        ..registered("ada@example.com")
    };
    let password_hash: Personal<String> = "new".to_owned().into();
    let own = UserCommand::ChangePassword {
        password_hash: password_hash.clone(),
        keeps_api_keys: false,
    };
    let changed = UserPasswordChanged {
        password_hash: password_hash.clone(),
        first_password_until: None,
        keeps_api_keys: false,
    };
    given::<User>(vec![first.clone().into()])
        .when(own)
        .then(vec![changed.clone().into()]);
    let of = |events: &[UserEvent]| {
        User::fold(events)
            .active()
            .and_then(|account| account.first_password_until)
    };
    assert_eq!(of(&[first.clone().into()]), until);
    assert_eq!(of(&[first.clone().into(), changed.clone().into()]), None);
    // An admin sets another first password.
    let password = Some(NewPassword {
        hash: password_hash,
        first_until: until,
        keeps_api_keys: false,
    });
    let set = UserChange {
        password,
        ..UserChange::default()
    };
    let history: Vec<UserEvent> = vec![first.into(), changed.clone().into()];
    let changed = UserPasswordChanged {
        first_password_until: until,
        ..changed
    };
    given::<User>(history.clone())
        .when(UserCommand::Change(set))
        .then(vec![changed.clone().into()]);
    assert_eq!(of(&[history, vec![changed.into()]].concat()), until);
}

#[test]
fn password_change_event_without_expiry_is_readable() {
    let old = serde_json::json!({ "passwordHash": "$argon2id$…" });
    let read: UserPasswordChanged = serde_json::from_value(old.clone()).unwrap();
    assert_eq!(read.first_password_until, None);
    assert_eq!(serde_json::to_value(&read).unwrap(), old);
}

#[test]
fn links_become_invalid_with_the_sessions_and_with_the_address() {
    let account = |events: Vec<UserEvent>| {
        let history = [vec![registered("ada@example.com").into()], events].concat();
        User::fold(&history).account().expect("there")
    };
    let profile = |email: &str| -> UserEvent {
        let profile = Profile {
            email: email.to_owned().into(),
            ..registered("ada@example.com").profile
        };
        UserProfileChanged { profile }.into()
    };
    let before = account(vec![]).link_epoch();
    let same_address = account(vec![profile("ada@example.com")]);
    assert_eq!(same_address.link_epoch(), before);
    for event in [profile("ada@example.org"), UserSessionsEnded {}.into()] {
        assert_ne!(account(vec![event]).link_epoch(), before);
    }
}

#[test]
fn new_password_invalidates_api_keys_unless_they_are_kept() {
    let changed = |keeps_api_keys| -> UserEvent {
        let password_hash = "new".to_owned().into();
        UserPasswordChanged {
            password_hash,
            first_password_until: None,
            keeps_api_keys,
        }
        .into()
    };
    let first_epoch = |events: Vec<UserEvent>| {
        let history = [vec![registered("ada@example.com").into()], events].concat();
        let account = User::fold(&history).account().expect("there");
        (account.keys_from_epoch, account.epoch)
    };
    assert_eq!(first_epoch(vec![]), (0, 0));
    assert_eq!(first_epoch(vec![UserSessionsEnded {}.into()]), (0, 1));
    assert_eq!(first_epoch(vec![changed(true)]), (0, 1));
    assert_eq!(
        first_epoch(vec![UserSessionsEnded {}.into(), changed(false)]),
        (2, 2)
    );
    assert_eq!(first_epoch(vec![changed(false), changed(true)]), (1, 2));
    // Events without this field, from earlier versions, invalidate the keys.
    let old = serde_json::json!({ "passwordHash": "$argon2id$…" });
    let read: UserPasswordChanged = serde_json::from_value(old).expect("readable");
    assert!(!read.keeps_api_keys);
}
