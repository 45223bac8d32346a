//! Filters of lists. One declaration determines the query parameter, the field of a JSON filter,
//! the SQL condition and the description in the OpenAPI document.

use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{Date, OffsetDateTime, Time};
use uuid::Uuid;

use super::creation::Growing;
use super::listing::Conditions;
use super::search::{document_key, search_key};
use crate::domain::certification::public_id::PublicId;
use crate::domain::clean_line;

/// Maximum number of values of one filter.
pub const MAX_VALUES: usize = 50;
/// Longest text, in characters.
pub const MAX_TEXT: usize = 200;

/// Names that a column can have, such as the states of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names {
    /// Name of the schema in the OpenAPI document.
    pub schema: &'static str,
    /// All names.
    pub all: &'static [&'static str],
}

/// Form in which texts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As given.
    Exact,
    /// In lower case, as e-mail addresses.
    LowerCase,
    /// Without accents, case and separators.
    SearchKey,
    /// In lower case, without spaces and separators.
    Document,
}

impl Form {
    /// Returns the SQL expression of the text `wanted` in this form.
    const fn sql(self) -> &'static str {
        match self {
            Self::Exact => "wanted",
            Self::LowerCase => "lower(wanted)",
            Self::SearchKey => search_key!("wanted"),
            Self::Document => document_key!("wanted"),
        }
    }
}

/// End of a range. Both ends are inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Earliest value.
    From,
    /// Latest value.
    To,
}

/// Kind of a filter's values. Ids, names, texts and numbers can be several; a row must have one of
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text. A row must contain each of its words.
    Words,
    /// UUIDs.
    Ids,
    /// Names of a fixed set.
    Names(Names),
    /// Texts, compared in a form.
    Texts(Form),
    /// Numbers of certificates, in any form that people write.
    Numbers,
    /// True or false.
    Flag,
    /// A day, or a time in RFC 3339, of the creation of rows.
    Created(Bound, Option<Growing>),
    /// A day.
    Day(Bound),
}

/// Filter of a list.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    /// Name of the parameter, in camelCase.
    pub name: &'static str,
    /// Description of the parameter.
    pub about: &'static str,
    /// Kind of its values.
    pub kind: Kind,
    /// SQL condition. `=$$` compares with the values and `$$` is a single value. `$now` is the
    /// current time. For the end of a range, this is the compared column.
    pub sql: &'static str,
}

/// Values of a filter, parsed.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Ids, at least one.
    Ids(Vec<Uuid>),
    /// Texts or names, at least one.
    Texts(Vec<String>),
    /// True or false.
    Flag(bool),
    /// End of a range of times.
    Time(TimeLimit),
    /// End of a range of days.
    Day(Date),
}

/// Reason why the values of a filter are rejected, with a text that says what to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// The filter accepts one value.
    GivenTwice,
    /// A value can't be read.
    WrongType(String),
    /// A value is out of range.
    Invalid(String),
}

impl Value {
    /// Returns true if both values are ends of ranges, and this one is before the other.
    #[must_use]
    pub fn is_before(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Time(this), Self::Time(other)) => this.at < other.at,
            (Self::Day(this), Self::Day(other)) => this < other,
            _ => false,
        }
    }
}

/// End of a range of times, with the comparison that a time in the range meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimit {
    at: OffsetDateTime,
    comparison: &'static str,
}

impl TimeLimit {
    /// Parses a time or a day. A day begins and ends at midnight in UTC; as the latest value, the
    /// whole day is included.
    fn parse(bound: Bound, text: &str) -> Option<Self> {
        if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
            let comparison = match bound {
                Bound::From => ">=",
                Bound::To => "<=",
            };
            return Some(Self { at, comparison });
        }
        let day = parse_day(text)?;
        let (day, comparison) = match bound {
            Bound::From => (day, ">="),
            Bound::To => (day.next_day()?, "<"),
        };
        let at = day.with_time(Time::MIDNIGHT).assume_utc();
        Some(Self { at, comparison })
    }

    /// Returns true if a time is within this end of the range.
    #[must_use]
    pub fn admits(&self, time: OffsetDateTime) -> bool {
        match self.comparison {
            ">=" => time >= self.at,
            "<=" => time <= self.at,
            _ => time < self.at,
        }
    }
}

