// Builds elements. Data becomes text nodes and attributes of a known kind, never markup.

const ATTRIBUTES = new Set([
  "aria-controls", "aria-expanded", "aria-label", "aria-labelledby", "aria-pressed", "aria-selected", "aria-hidden", "class", "colspan", "for", "id", "list",
  "name", "open", "placeholder", "role", "rowspan", "scope", "tabindex", "title", "type", "value",
]);

/** An element with attributes, and with texts and nodes inside. `on` has listeners; `data` has data attributes. */
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (ATTRIBUTES.has(name)) node.setAttribute(name, value === true ? "" : value);
    else throw new TypeError(`no attribute ${name}`);
  }
  node.append(...children.flat().filter(child => child !== null && child !== undefined && child !== ""));
  return node;
}

/** An element of SVG; its attributes are our own. */
function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(name, value);
  node.append(...children.flat().filter(child => child !== null && child !== undefined && child !== ""));
  return node;
}

const byId = id => document.getElementById(id);

/** A link within the page: the state that it leads to stands in the fragment. */
function inner(fragment, attributes, ...children) {
  const node = el("a", attributes, ...children);
  node.href = `#${fragment}`;
  return node;
}

const REQUIREMENT = /^R-[A-Z0-9]+\.[0-9]+[a-z]?$/;

/** A requirement, as link to its text in TR-369 where it is one of TR-369's. */
function requirement(id) {
  if (!REQUIREMENT.test(id)) return el("span", { class: "requirement" }, id);
  const node = el("a", { class: "requirement", title: `${id} in TR-369` }, id);
  node.href = `https://usp.technology/specification/#${id.toLowerCase()}`;
  node.rel = "noreferrer";
  return node;
}

/** The nodes with this separator between them. */
const joined = (nodes, separator = ", ") => nodes.flatMap((node, place) => (place > 0 ? [separator, node] : [node]));

/** Minutes and seconds; rounded first, so that there are never 60 seconds beside a minute. */
function minutes(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** A length of time for people, from milliseconds. */
function length(ms) {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 120000) return `${(ms / 1000).toFixed(1)} s`;
  return minutes(ms / 1000);
}

/** A timestamp without the fractions of its second. */
const moment = text => text.replace(/^(.{10})T(.{8})(?:\.[0-9]+)?Z$/, "$1 $2 UTC");

const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
