//! Date of certificates and delivery of their mails, in the form in which clients send them.

use time::Date;

use super::delivery::Delivery;
use crate::domain::certification::issue_date;
use crate::domain::certification::mail::MailDelivery;
use crate::http::{ApiError, HttpState};

/// Date of new certificates and delivery of their mails, in the form in which clients send them.
/// Not checked yet.
pub struct AskedIssuing {
    /// Delivery of the mails.
    pub delivery: Delivery,
    /// Date on the certificates.
    pub issue_date: Option<String>,
}

/// Checked date of new certificates and delivery of their mails.
#[derive(Clone, Copy, Debug)]
pub struct Issuing {
    /// Delivery of the mails.
    pub delivery: MailDelivery,
    /// Date on the certificates. If absent, it is the date in the definition, or the date of
    /// issuing if the definition has none.
    pub issue_date: Option<Date>,
}

impl AskedIssuing {
    /// Parses the form fields `delivery` and `issueDate`. Does not check the times.
    pub fn of_fields(delivery: Option<&str>, issue_date: Option<&str>) -> Self {
        Self {
            delivery: delivery.map(Delivery::of_field).unwrap_or_default(),
            issue_date: issue_date.map(str::to_owned),
        }
    }

    /// Parses and checks the date and the delivery time.
    ///
    /// # Errors
    /// 400 if the delivery time or the date is malformed; 422 if it is out of range.
    pub fn checked(&self, http: &HttpState) -> Result<Issuing, ApiError> {
        let delivery = self.delivery.checked(http)?;
        Ok(Issuing {
            delivery,
            issue_date: checked_date(http, self.issue_date.as_deref())?,
        })
    }
}

/// Parses the field `issueDate`. A blank text is treated as absent.
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
