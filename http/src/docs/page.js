// Shows the two documents. Texts go in as text, never as markup.
const read = async (path) => (await fetch(path)).json();
const [http, socket] = await Promise.all([
  read("/docs/openapi.json"),
  read("/docs/asyncapi.json"),
]);

const element = (name, text, className) => {
  const node = document.createElement(name);
  if (text) node.textContent = text;
  if (className) node.className = className;
  return node;
};

const resolve = (document, schema) => {
  const path = schema?.$ref?.slice(2).split("/");
  return path ? path.reduce((node, part) => node?.[part], document) : schema;
};

const typeOf = (document, schema) => {
  if (schema === true || !schema) return "any";
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.anyOf || schema.oneOf) {
    return (schema.anyOf ?? schema.oneOf).map((one) => typeOf(document, one)).join(" | ");
  }
  if (schema.type === "array") return `${typeOf(document, schema.items)}[]`;
  return [schema.type].flat().join(" | ");
};

const fields = (document, schema) => {
  const resolved = resolve(document, schema);
  const table = element("table");
  for (const [name, field] of Object.entries(resolved?.properties ?? {})) {
    const row = table.insertRow();
    row.insertCell().append(element("code", name));
    row.insertCell().append(element("code", typeOf(document, field)));
    const required = resolved.required?.includes(name) ? "" : "optional. ";
    row.insertCell().textContent = required + (field.description ?? "");
  }
  if (!table.rows.length) table.insertRow().insertCell().textContent = "nothing";
  return table;
};

const entry = (title, summary, parts) => {
  const details = element("details");
  const head = element("summary");
  head.append(...title, " ", element("span", summary, "quiet"));
  details.append(head, ...parts);
  details.dataset.words = details.textContent.toLowerCase();
  return details;
};

const body = (message) => message?.content?.["application/json"]?.schema;
const httpEntries = Object.entries(http.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => {
    const status = Object.keys(operation.responses).find((code) => code !== "default");
    const parts = [];
    if (operation.requestBody) {
      parts.push(element("h4", "Body"), fields(http, body(operation.requestBody)));
    }
    parts.push(element("h4", `Answer ${status}`), fields(http, body(operation.responses[status])));
    const title = [element("span", method, "method"), element("code", path)];
    return entry(title, operation.summary, parts);
  }));

const messages = socket.channels.socket.messages;
const socketEntries = (action) => Object.entries(socket.operations)
  .filter(([, operation]) => operation.action === action)
  .map(([name, operation]) => {
    const data = (message) => fields(socket, messages[message]?.payload.properties.data);
    const parts = [element("h4", "data"), data(name)];
    if (action === "receive") parts.push(element("h4", "data of ok"), data(`${name}_ok`));
    // A signal and a request of one name are two operations.
    const type = messages[name]?.payload.properties.type.const ?? name;
    return entry([element("code", type)], operation.summary, parts);
  });

document.getElementById("http").replaceChildren(...httpEntries);
document.getElementById("requests").replaceChildren(...socketEntries("receive"));
document.getElementById("pushes").replaceChildren(...socketEntries("send"));
document.getElementById("find").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase();
  for (const details of document.querySelectorAll("details")) {
    details.hidden = !details.dataset.words.includes(words);
  }
});
