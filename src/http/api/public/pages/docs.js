"use strict";
// All texts become text nodes, never markup.
const byId = (id) => document.getElementById(id);
const make = (tag, values, ...parts) => {
  const element = Object.assign(document.createElement(tag), values);
  element.append(...parts.filter((part) => part !== undefined && part !== ""));
  return element;
};

// Loads the document when the first operation is opened.
let loading;
const load = () => (loading ??= fetch("/api/openapi.json").then((response) => {
  if (!response.ok) {
    loading = undefined;
    throw new Error(`the document cannot be loaded: ${response.status}`);
  }
  return response.json();
}));

// Returns a text with `code` and paragraphs as elements.
const prose = (text) => (text ?? "").split(/\n{2,}/).filter((part) => part.trim()).map((part) =>
  make("p", {}, ...part.split("`").map((piece, n) => (n % 2 ? make("code", {}, piece) : piece))));

const showOperation = (api, entry) => {
  const { method, path } = entry.dataset;
  const operation = api.paths[path][method];
  const follow = (part) => part?.$ref
    ? follow(part.$ref.slice(2).split("/").reduce((place, key) => place[key], api))
    : part ?? {};

  const plain = (schema) => {
    const choices = schema.oneOf ?? schema.anyOf;
    return choices ? follow(choices.find((one) => one.type !== "null")) : schema;
  };
  const nameOf = (given) => {
    const schema = plain(follow(given));
    const types = [schema.type ?? "object"].flat().filter((one) => one !== "null");
    if (schema.items) return `list of ${nameOf(schema.items)}`;
    return schema.format ?? types.join(" or ");
  };
  const about = (given) => {
    const schema = follow(given);
    const facts = [
      (plain(schema).enum ?? []).join(", "),
      schema.default !== undefined && `default ${JSON.stringify(schema.default)}`,
      schema.minimum !== undefined && `from ${schema.minimum}`,
      schema.maximum !== undefined && `to ${schema.maximum}`,
      schema.maxLength !== undefined && `at most ${schema.maxLength} characters`,
    ].filter(Boolean).join("; ");
    return [...prose(given.description ?? schema.description), facts ? make("small", {}, facts) : ""];
  };
  // Returns the schema of an object, or of the objects in a list.
  const objectOf = (given) => {
    const schema = plain(follow(given));
    return schema.items ? objectOf(schema.items) : schema;
  };
  // Returns the fields of a schema. Those of an inner object are built when it is opened.
  const fields = (given) => {
    const schema = objectOf(given);
    const parts = [schema, ...(schema.allOf ?? []).map(follow)];
    const properties = Object.assign({}, ...parts.map((part) => part.properties ?? {}));
    const required = parts.flatMap((part) => part.required ?? []);
    const rows = Object.entries(properties).map(([name, field]) => {
      const inner = objectOf(field);
      const more = inner.properties || inner.allOf ? folded("Fields", () => fields(field)) : "";
      return row(name, nameOf(field), required.includes(name), ...about(field), more);
    });
    return rows.length ? make("table", {}, ...rows) : make("p", {}, nameOf(given));
  };
  const row = (name, type, isRequired, ...rest) => make("tr", {},
    make("th", {}, make("code", {}, name), make("br"), make("small", {}, isRequired ? `${type}, required` : type)),
    make("td", {}, ...rest));
  const folded = (title, content) => {
    const box = make("details", {}, make("summary", {}, title));
    box.addEventListener("toggle", () => box.open && box.childElementCount === 1 && box.append(content()));
    return box;
  };

  const form = make("form", {});
  const inputs = [];
  const field = (place, name, schema, isRequired, ...rest) => {
    const { type, enum: words } = plain(follow(schema));
    const values = type === "boolean" ? ["true", "false"] : words;
    const isFile = nameOf(schema).endsWith("binary");
    const input = values
      ? make("select", {}, make("option", { value: "" }), ...values.map((value) => make("option", {}, value)))
      : make("input", { type: isFile ? "file" : "text" });
    input.ariaLabel = name;
    input.required = isRequired;
    inputs.push({ place, name, input });
    return row(name, `${nameOf(schema)}, ${place}`, isRequired, input, ...rest);
  };
  const parameters = (operation.parameters ?? []).map(follow).map((parameter) =>
    field(parameter.in, parameter.name, parameter.schema, parameter.required ?? false,
      ...about({ ...follow(parameter.schema), description: parameter.description })));
  if (parameters.length) form.append(make("h3", {}, "Parameters"), make("table", {}, ...parameters));

  const [kind, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  let body;
  if (kind === "application/json") {
    body = make("textarea", { value: JSON.stringify(media.example ?? {}, undefined, 2), ariaLabel: "body" });
    form.append(make("h3", {}, "Body"), body, folded("Fields of the body", () => fields(media.schema)));
  } else if (kind) {
    const schema = follow(media.schema);
    const rows = Object.entries(schema.properties ?? {}).map(([name, part]) =>
      field("form", name, part, (schema.required ?? []).includes(name), ...about(part)));
    form.append(make("h3", {}, "Form"), make("table", {}, ...rows));
  }

  const answer = make("div", { role: "status" });
  form.append(make("button", {}, "Send"), answer);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    answer.replaceChildren("…");
    try {
      answer.replaceChildren(...await send(method, path, inputs, kind, body));
    } catch (error) {
      answer.replaceChildren(`The request was not answered: ${error.message}`);
    }
  });

  const responses = Object.entries(operation.responses).map(([status, given]) => {
    const response = follow(given);
    const [type, content] = Object.entries(response.content ?? {})[0] ?? [];
    const isError = status >= 400;
    return make("tr", {}, make("th", {}, make("code", {}, status), " ", make("small", {}, type ?? "")),
      make("td", {}, ...prose(response.description),
        content?.schema && !isError ? folded("Fields", () => fields(content.schema)) : "",
        content?.example && !isError
          ? folded("Example", () => make("pre", {}, JSON.stringify(content.example, undefined, 2))) : ""));
  });
  entry.append(make("div", {}, ...prose(operation.description), form, make("h3", {}, "Responses"),
    make("table", {}, ...responses)));
};

