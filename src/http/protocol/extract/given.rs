//! Values of a list's parameters, from a query string or a JSON object.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::{Map, Value as Json};
use time::OffsetDateTime;

use super::naming::camel_case;
use crate::http::ApiError;
use crate::http::protocol::field_problem::{GIVEN_TWICE, UNKNOWN_FIELD};
use crate::projection::queries::filters::{Bound, Filter, Kind, Rejected, Value};
use crate::projection::queries::listing::{Conditions, List};

/// Values that a client gives, by parameter. A parameter that is repeated has several.
pub struct Given {
    /// Start of the parameters' names in errors, such as `filter.`.
    prefix: &'static str,
    values: BTreeMap<String, Vec<String>>,
    /// Parameters that were taken, given or not.
    known: Vec<&'static str>,
}

impl Given {
    /// Reads a query string, with names in camelCase or snake_case.
    #[must_use]
    pub fn of_query(query: &str) -> Self {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let several = values.entry(camel_case(&name)).or_default();
            several.push(value.into_owned());
        }
        Self {
            prefix: "",
            values,
            known: Vec::new(),
        }
    }

    /// Reads the fields of a JSON filter. A filter that accepts several values is a list.
    ///
    /// # Errors
    /// A field has another type.
    pub fn of_json(
        fields: &Map<String, Json>,
        prefix: &'static str,
        list: &List,
    ) -> Result<Self, ApiError> {
        let mut values = BTreeMap::new();
        for (name, value) in fields {
            let given = match list.filters().find(|filter| filter.name == name) {
                Some(filter) => texts_of(&filter, value),
                None => Ok(Vec::new()),
            };
            let given =
                given.map_err(|problem| ApiError::wrong_type(&format!("{prefix}{name}"), problem));
            values.insert(name.clone(), given?);
        }
        Ok(Self {
            prefix,
            values,
            known: Vec::new(),
        })
    }

    /// Takes all values of a parameter.
    pub fn take(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        self.values.remove(name).unwrap_or_default()
    }

    /// Takes the value of a parameter that accepts one.
    ///
    /// # Errors
    /// 400 if it is given twice.
    pub fn one(&mut self, name: &'static str) -> Result<Option<String>, ApiError> {
        let mut values = self.take(name);
        if values.len() > 1 {
            return Err(self.twice(name));
        }
        Ok(values.pop())
    }

    /// Takes the value of a parameter that accepts one, and parses it.
    ///
    /// # Errors
    /// 400 with `problem` if it can't be parsed, or if it is given twice.
    pub fn parsed<T: FromStr>(
        &mut self,
        name: &'static str,
        problem: &str,
    ) -> Result<Option<T>, ApiError> {
        let Some(value) = self.one(name)? else {
            return Ok(None);
        };
        match value.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(self.wrong_type(name, problem)),
        }
    }

    /// Takes and parses the values of filters.
    ///
    /// # Errors
    /// 400 if a value can't be read; 422 if one is out of range, or a range ends before it begins.
    pub fn values(
        &mut self,
        filters: impl IntoIterator<Item = Filter>,
    ) -> Result<Vec<(Filter, Value)>, ApiError> {
        let mut values = Vec::new();
        let mut start = None;
        for filter in filters {
            let given = self.take(filter.name);
            let parsed = filter.parse(&given);
            let value = parsed.map_err(|rejected| self.rejected(filter.name, &rejected))?;
            match filter.kind {
                Kind::Created(Bound::From, _) | Kind::Day(Bound::From) => start.clone_from(&value),
                Kind::Created(Bound::To, _) | Kind::Day(Bound::To) => {
                    let range = value.as_ref().zip(start.as_ref());
                    if range.is_some_and(|(end, start)| end.is_before(start)) {
                        return Err(self.invalid(filter.name, "is before the start of the range"));
                    }
                }
                _ => {}
            }
            values.extend(value.map(|value| (filter, value)));
        }
        Ok(values)
    }

    /// Takes the filters of a list and returns their conditions.
    ///
    /// # Errors
    /// 400 if a value can't be read; 422 if one is out of range, or a range ends before it begins.
    pub fn conditions(&mut self, list: &List, now: OffsetDateTime) -> Result<Conditions, ApiError> {
        let values = self.values(list.filters())?;
        let add =
            |conditions, (filter, value): (Filter, Value)| filter.apply(conditions, value, now);
        Ok(values.into_iter().fold(Conditions::default(), add))
    }

    /// Rejects parameters that were not taken.
    ///
    /// # Errors
    /// 400 with the first of them.
    pub fn end(self) -> Result<(), ApiError> {
        let Some(unknown) = self.values.keys().next() else {
            return Ok(());
        };
        let name = self.full_name(unknown);
        let problem = format!("is unknown; give one of {}", self.known.join(", "));
        Err(ApiError::malformed(&name, UNKNOWN_FIELD, problem))
    }

    /// Returns the 400 error for a value that can't be read.
    #[must_use]
    pub fn wrong_type(&self, name: &str, problem: &str) -> ApiError {
        ApiError::wrong_type(&self.full_name(name), problem)
    }

    /// Returns the 422 error for a value that is out of range.
    #[must_use]
    pub fn invalid(&self, name: &str, problem: &str) -> ApiError {
        ApiError::field(&self.full_name(name), problem)
    }

    fn twice(&self, name: &str) -> ApiError {
        ApiError::malformed(&self.full_name(name), GIVEN_TWICE, "is given twice")
    }

    fn rejected(&self, name: &str, rejected: &Rejected) -> ApiError {
        match rejected {
            Rejected::GivenTwice => self.twice(name),
            Rejected::WrongType(problem) => self.wrong_type(name, problem),
            Rejected::Invalid(problem) => self.invalid(name, problem),
        }
    }

    fn full_name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// Returns the values of a field as texts.
