// Renders /openapi.json: every operation with its parameters, bodies, answers, refusals and a curl. Loads nothing from elsewhere.

const METHODS = ["get", "post", "put", "patch", "delete"];

/** Makes an element; strings become text, never markup. */
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function resolve(schema, api) {
  const name = schema?.$ref?.split("/").pop();
  return name ? (api.components.schemas[name] ?? {}) : (schema ?? {});
}

/** An example that fits a schema: its own, else one built from its properties. */
function example(schema, api, depth = 0) {
  const found = resolve(schema, api);
  if (found.examples?.length) return found.examples[0];
  for (const key of ["example", "const", "default"]) if (key in found) return found[key];
  if (found.enum) return found.enum[0];
  const variants = found.anyOf ?? found.oneOf ?? found.allOf;
  if (variants) return depth < 6 ? example(variants[0], api, depth + 1) : null;
  if (found.properties) {
    const entries = Object.entries(found.properties);
    return depth < 6 ? Object.fromEntries(entries.map(([key, inner]) => [key, example(inner, api, depth + 1)])) : {};
  }
  if (found.type === "array") return depth < 6 ? [example(found.items, api, depth + 1)] : [];
  if (found.type === "string") return found.format === "uuid" ? "01932f6e-7c1f-7b0a-8d7e-0a5b5a1c2d3e" : "text";
  return { integer: 1, number: 1, boolean: true }[found.type] ?? null;
}

function typeName(schema, api) {
  if (!schema) return "";
  if (schema.$ref) {
    const found = resolve(schema, api);
    return found.enum ? found.enum.join(" | ") : schema.$ref.split("/").pop();
  }
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants) return variants.map((variant) => typeName(variant, api)).join(" | ");
  if (schema.type === "array") return `list of ${typeName(schema.items, api)}`;
  if (schema.enum) return schema.enum.join(" | ");
  return [schema.type, schema.format && `(${schema.format})`].filter(Boolean).join(" ");
}

function table(rows) {
  return element("table", {}, ...rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell)))));
}

function parameterRows(operation, api) {
  return (operation.parameters ?? []).map((parameter) => [
    parameter.name,
    `${parameter.in}${parameter.required ? ", required" : ""}`,
    typeName(parameter.schema, api),
    parameter.description ?? "",
  ]);
}

function schemaRows(schema, api) {
  const found = resolve(schema, api);
  const required = new Set(found.required ?? []);
  return Object.entries(found.properties ?? {}).map(([name, property]) => [
    name,
    required.has(name) ? "required" : "",
    typeName(property, api),
    property.description ?? "",
  ]);
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function curl(method, path, operation, api) {
  const lines = [`curl -X ${method.toUpperCase()} ${quoted(location.origin + path)}`];
  if (operation.security?.length) lines.push("-H \"Authorization: Bearer $TOKEN\"");
  for (const parameter of operation.parameters ?? []) {
    if (parameter.in !== "header" || !parameter.required) continue;
    if (parameter.name === "Idempotency-Key") lines.push('-H "Idempotency-Key: try-$(date +%s)"');
    else lines.push(`-H ${quoted(`${parameter.name}: ${parameter.name === "If-Match" ? '"1"' : "text"}`)}`);
  }
  const content = Object.entries(operation.requestBody?.content ?? {})[0];
  if (content) {
    const [kind, body] = content;
    lines.push(`-H 'Content-Type: ${kind}'`);
    lines.push(kind.endsWith("json") ? `-d ${quoted(JSON.stringify(example(body.schema, api)))}` : "--data-binary @file");
  }
  return lines.join(" \\\n  ");
}

function section(title, content) {
  return content ? [element("h3", {}, title), content] : [];
}

function bodySection(title, content, api) {
  const [kind, body] = Object.entries(content ?? {})[0] ?? [];
  if (!kind) return [];
  const rows = schemaRows(body.schema, api);
  const shown = kind.endsWith("json") ? JSON.stringify(example(body.schema, api), null, 2) : kind;
  return [element("h3", {}, `${title} · ${kind}`), rows.length ? table(rows) : null, element("pre", {}, shown)].filter(Boolean);
}

function answers(operation, api) {
  const parts = [];
  const refusals = [];
  for (const [status, response] of Object.entries(operation.responses ?? {})) {
    const problem = response.content?.["application/problem+json"];
    if (problem) {
      for (const [code, shown] of Object.entries(problem.examples ?? {})) refusals.push([status, code, shown.value?.detail ?? ""]);
    } else {
      parts.push(...(bodySection(`Answer ${status}`, response.content, api)));
      if (!response.content) parts.push(element("h3", {}, `Answer ${status} · ${response.description}`));
    }
  }
  return [...parts, ...section("Refusals", refusals.length ? table(refusals) : null)];
}

/** Browsers give the clipboard to pages from this machine and over TLS only. */
function copyButton(text) {
  if (!navigator.clipboard) return "";
  const button = element("button", { type: "button" }, "Copy curl");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy curl"; }, 1500);
  });
  return button;
}

/** Fills an operation when it is opened for the first time; two hundred of them at once would be slow on a phone. */
function fill(inside, method, path, operation, api) {
  const command = curl(method, path, operation, api);
  const parameters = parameterRows(operation, api);
  inside.append(
    element("p", {}, operation.description ?? ""),
    element("pre", {}, command),
    copyButton(command),
    ...section("Parameters", parameters.length ? table(parameters) : null),
    ...bodySection("Body", operation.requestBody?.content, api),
    ...answers(operation, api),
  );
}

function card(method, path, operation, api) {
  const inside = element("div", { class: "inside" });
  const summary = element(
    "summary", {},
    element("span", { class: "method" }, method.toUpperCase()),
    element("span", { class: "path" }, path),
    element("span", { class: "title" }, operation.summary ?? ""),
  );
  const made = element("details", { id: operation.operationId }, summary, inside);
  made.addEventListener("toggle", () => {
    if (made.open && !inside.hasChildNodes()) fill(inside, method, path, operation, api);
  });
  made.dataset.words = [method, path, operation.operationId, operation.summary, JSON.stringify(operation.responses)].join(" ").toLowerCase();
  return made;
}

function grouped(api) {
  const groups = new Map((api.tags ?? []).map((tag) => [tag.name, { about: tag.description ?? "", cards: [] }]));
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((each) => methods[each])) {
      const tag = methods[method].tags?.[0] ?? "other";
      if (!groups.has(tag)) groups.set(tag, { about: "", cards: [] });
      groups.get(tag).cards.push(card(method, path, methods[method], api));
    }
  }
  return [...groups].filter(([, group]) => group.cards.length);
}

function show(api) {
  document.getElementById("version").textContent = api.info.version;
  const sections = grouped(api).map(([tag, group]) =>
    element("section", {}, element("h2", {}, tag), element("p", { class: "about" }, group.about), ...group.cards));
  document.getElementById("operations").replaceChildren(...sections);
  const wanted = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (wanted?.matches("details")) {
    wanted.open = true;
    wanted.scrollIntoView();
  }
}

function filter(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const part of document.querySelectorAll("section")) {
    let visible = 0;
    for (const each of part.querySelectorAll("details")) {
      each.hidden = !words.every((word) => each.dataset.words.includes(word));
      visible += each.hidden ? 0 : 1;
    }
    part.hidden = visible === 0;
  }
}

document.getElementById("filter").addEventListener("input", (event) => filter(event.target.value));
try {
  const response = await fetch("/openapi.json");
  show(await response.json());
} catch {
  document.getElementById("operations").replaceChildren(element("p", {}, "The description could not be loaded; try again in a moment."));
}
