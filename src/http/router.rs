//! Route table.
//!
//! To add an endpoint, write a handler under `api/<context>/<noun>/` and add a line here.

use utoipa_axum::routes;

use super::api::accounts::{api_keys, auth, users};
use super::api::certification::{
    attendees, batches, certificates, generated_certificates, imports, jobs, own_templates,
    templates,
};
use super::api::operations::{health, mails};
use super::api::public::{pages, verify};
use super::auth::access::Permission::{
    ImportAttendees, Issue, ManageApiKeys, ManageAttendees, ManageCertificates, ManageUsers,
    ReadAttendees, ReadCertificates, ReadIssuances, ReadJobs, RetryJobs, Revoke,
};
use super::auth::rate_limit::Limit;
use super::protocol::endpoint::{Endpoint, on};

/// Returns the routes below the API's prefix.
pub fn api() -> Vec<Endpoint> {
    [
        accounts(),
        definitions(),
        people(),
        issued(),
        mails_about_them(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns the routes for authentication, users and API keys.
#[rustfmt::skip]
fn accounts() -> Vec<Endpoint> {
    vec![
        on(routes!(auth::login::log_in)).public().limited(Limit::Password).reads(&["sessions"]),
        on(routes!(auth::password::request_password_reset)).public().limited(Limit::Password),
        on(routes!(auth::password::reset_password)).public().limited(Limit::Password).reads(&["users"]),
        on(routes!(auth::session::refresh_tokens)).public().limited(Limit::Public).reads(&["sessions"]),
        on(routes!(auth::session::get_own_account)).with_first_password().even_without_factor(),
        on(routes!(auth::session::log_out)).public().limited(Limit::Public).reads(&["sessions", "users"]),
        on(routes!(auth::password::change_password)).with_first_password().even_without_factor().limited(Limit::Password).reads(&["users"]),
        on(routes!(auth::second_factor::get_second_factor)).signed_in().even_without_factor(),
        on(routes!(auth::second_factor::begin_second_factor)).signed_in().even_without_factor().limited(Limit::Password),
        on(routes!(auth::second_factor::remove_own_second_factor)).signed_in().even_without_factor().limited(Limit::Password).reads(&["factors"]),
        on(routes!(auth::second_factor::confirm_second_factor)).signed_in().even_without_factor().reads(&["factors"]),
        on(routes!(auth::second_factor::renew_recovery_codes)).signed_in().even_without_factor(),
        on(routes!(auth::session::list_own_sessions)).signed_in().reads(&["sessions", "users"]),
        on(routes!(auth::session::end_session)).signed_in().reads(&["sessions"]),

        on(routes!(users::write::create_user)).may(ManageUsers).reads(&["users", "factors"]),
        on(routes!(users::read::list_users)).may(ManageUsers).reads(&["users", "factors"]),
        on(routes!(users::read::get_user)).may(ManageUsers).reads(&["users", "factors"]),
        on(routes!(users::update::update_user)).may(ManageUsers).reads(&["users", "factors"]),
        on(routes!(users::write::delete_user)).may(ManageUsers).reads(&["users", "factors"]),
        on(routes!(users::write::remove_second_factor_of_user)).in_person(ManageUsers).reads(&["users", "factors"]),

        on(routes!(api_keys::write::create_api_key)).in_person(ManageApiKeys).reads(&["api_keys", "users"]),
        on(routes!(api_keys::read::list_api_keys)).may(ManageApiKeys).reads(&["api_keys", "users"]),
        on(routes!(api_keys::read::get_api_key)).may(ManageApiKeys).reads(&["api_keys", "users"]),
        on(routes!(api_keys::write::revoke_api_key)).may(ManageApiKeys).reads(&["api_keys", "users"]),
    ]
}

/// Returns the routes for certificates and templates.
#[rustfmt::skip]
fn definitions() -> Vec<Endpoint> {
    vec![
        on(routes!(certificates::write::create_certificate)).may(ManageCertificates).reads(&["certificates"]),
        on(routes!(certificates::read::list_certificates)).may(ReadCertificates).reads(&["certificates"]),
        on(routes!(certificates::read::list_active_certificates)).may(ReadCertificates).reads(&["certificates"]),
        on(routes!(certificates::upload_design::upload_design)).may(ManageCertificates).upload().reads(&["designs"]),
        on(routes!(certificates::designs::read::list_designs)).may(ReadCertificates).reads(&["designs"]),
        on(routes!(certificates::designs::read::get_design_info)).may(ReadCertificates),
        on(routes!(certificates::designs::read::get_design)).may(ReadCertificates).reads(&["designs"]),
        on(routes!(certificates::designs::delete::delete_design)).may(ManageCertificates).reads(&["designs"]),
        on(routes!(certificates::read::get_certificate)).may(ReadCertificates).reads(&["certificates"]),
        on(routes!(certificates::update::update_certificate)).may(ManageCertificates).reads(&["certificates"]),
        on(routes!(certificates::write::delete_certificate)).may(ManageCertificates).reads(&["certificates"]),
        on(routes!(certificates::preview::preview_certificate)).may(ManageCertificates),
        on(routes!(certificates::what_if::compare_certificate)).may(Issue),
        on(routes!(certificates::write::toggle_certificate)).may(ManageCertificates).reads(&["certificates"]),

        on(routes!(templates::list_templates)).may(ReadCertificates),
        on(routes!(templates::get_template)).may(ReadCertificates),
        on(routes!(own_templates::write::create_own_template)).may(ManageCertificates).reads(&["templates"]),
        on(routes!(own_templates::read::list_own_templates)).may(ReadCertificates).reads(&["templates"]),
        on(routes!(own_templates::read::get_own_template)).may(ReadCertificates).reads(&["templates"]),
        on(routes!(own_templates::write::delete_own_template)).may(ManageCertificates).reads(&["templates"]),
        on(routes!(own_templates::write::add_template_version)).may(ManageCertificates).reads(&["templates"]),
        on(routes!(own_templates::read::get_template_version)).may(ReadCertificates),
        on(routes!(own_templates::what_if::compare_template_version)).may(Issue),
        on(routes!(own_templates::write::activate_template_version)).may(ManageCertificates).reads(&["templates"]),
    ]
}

/// Returns the routes for people and imports.
#[rustfmt::skip]
fn people() -> Vec<Endpoint> {
    vec![
        on(routes!(attendees::read::list_attendees)).may(ReadAttendees).reads(&["attendees", "imports", "issuances"]),
        on(routes!(attendees::bulk::import_attendees)).may(ImportAttendees).upload().reads(&["imports", "attendees", "batches", "issuances", "jobs"]),
        on(routes!(attendees::bulk_upload::upload_attendees)).may(ImportAttendees).upload().reads(&["imports", "attendees", "batches", "issuances", "jobs"]),
        on(routes!(attendees::write::create_attendee)).may(ManageAttendees).reads(&["attendees"]),
        on(routes!(attendees::read::export_attendees)).may(ReadAttendees).reads(&["attendees", "imports", "issuances"]),
        on(routes!(attendees::read::get_attendee)).may(ReadAttendees).reads(&["attendees"]),
        on(routes!(attendees::write::update_attendee)).may(ManageAttendees).reads(&["attendees"]),
        on(routes!(attendees::write::delete_attendee)).may(ManageAttendees).reads(&["attendees"]),
        on(routes!(imports::read::list_imports)).may(ReadAttendees).reads(&["imports"]),
        on(routes!(imports::read::get_import)).may(ReadAttendees).reads(&["imports", "batches", "issuances", "jobs"]),
        on(routes!(imports::report::download_import_report)).may(ReadAttendees).reads(&["imports"]),
        on(routes!(imports::events::follow_import)).may(ReadAttendees).with_ticket().reads(&["imports"]),
        on(routes!(imports::events::create_import_ticket)).in_person(ReadAttendees).reads(&["imports"]),
        on(routes!(imports::cancel::cancel_import)).may(ImportAttendees).reads(&["imports", "batches", "issuances", "jobs"]),
        on(routes!(imports::retry::retry_import)).may(ImportAttendees).reads(&["imports", "batches", "issuances", "jobs"]),
    ]
}

/// Returns the routes for issuances and batches.
#[rustfmt::skip]
fn issued() -> Vec<Endpoint> {
    vec![
        on(routes!(generated_certificates::generate::issue_certificates)).may(Issue).reads(&["batches", "issuances", "jobs"]),
        on(routes!(generated_certificates::sample::draw_sample_certificate)).may(Issue),
        on(routes!(generated_certificates::read::list_issued_certificates)).may(ReadIssuances).reads(&["issuances", "attendees", "certificates", "jobs"]),
        on(routes!(generated_certificates::export::export_issued_certificates)).may(ReadIssuances).reads(&["issuances", "attendees", "certificates", "jobs"]),
        on(routes!(generated_certificates::send_email::send_certificate_mail)).may(RetryJobs).reads(&["jobs", "issuances"]),
        on(routes!(generated_certificates::read::get_issued_certificate)).may(ReadIssuances).reads(&["issuances", "jobs"]),
        on(routes!(generated_certificates::revoke::revoke_issued_certificate)).may(Revoke).reads(&["issuances", "jobs"]),
        on(routes!(generated_certificates::revoke::revoke_issued_certificate_by_delete)).may(Revoke).reads(&["issuances", "jobs"]),
        on(routes!(batches::read::list_batches)).may(ReadIssuances).reads(&["batches", "issuances", "jobs"]),
        on(routes!(batches::read::get_batch)).may(ReadIssuances).reads(&["batches", "issuances", "jobs"]),
        on(routes!(batches::files::download_batch_zip)).may(ReadIssuances).reads(&["batches", "issuances", "jobs"]),
        on(routes!(batches::files::download_batch_pdf)).may(ReadIssuances).reads(&["batches", "issuances", "jobs"]),
        on(routes!(batches::events::follow_batch)).may(ReadIssuances).with_ticket().reads(&["batches", "issuances", "jobs"]),
        on(routes!(batches::events::create_batch_ticket)).in_person(ReadIssuances).reads(&["batches", "issuances", "jobs"]),
        on(routes!(batches::write::cancel_batch)).may(Revoke).reads(&["batches", "issuances", "jobs"]),
        on(routes!(batches::write::undo_batch)).may(Revoke).reads(&["batches", "issuances", "jobs"]),
    ]
}

/// Returns the routes for mails and scheduled tasks.
#[rustfmt::skip]
fn mails_about_them() -> Vec<Endpoint> {
    vec![
        on(routes!(jobs::read::list_jobs)).may(ReadJobs).reads(&["jobs", "issuances", "overview"]),
        on(routes!(jobs::read::list_pending_jobs)).may(ReadJobs).reads(&["jobs", "issuances", "overview"]),
        on(routes!(jobs::process_pending::process_pending_jobs)).may(RetryJobs).reads(&["jobs", "issuances", "overview"]),
        on(routes!(jobs::many::retry_jobs)).may(RetryJobs).reads(&["jobs", "issuances", "overview"]),
        on(routes!(jobs::many::cancel_jobs)).may(RetryJobs).reads(&["jobs", "issuances", "overview"]),
        on(routes!(jobs::scheduler::get_scheduler_status)).may(ReadJobs).reads(&["jobs"]),
        on(routes!(jobs::scheduler::list_scheduler_runs)).may(ReadJobs),
        on(routes!(jobs::scheduler::get_scheduler_run)).may(ReadJobs),
        on(routes!(jobs::scheduler::run_scheduled_task)).may(RetryJobs),
        on(routes!(jobs::read::get_job)).may(ReadJobs).reads(&["jobs"]),
        on(routes!(jobs::write::reschedule_job)).may(RetryJobs).reads(&["jobs"]),
        on(routes!(jobs::write::cancel_job)).may(RetryJobs).reads(&["jobs"]),
        on(routes!(jobs::write::retry_job)).may(RetryJobs).reads(&["jobs"]),
    ]
}

/// Returns the routes without the prefix. Their URLs are printed on certificates or configured in
/// monitoring systems.
#[rustfmt::skip]
pub fn root() -> Vec<Endpoint> {
    vec![
        on(routes!(pages::start::show_start_page)).public(),
        on(routes!(verify::enter::enter_certificate_number)).public().limited(Limit::Public),
        on(routes!(verify::page::show_certificate)).public().limited(Limit::Public).reads(&["issuances"]),
        on(routes!(verify::download::download_certificate)).public().limited(Limit::Public).reads(&["issuances"]),
        on(routes!(certificates::design::get_design_file)).public(),

        on(routes!(pages::reset_password::show_password_reset)).public(),

        on(routes!(health::get_health)).public(),
        on(routes!(health::get_liveness)).public(),
        on(routes!(health::get_readiness)).public(),

        on(routes!(pages::docs::show_api_docs)).public().limited(Limit::Public),
        on(routes!(pages::start::get_openapi_document)).public().limited(Limit::Public),
    ]
}

/// Returns the routes of the mail catcher. They exist only on a demo stack, and have no prefix.
#[rustfmt::skip]
pub fn caught_mails() -> Vec<Endpoint> {
    vec![
        on(routes!(mails::list_caught_mails)).public(),
        on(routes!(mails::get_caught_mail)).public(),
    ]
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::*;
    use crate::projection::ProjectionSet;

    #[test]
    fn routes_name_existing_tables_and_each_write_names_some() {
        let set = ProjectionSet::embedded("t").expect("a good namespace");
        let mut without = Vec::new();
        for endpoint in api().into_iter().chain(root()) {
            let tables = set.select(endpoint.tables);
            assert!(tables.is_ok(), "{}: {:?}", endpoint.path, tables.err());
            if endpoint.method != Method::GET && endpoint.tables.is_empty() {
                without.push(endpoint.path);
            }
        }
        // These answer without an event, or with one that no table of the caller contains.
        let expected = [
            "/auth/forgot-password",
            "/auth/second-factor",
            "/auth/second-factor/recovery-codes",
            "/certificates/{id}/preview",
            "/certificates/{id}/what-if",
            "/templates/own/{id}/versions/{version}/what-if",
            "/generated-certificates/generate/sample",
            "/jobs/scheduler/force",
        ];
        assert_eq!(without, expected);
    }
}
