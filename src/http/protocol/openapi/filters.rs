//! Parameters and schemas of lists, derived from their declarations.

use serde_json::json;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{
    ArrayBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Required, Schema, SchemaFormat, Type,
};

use crate::http::protocol::extract::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::projection::queries::filters::{Filter, Kind, MAX_TEXT, MAX_VALUES};
use crate::projection::queries::listing::List;

/// Returns the parameters of a list: page, sort key, direction and filters.
pub(in crate::http) fn list_parameters(list: &List) -> Vec<Parameter> {
    let cursor = "Cursor of the page: `meta.nextCursor` of the page before. It is valid for the \
                  same filters, sort and order only.";
    let page = "Number of the page, from 1, instead of a cursor. Adds `meta.total`. Pages end at \
                entry 10,000, cursors do not.";
    let sort = "Sort key. Case, accents and punctuation of texts are ignored.";
    let order = "Sort direction. If absent: latest first for times, A to Z for texts.";
    let sorts = one_of(list.sort_names()).default(Some(json!("createdAt")));
    let first = integer().minimum(Some(1));
    let mut parameters = vec![
        parameter(
            "cursor",
            cursor,
            ObjectBuilder::new().schema_type(Type::String),
        ),
        parameter("page", page, first),
        limit_parameter(),
        parameter("sort", sort, sorts),
        parameter("order", order, one_of(["asc", "desc"])),
    ];
    parameters.extend(filter_parameters(list.filters()));
    parameters
}

/// Returns the parameters of an export: format and filters.
pub(in crate::http) fn export_parameters(list: &List) -> Vec<Parameter> {
    let format = one_of(["csv", "xlsx"]).default(Some(json!("csv")));
    let mut parameters = vec![parameter("format", "Format of the file.", format)];
    parameters.extend(filter_parameters(list.filters()));
    parameters
}

/// Returns the parameters of filters.
pub(in crate::http) fn filter_parameters(
    filters: impl IntoIterator<Item = Filter>,
) -> impl Iterator<Item = Parameter> {
    filters.into_iter().map(|filter| {
        let mut described = ParameterBuilder::new()
            .name(filter.name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(filter.about))
            .schema(Some(schema(&filter)));
        if filter.takes_several() {
            described = described
                .style(Some(ParameterStyle::Form))
                .explode(Some(true));
        }
        described.build()
    })
}

/// Returns the parameter `limit`.
pub(in crate::http) fn limit_parameter() -> Parameter {
    let limit = integer()
        .minimum(Some(1))
        .maximum(Some(MAX_LIMIT))
        .default(Some(json!(DEFAULT_LIMIT)));
    parameter("limit", "Entries per page.", limit)
}

/// Returns the schema of a list's filter in a JSON body.
pub(in crate::http) fn filter_schema(list: &List) -> RefOr<Schema> {
    let mut object = ObjectBuilder::new()
        .description(Some("Conditions that an entry must meet, all of them."))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
    for filter in list.filters() {
        object = object.property(filter.name, described(schema(&filter), filter.about));
    }
    object.into()
}

/// Returns a schema that accepts one of these names.
pub(in crate::http) fn one_of(names: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    let names: Vec<&str> = names.into_iter().collect();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names))
}

fn integer() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
}

fn parameter(name: &str, about: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
        .build()
}

/// Returns the schema of a filter's values.
fn schema(filter: &Filter) -> RefOr<Schema> {
    if filter.takes_several() {
        return ArrayBuilder::new()
            .items(item(filter))
            .min_items(Some(1))
            .max_items(Some(MAX_VALUES))
            .into();
    }
    item(filter)
}

fn item(filter: &Filter) -> RefOr<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let known = |format| text().format(Some(SchemaFormat::KnownFormat(format)));
    match filter.kind {
        Kind::Names(names) => Ref::from_schema_name(names.schema).into(),
        Kind::Ids => known(KnownFormat::Uuid).into(),
        Kind::Words | Kind::Texts(_) | Kind::Numbers => text().max_length(Some(MAX_TEXT)).into(),
        Kind::Flag => ObjectBuilder::new().schema_type(Type::Boolean).into(),
        Kind::Created(..) => known(KnownFormat::DateTime).into(),
        Kind::Day(_) => known(KnownFormat::Date).into(),
    }
}

fn described(schema: RefOr<Schema>, about: &str) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.description = Some(about.to_owned());
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.description = Some(about.to_owned());
            RefOr::T(Schema::Array(array))
        }
        other => other,
    }
}
