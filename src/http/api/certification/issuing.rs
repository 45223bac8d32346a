//! Date of certificates and delivery of their mails, as given in requests.

use time::Date;

use super::delivery::Delivery;
use crate::domain::certification::issue_date;
use crate::domain::certification::mail::MailDelivery;
use crate::http::{ApiError, HttpState};

/// Delivery and date of new certificates as given in a request, unchecked.
pub struct AskedIssuing {
    /// Delivery of their mails.
    pub delivery: Delivery,
    /// Date on the certificates.
    pub issue_date: Option<String>,
}

/// Delivery and date of new certificates.
#[derive(Clone, Copy, Debug)]
pub struct Issuing {
    /// Delivery of their mails.
    pub delivery: MailDelivery,
    /// Date on the certificates. If absent, the date of the definition applies, or else the date of
    /// issuing.
    pub issue_date: Option<Date>,
}

impl AskedIssuing {
    /// Parses and checks time and date.
    ///
    /// # Errors
    /// 400 if the time or the date is malformed; 422 if it is out of range.
    pub fn checked(&self, http: &HttpState) -> Result<Issuing, ApiError> {
        let delivery = self.delivery.checked(http.now())?;
        Ok(Issuing {
            delivery,
            issue_date: checked_date(http, self.issue_date.as_deref())?,
        })
    }
}

/// Parses the field `issueDate`. A blank text counts as absent.
///
/// # Errors
/// 400 if the date is malformed; 422 if it is out of range.
pub fn checked_date(http: &HttpState, text: Option<&str>) -> Result<Option<Date>, ApiError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let date =
        issue_date::parse(text).map_err(|problem| ApiError::wrong_type("issueDate", problem))?;
    issue_date::check(date, http.today())
        .map_err(|problem| ApiError::field("issueDate", problem))?;
    Ok(Some(date))
}
