//! Route table.
//!
//! A new endpoint is a handler under `api/<context>/<noun>/` and a line here.

use axum::http::Method;
use utoipa_axum::routes;

use super::api::accounts::{api_keys, auth, users};
use super::api::certification::{
    attendees, batches, certificates, generated_certificates, imports, jobs, own_templates, templates,
};
use super::api::operations::{health, mails};
use super::api::public::{pages, verify};
use super::auth::access::Permission::{
    ImportAttendees, Issue, ManageApiKeys, ManageAttendees, ManageCertificates, ManageUsers, ReadAttendees,
    ReadCertificates, ReadIssuances, ReadJobs, RetryJobs, Revoke,
};
use super::auth::rate_limit::Limit;
use super::protocol::endpoint::{Endpoint, on};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

/// Returns the routes below the API's prefix.
pub fn api() -> Vec<Endpoint> {
    [accounts(), definitions(), people(), issued(), mails_about_them()].into_iter().flatten().collect()
}

/// Returns the routes for authentication, users and API keys.
#[rustfmt::skip]
fn accounts() -> Vec<Endpoint> {
    vec![
        on(POST, "/auth/login", routes!(auth::login::handle)).public().limited(Limit::Password),
        on(POST, "/auth/forgot-password", routes!(auth::forgot_password::handle)).public().limited(Limit::Password),
        on(POST, "/auth/reset-password", routes!(auth::reset_password::handle)).public().limited(Limit::Password),
        on(POST, "/auth/refresh", routes!(auth::refresh::handle)).public().limited(Limit::Public),
        on(GET, "/auth/me", routes!(auth::me::handle)).with_first_password().even_without_factor(),
        on(POST, "/auth/logout", routes!(auth::logout::handle)).public().limited(Limit::Public),
        on(POST, "/auth/change-password", routes!(auth::change_password::handle)).with_first_password().even_without_factor().limited(Limit::Password),
        on(GET, "/auth/second-factor", routes!(auth::second_factor::state::handle)).signed_in().even_without_factor(),
        on(POST, "/auth/second-factor", routes!(auth::second_factor::begin::handle)).signed_in().even_without_factor().limited(Limit::Password),
        on(DELETE, "/auth/second-factor", routes!(auth::second_factor::remove::handle)).signed_in().even_without_factor().limited(Limit::Password),
        on(POST, "/auth/second-factor/confirm", routes!(auth::second_factor::confirm::handle)).signed_in().even_without_factor(),
        on(POST, "/auth/second-factor/recovery-codes", routes!(auth::second_factor::renew_recovery_codes::handle)).signed_in().even_without_factor(),
        on(GET, "/auth/sessions", routes!(auth::sessions::handle)).signed_in(),
        on(DELETE, "/auth/sessions/{id}", routes!(auth::end_session::handle)).signed_in(),

        on(POST, "/users", routes!(users::create::handle)).may(ManageUsers),
        on(GET, "/users", routes!(users::list::handle)).may(ManageUsers),
        on(GET, "/users/{id}", routes!(users::get::handle)).may(ManageUsers),
        on(PATCH, "/users/{id}", routes!(users::update::handle)).may(ManageUsers),
        on(DELETE, "/users/{id}", routes!(users::delete::handle)).may(ManageUsers),
        on(DELETE, "/users/{id}/second-factor", routes!(users::remove_second_factor::handle)).in_person(ManageUsers),

        on(POST, "/api-keys", routes!(api_keys::create::handle)).in_person(ManageApiKeys),
        on(GET, "/api-keys", routes!(api_keys::list::handle)).may(ManageApiKeys),
        on(GET, "/api-keys/{id}", routes!(api_keys::get::handle)).may(ManageApiKeys),
        on(DELETE, "/api-keys/{id}", routes!(api_keys::revoke::handle)).may(ManageApiKeys),
    ]
}