// Sends the request of a form and returns the answer as elements.
const send = async (method, path, inputs, kind, body) => {
  const headers = new Headers();
  const query = new URLSearchParams();
  const form = new FormData();
  let address = path;
  for (const { place, name, input } of inputs) {
    const value = input.type === "file" ? input.files[0] : input.value;
    if (value === undefined || value === "") continue;
    if (place === "path") address = address.replace(`{${name}}`, encodeURIComponent(value));
    if (place === "query") query.append(name, value);
    if (place === "header") headers.set(name, value);
    if (place === "form") form.append(name, value);
  }
  if (byId("token").value) headers.set("Authorization", `Bearer ${byId("token").value.trim()}`);
  if (body) headers.set("Content-Type", kind);
  const response = await fetch(query.size ? `${address}?${query}` : address, {
    method: method.toUpperCase(), headers, body: body ? body.value : kind ? form : undefined,
  });
  const type = response.headers.get("Content-Type") ?? "";
  const known = ["Location", "ETag", "X-Event-Position", "Retry-After", "X-Request-Id"];
  const shown = known.filter((name) => response.headers.has(name))
    .map((name) => `${name}: ${response.headers.get(name)}\n`);
  const parts = [make("pre", {}, `${response.status} ${response.statusText}\n`, ...shown)];
  if (type.includes("json")) {
    const json = await response.json();
    if (json.data?.access_token) byId("token").value = json.data.access_token;
    parts.push(make("pre", {}, JSON.stringify(json, undefined, 2)));
  } else if (type.startsWith("text/")) {
    parts.push(make("pre", {}, await response.text()));
  } else if (type) {
    const href = URL.createObjectURL(await response.blob());
    parts.push(make("a", { href, download: address.split("/").pop() }, `Save the file (${type})`));
  }
  return parts;
};

for (const paragraph of document.querySelectorAll(".prose")) {
  paragraph.replaceWith(...prose(paragraph.textContent));
}
const entries = [...document.querySelectorAll("section > details")];
for (const entry of entries) {
  entry.addEventListener("toggle", async () => {
    if (!entry.open || entry.childElementCount > 1) return;
    try {
      showOperation(await load(), entry);
    } catch (error) {
      entry.append(make("div", {}, error.message));
    }
  });
}
byId("search").addEventListener("input", ({ target }) => {
  const words = target.value.toLowerCase().split(/\s+/);
  for (const entry of entries) {
    const text = `${entry.textContent} ${entry.id}`.toLowerCase();
    entry.hidden = !words.every((word) => text.includes(word));
  }
  for (const section of document.querySelectorAll("section")) {
    section.hidden = !section.querySelector("details:not([hidden])");
  }
});
const openLinked = () => {
  const entry = byId(location.hash.slice(1));
  if (entry?.tagName === "DETAILS") entry.open = true;
};
addEventListener("hashchange", openLinked);
openLinked();