fn texts_of(filter: &Filter, value: &Json) -> Result<Vec<String>, &'static str> {
    match value {
        Json::Null => Ok(Vec::new()),
        Json::Array(items) if filter.takes_several() && !items.is_empty() => {
            let text = |item: &Json| item.as_str().map(str::to_owned);
            let texts: Option<Vec<String>> = items.iter().map(text).collect();
            texts.ok_or("give a list of texts")
        }
        Json::Bool(flag) if filter.kind == Kind::Flag => Ok(vec![flag.to_string()]),
        Json::String(text) if !filter.takes_several() && filter.kind != Kind::Flag => {
            Ok(vec![text.clone()])
        }
        _ if filter.takes_several() => Err("give a list of one or more texts"),
        _ if filter.kind == Kind::Flag => Err("give true or false"),
        _ => Err("give a text"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::projection::queries::jobs::LIST;

    fn refused(result: Result<Conditions, ApiError>) -> String {
        result.expect_err("refused").details[0].clone()
    }

    fn of_query(query: &str) -> Result<Conditions, ApiError> {
        let mut given = Given::of_query(query);
        let conditions = given.conditions(&LIST, OffsetDateTime::UNIX_EPOCH)?;
        given.end()?;
        Ok(conditions)
    }

    fn of_json(fields: Json) -> Result<Conditions, ApiError> {
        let fields = fields.as_object().expect("an object");
        let mut given = Given::of_json(fields, "filter.", &LIST)?;
        let conditions = given.conditions(&LIST, OffsetDateTime::UNIX_EPOCH)?;
        given.end()?;
        Ok(conditions)
    }

    #[test]
    fn query_and_json_give_the_same_conditions() {
        let id = "5f0c3a52-8a0e-4c1e-9d53-27e10c8bf4a6";
        for (query, fields) in [
            (
                "state=held&state=scheduled",
                json!({"state": ["held", "scheduled"]}),
            ),
            (
                "batch_id=5f0c3a52-8a0e-4c1e-9d53-27e10c8bf4a6",
                json!({"batchId": [id]}),
            ),
            (
                "search=Ada+L&createdTo=2026-11-21",
                json!({"search": "Ada L", "createdTo": "2026-11-21"}),
            ),
            ("search=%20", json!({})),
        ] {
            let conditions = of_query(query).expect(query);
            assert_eq!(
                conditions.identity(),
                of_json(fields).expect(query).identity()
            );
        }
    }

    #[test]
    fn invalid_values_are_rejected_with_the_name() {
        for (query, start) in [
            (
                "colour=red",
                "colour: is unknown; give one of search, status, ",
            ),
            ("from=2026-11-21T09:00:00Z", "from: is unknown"),
            (
                "createdAfter=2026-11-21T09:00:00Z",
                "createdAfter: is unknown",
            ),
            ("search=a&search=b", "search: is given twice"),
            (
                "status=done",
                "status: give one or more of pending, sent, error, cancelled",
            ),
            ("state=held,sent", "state: give one or more of"),
            ("state=", "state: give one or more of"),
            ("batchId=7", "batchId: give a UUID"),
            ("createdFrom=yesterday", "createdFrom: give a day"),
            ("createdFrom=2026-11-21T09:00", "createdFrom: give a day"),
            ("createdTo=2026-W48", "createdTo: give a day"),
            (
                "createdFrom=2026-11-22&createdTo=2026-11-20",
                "createdTo: is before",
            ),
        ] {
            let refused = refused(of_query(query));
            assert!(refused.starts_with(start), "{query}: {refused}");
        }
        let many = ["state=held"; 51].join("&");
        assert!(refused(of_query(&many)).contains("at most 50"));
        assert!(refused(of_query(&format!("search={}", "é".repeat(201)))).contains("at most 200"));
    }

    #[test]
    fn json_values_have_the_documented_types() {
        for (fields, start) in [
            (json!({"state": "held"}), "filter.state: give a list"),
            (json!({"state": []}), "filter.state: give a list"),
            (json!({"state": ["lost"]}), "filter.state: give one or more"),
            (json!({"search": ["a"]}), "filter.search: give a text"),
            (json!({"search": true}), "filter.search: give a text"),
            (json!({"colour": 1}), "filter.colour: is unknown"),
        ] {
            let refused = refused(of_json(fields));
            assert!(refused.starts_with(start), "{refused}");
        }
        assert!(of_json(json!({"state": null})).expect("absent").is_empty());
    }
}