/// Returns the routes for certificates and templates.
#[rustfmt::skip]
fn definitions() -> Vec<Endpoint> {
    vec![
        on(POST, "/certificates", routes!(certificates::create::handle)).may(ManageCertificates),
        on(GET, "/certificates", routes!(certificates::list::handle)).may(ReadCertificates),
        on(GET, "/certificates/active", routes!(certificates::active::handle)).may(ReadCertificates),
        on(POST, "/certificates/upload-design", routes!(certificates::upload_design::handle)).may(ManageCertificates).upload(),
        on(GET, "/certificates/designs", routes!(certificates::designs::list::handle)).may(ReadCertificates),
        on(GET, "/certificates/designs/info", routes!(certificates::designs::info::handle)).may(ReadCertificates),
        on(GET, "/certificates/designs/{id}", routes!(certificates::designs::get::handle)).may(ReadCertificates),
        on(DELETE, "/certificates/designs/{id}", routes!(certificates::designs::delete::handle)).may(ManageCertificates),
        on(GET, "/certificates/{id}", routes!(certificates::get::handle)).may(ReadCertificates),
        on(PATCH, "/certificates/{id}", routes!(certificates::update::handle)).may(ManageCertificates),
        on(DELETE, "/certificates/{id}", routes!(certificates::delete::handle)).may(ManageCertificates),
        on(POST, "/certificates/{id}/preview", routes!(certificates::preview::handle)).may(ManageCertificates),
        on(POST, "/certificates/{id}/what-if", routes!(certificates::what_if::handle)).may(Issue),
        on(PUT, "/certificates/{id}/toggle-active", routes!(certificates::toggle_active::handle)).may(ManageCertificates),

        on(GET, "/templates", routes!(templates::list::handle)).may(ReadCertificates),
        on(GET, "/templates/{name}", routes!(templates::get::handle)).may(ReadCertificates),
        on(POST, "/templates/own", routes!(own_templates::create::handle)).may(ManageCertificates),
        on(GET, "/templates/own", routes!(own_templates::list::handle)).may(ReadCertificates),
        on(GET, "/templates/own/{id}", routes!(own_templates::get::handle)).may(ReadCertificates),
        on(DELETE, "/templates/own/{id}", routes!(own_templates::delete::handle)).may(ManageCertificates),
        on(POST, "/templates/own/{id}/versions", routes!(own_templates::add_version::handle)).may(ManageCertificates),
        on(GET, "/templates/own/{id}/versions/{version}", routes!(own_templates::source::handle)).may(ReadCertificates),
        on(POST, "/templates/own/{id}/versions/{version}/what-if", routes!(own_templates::what_if::handle)).may(Issue),
        on(POST, "/templates/own/{id}/versions/{version}/activate", routes!(own_templates::activate::handle)).may(ManageCertificates),
    ]
}

/// Returns the routes for people and imports.
#[rustfmt::skip]
fn people() -> Vec<Endpoint> {
    vec![
        on(GET, "/attendees", routes!(attendees::list::handle)).may(ReadAttendees),
        on(POST, "/attendees/bulk", routes!(attendees::bulk::handle)).may(ImportAttendees).upload(),
        on(POST, "/attendees/bulk-upload", routes!(attendees::bulk_upload::handle)).may(ImportAttendees).upload(),
        on(POST, "/attendees", routes!(attendees::create::handle)).may(ManageAttendees),
        on(GET, "/attendees/export", routes!(attendees::export::handle)).may(ReadAttendees),
        on(GET, "/attendees/{id}", routes!(attendees::get::handle)).may(ReadAttendees),
        on(PATCH, "/attendees/{id}", routes!(attendees::update::handle)).may(ManageAttendees),
        on(DELETE, "/attendees/{id}", routes!(attendees::delete::handle)).may(ManageAttendees),
        on(GET, "/imports", routes!(imports::list::handle)).may(ReadAttendees),
        on(GET, "/imports/{id}", routes!(imports::get::handle)).may(ReadAttendees),
        on(GET, "/imports/{id}/report", routes!(imports::report::handle)).may(ReadAttendees),
        on(GET, "/imports/{id}/events", routes!(imports::events::handle)).may(ReadAttendees),
        on(POST, "/imports/{id}/cancel", routes!(imports::cancel::handle)).may(ImportAttendees),
    ]
}

