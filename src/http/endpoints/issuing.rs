//! Date of certificates and delivery of their mails, as requests give them.

use time::Date;

use super::delivery::Delivery;
use crate::domain::email::MailDelivery;
use crate::domain::issue_date;
use crate::http::{ApiError, HttpState};

/// Delivery and date of new certificates as a request gives them, unchecked.
pub struct AskedIssuing {
    /// When their mails may go out.
    pub delivery: Delivery,
    /// The date on them.
    pub issue_date: Option<String>,
}

/// Delivery and date of new certificates.
#[derive(Clone, Copy, Debug)]
pub struct Issuing {
    /// When their mails may go out.
    pub delivery: MailDelivery,
    /// The date on them; absent for the definition's, or else the date of issuing.
    pub issue_date: Option<Date>,
}

impl AskedIssuing {
    /// Returns it with time and date read.
    ///
    /// # Errors
    /// The time is past or too far ahead, or the date cannot be meant.
    pub fn checked(&self, http: &HttpState) -> Result<Issuing, ApiError> {
        let delivery = self.delivery.checked(http.now())?;
        Ok(Issuing { delivery, issue_date: checked_date(http, self.issue_date.as_deref())? })
    }
}

/// Reads the field `issueDate`; a blank one counts as absent.
///
/// # Errors
/// The date cannot be meant.
pub fn checked_date(http: &HttpState, text: Option<&str>) -> Result<Option<Date>, ApiError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let date = issue_date::parse(text, http.today());
    date.map(Some).map_err(|problem| ApiError::field("issueDate", problem))
}