fn parse_day(text: &str) -> Option<Date> {
    let is_plain = text.len() == 10 && text.as_bytes()[4] == b'-';
    Date::parse(text, &Iso8601::DATE).ok().filter(|_| is_plain)
}

macro_rules! constructors {
    ($($(#[$meta:meta])* $name:ident($($extra:ident: $type:ty)?) = $kind:expr;)+) => {
        $($(#[$meta])*
        #[must_use]
        pub const fn $name(
            name: &'static str,
            $($extra: $type,)?
            about: &'static str,
            sql: &'static str,
        ) -> Self {
            Self { name, about, kind: $kind, sql }
        })+
    };
}

impl Filter {
    constructors! {
        /// Declares a filter by ids.
        ids() = Kind::Ids;
        /// Declares a filter by names.
        names(names: Names) = Kind::Names(names);
        /// Declares a filter by texts.
        texts(form: Form) = Kind::Texts(form);
        /// Declares a filter by numbers of certificates.
        numbers() = Kind::Numbers;
        /// Declares a filter by true or false.
        flag() = Kind::Flag;
        /// Declares an end of a range of days.
        day(bound: Bound) = Kind::Day(bound);
    }

    /// Declares the search of a list.
    #[must_use]
    pub const fn search(about: &'static str, sql: &'static str) -> Self {
        let kind = Kind::Words;
        let name = "search";
        Self {
            name,
            about,
            kind,
            sql,
        }
    }

    /// Declares the two filters by the time of creation.
    #[must_use]
    pub const fn created(column: &'static str, growing: Option<Growing>) -> [Self; 2] {
        let from = "Earliest time of creation, inclusive: RFC 3339, or a day such as 2026-11-21, \
                    which begins at midnight in UTC.";
        let to = "Latest time of creation, inclusive: RFC 3339, or a day such as 2026-11-21, which \
                  ends at midnight in UTC.";
        [
            Self {
                name: "createdFrom",
                about: from,
                kind: Kind::Created(Bound::From, growing),
                sql: column,
            },
            Self {
                name: "createdTo",
                about: to,
                kind: Kind::Created(Bound::To, growing),
                sql: column,
            },
        ]
    }

    /// Returns true if the filter accepts several values.
    #[must_use]
    pub const fn takes_several(&self) -> bool {
        matches!(
            self.kind,
            Kind::Ids | Kind::Names(_) | Kind::Texts(_) | Kind::Numbers
        )
    }

    /// Parses the values that a client gives. Blank texts count as absent.
    ///
    /// # Errors
    /// A value can't be read or is out of range, or there are too many.
    pub fn parse(&self, given: &[String]) -> Result<Option<Value>, Rejected> {
        if self.takes_several() {
            if given.len() > MAX_VALUES {
                let problem = format!("give at most {MAX_VALUES} values");
                return Err(Rejected::Invalid(problem));
            }
        } else if given.len() > 1 {
            return Err(Rejected::GivenTwice);
        }
        let Some(first) = given.first() else {
            return Ok(None);
        };
        let wrong = |problem: &str| Rejected::WrongType(problem.to_owned());
        let value = match self.kind {
            Kind::Words | Kind::Texts(_) => {
                let texts = given.iter().map(|text| plain_text(text));
                let mut texts = texts.collect::<Result<Vec<_>, _>>()?;
                texts.retain(|text| !text.is_empty());
                if texts.is_empty() {
                    return Ok(None);
                }
                Value::Texts(texts)
            }
            Kind::Ids => {
                let ids: Result<_, _> = given.iter().map(|text| Uuid::try_parse(text)).collect();
                Value::Ids(ids.map_err(|_| wrong("give a UUID"))?)
            }
            Kind::Names(names) => {
                let is_unknown = |name: &&String| !names.all.contains(&name.as_str());
                if let Some(unknown) = given.iter().find(is_unknown) {
                    let hint = if unknown.contains(',') {
                        "; repeat the parameter for several"
                    } else {
                        ""
                    };
                    let known = names.all.join(", ");
                    return Err(wrong(&format!("give one or more of {known}{hint}")));
                }
                Value::Texts(given.to_vec())
            }
            Kind::Numbers => {
                let id = |text: &String| PublicId::parse(text).map(|id| id.to_string());
                let ids: Result<_, _> = given.iter().map(id).collect();
                Value::Texts(ids.map_err(|error| Rejected::Invalid(error.to_string()))?)
            }
            Kind::Flag => Value::Flag(first.parse().map_err(|_| wrong("give true or false"))?),
            Kind::Created(bound, _) => {
                let problem = "give a day such as 2026-11-21, or a time such as \
                               2026-11-21T09:00:00Z (RFC 3339)";
                let limit = TimeLimit::parse(bound, first);
                Value::Time(limit.ok_or_else(|| wrong(problem))?)
            }
            Kind::Day(_) => {
                let day = parse_day(first);
                Value::Day(day.ok_or_else(|| wrong("give a day such as 2026-11-21"))?)
            }
        };
        Ok(Some(value))
    }

    /// Adds the conditions for values that this filter parsed.
    #[must_use]
    pub fn apply(&self, conditions: Conditions, value: Value, now: OffsetDateTime) -> Conditions {
        let now = self.sql.contains("$now").then_some(now);
        match value {
            Value::Texts(texts) if self.kind == Kind::Words => {
                conditions.words(self.sql, &texts[0])
            }
            Value::Texts(mut texts) => {
                let form = match self.kind {
                    Kind::Texts(form) => form.sql(),
                    _ => "wanted",
                };
                if texts.len() == 1 {
                    let sql = self.compare(&form.replace("wanted", "$$::text"));
                    return conditions.add(sql, Some(Box::new(texts.swap_remove(0))), now);
                }
                let any = if form == "wanted" {
                    "ANY ($$::text[])".to_owned()
                } else {
                    format!("ANY (ARRAY(SELECT {form} FROM unnest($$::text[]) AS wanted))")
                };
                conditions.add(self.compare(&any), Some(Box::new(texts)), now)
            }
            Value::Ids(ids) if ids.len() == 1 => {
                conditions.add(self.compare("$$::uuid"), Some(Box::new(ids[0])), now)
            }
            Value::Ids(ids) => {
                conditions.add(self.compare("ANY ($$::uuid[])"), Some(Box::new(ids)), now)
            }
            Value::Flag(flag) => conditions.and(self.sql, flag),
            Value::Time(limit) => {
                let within = format!("{} {} $$::timestamptz", self.sql, limit.comparison);
                let sql = match self.kind {
                    Kind::Created(bound, Some(growing)) => {
                        format!("{within} AND {}", growing.condition(self.sql, bound))
                    }
                    _ => within,
                };
                conditions.add(sql, Some(Box::new(limit.at)), None)
            }
            Value::Day(day) => {
                let comparison = match self.kind {
                    Kind::Day(Bound::To) => "<=",
                    _ => ">=",
                };
                let sql = format!("{} {comparison} $$::date", self.sql);
                conditions.add(sql, Some(Box::new(day)), None)
            }
        }
    }

    fn compare(&self, with: &str) -> String {
        self.sql.replace("=$$", &format!("= {with}"))
    }
}

/// Checks a text that a client gives, and normalizes its spaces.
fn plain_text(text: &str) -> Result<String, Rejected> {
    if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        let problem = format!("give at most {MAX_TEXT} characters, without control characters");
        return Err(Rejected::Invalid(problem));
    }
    Ok(clean_line(text))
}