/// Returns the routes for issuances and batches.
#[rustfmt::skip]
fn issued() -> Vec<Endpoint> {
    vec![
        on(POST, "/generated-certificates/generate", routes!(generated_certificates::generate::handle)).may(Issue),
        on(POST, "/generated-certificates/generate/sample", routes!(generated_certificates::sample::handle)).may(Issue),
        on(GET, "/generated-certificates", routes!(generated_certificates::list::handle)).may(ReadIssuances),
        on(GET, "/generated-certificates/export", routes!(generated_certificates::export::handle)).may(ReadIssuances),
        on(POST, "/generated-certificates/{id}/send-email", routes!(generated_certificates::send_email::handle)).may(RetryJobs),
        on(GET, "/generated-certificates/{id}", routes!(generated_certificates::get::handle)).may(ReadIssuances),
        on(POST, "/generated-certificates/{id}/revoke", routes!(generated_certificates::revoke::handle)).may(Revoke),
        on(DELETE, "/generated-certificates/{id}", routes!(generated_certificates::delete::handle)).may(Revoke),
        on(GET, "/batches", routes!(batches::list::handle)).may(ReadIssuances),
        on(GET, "/batches/{id}", routes!(batches::get::handle)).may(ReadIssuances),
        on(GET, "/batches/{id}/certificates.zip", routes!(batches::files::zip::handle)).may(ReadIssuances),
        on(GET, "/batches/{id}/certificates.pdf", routes!(batches::files::pdf::handle)).may(ReadIssuances),
        on(GET, "/batches/{id}/events", routes!(batches::events::handle)).may(ReadIssuances),
        on(POST, "/batches/{id}/cancel", routes!(batches::cancel::handle)).may(Revoke),
        on(POST, "/batches/{id}/undo", routes!(batches::undo::handle)).may(Revoke),
    ]
}

/// Returns the routes for mails and scheduled tasks.
#[rustfmt::skip]
fn mails_about_them() -> Vec<Endpoint> {
    vec![
        on(GET, "/jobs", routes!(jobs::list::handle)).may(ReadJobs),
        on(GET, "/jobs/pending", routes!(jobs::pending::handle)).may(ReadJobs),
        on(POST, "/jobs/process-pending", routes!(jobs::process_pending::handle)).may(RetryJobs),
        on(POST, "/jobs/retry", routes!(jobs::retry_many::handle)).may(RetryJobs),
        on(POST, "/jobs/cancel", routes!(jobs::cancel_many::handle)).may(RetryJobs),
        on(GET, "/jobs/scheduler/status", routes!(jobs::scheduler_status::handle)).may(ReadJobs),
        on(GET, "/jobs/scheduler/runs", routes!(jobs::scheduler_runs::handle)).may(ReadJobs),
        on(GET, "/jobs/scheduler/runs/{id}", routes!(jobs::scheduler_run::handle)).may(ReadJobs),
        on(POST, "/jobs/scheduler/force", routes!(jobs::scheduler_force::handle)).may(RetryJobs),
        on(GET, "/jobs/{id}", routes!(jobs::get::handle)).may(ReadJobs),
        on(PATCH, "/jobs/{id}", routes!(jobs::reschedule::handle)).may(RetryJobs),
        on(POST, "/jobs/{id}/cancel", routes!(jobs::cancel::handle)).may(RetryJobs),
        on(POST, "/jobs/{id}/retry", routes!(jobs::retry::handle)).may(RetryJobs),
    ]
}

/// Returns the routes at the root, which do not have the prefix: URLs that are printed on certificates or set in
/// monitors.
#[rustfmt::skip]
pub fn root() -> Vec<Endpoint> {
    vec![
        on(GET, "/", routes!(pages::index::handle)).public(),
        on(GET, "/verify", routes!(verify::enter::handle)).public().limited(Limit::Public),
        on(GET, "/certificate/{publicId}", routes!(verify::page::handle)).public().limited(Limit::Public),
        on(GET, "/certificate/{publicId}/download", routes!(verify::download::handle)).public().limited(Limit::Public),
        on(GET, "/certificates/design_images/{folder}/{file}", routes!(certificates::design::handle)).public(),

        on(GET, "/reset-password", routes!(pages::reset_password::handle)).public(),

        on(GET, "/health", routes!(health::status::handle)).public(),
        on(GET, "/health/live", routes!(health::live::handle)).public(),
        on(GET, "/health/ready", routes!(health::ready::handle)).public(),

        on(GET, "/api/openapi.json", routes!(pages::openapi_json::handle)).public().limited(Limit::Public),
    ]
}

/// Returns the routes of the mail catcher, which are at the root of a demo stack only.
#[rustfmt::skip]
pub fn caught_mails() -> Vec<Endpoint> {
    vec![
        on(GET, "/mails", routes!(mails::list::handle)).public(),
        on(GET, "/mails/{id}", routes!(mails::get::handle)).public(),
    ]
}
