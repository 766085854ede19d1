// What is behind an item of the ladder: the decoded Message and Record, the MTP frames, all bytes, and the findings that point at it.

/** Fills `place` with an item. `lines` are who takes part, `back` leads to a finding, `close` shuts the inspector. */
function inspect(place, item, findings, { lines, back, close }) {
  const title = el("h3", { id: "inspector-title", tabindex: "-1" }, headline(item));
  const shut = el("button", { type: "button", class: "quiet", "aria-label": "Close", on: { click: close } }, "✕");
  place.replaceChildren(el("div", { class: "inspector-head" }, title, shut), facts(item, lines), foundHere(findings, back), ...contents(item, lines));
  place.hidden = false;
  place.scrollTop = 0;
}

function headline(item) {
  if (item.type === "arrow") return [item.name, item.step?.label ? el("span", { class: "label" }, ` “${item.step.label}”`) : ""];
  if (item.type === "connection") return [`Connection ${item.connection}: ${item.name}`];
  if (item.type === "step") return [stepWords(item.step)];
  if (item.type === "step_end") return [`${stepWords(item.step)}: end`];
  return [{ captured: "Captured value", eut: "Control of the EUT", clean_up: "Clean-up", note: "Note" }[item.type] ?? item.type];
}

function facts(item, lines) {
  const list = el("dl", { class: "list" });
  const add = (name, value) => list.append(el("dt", {}, name), el("dd", {}, value));
  add("event", `#${item.seq}, ${clock(item.at)} s after the first`);
  if (item.type === "arrow") add("way", wayWords(item, item.direction, lines));
  if (item.type === "connection") add("is", betweenWords(item, lines));
  if (item.connection) add("connection", item.connection > 1000 ? `${item.connection}, of the second Controller` : String(item.connection));
  if (item.type === "arrow" && item.step) add("step", stepWords(item.step));
  if (item.msg_id) add("msg_id", item.msg_id);
  if (item.type === "step") add("does", item.action);
  if (item.type === "step_end") add("how", endWords(item.outcome));
  if (item.type === "step_end" && Number.isInteger(item.outcome?.done?.matched)) add("matched", `#${item.outcome.done.matched}`);
  if (item.type === "captured") add(item.name, item.value);
  if (item.type === "eut") add(item.action, `${item.outcome}${item.ok ? "" : " (failed)"}`);
  if (item.type === "clean_up") add("state", cleanUpWords(item.differences));
  if (item.type === "note") add("text", item.text);
  return list;
}

/** From the arrow back to the findings. */
function foundHere(findings, back) {
  if (findings.length === 0) return "";
  const links = findings.map(({ metric, finding }) => el("li", {}, el("button", { type: "button", class: "back", on: { click: () => back(finding) } }, icon(finding.outcome), ` ${/^[0-9]/.test(metric.metric) ? "metric " : ""}${metric.metric}: ${finding.outcome}`, finding.outcome === "met" ? "" : el("span", { class: "seen" }, ` ${finding.seen}`))));
  return el("div", { class: "found" }, el("h4", {}, "Findings that point here"), el("ul", {}, links));
}

function contents(item, lines) {
  const { message, record, ...other } = item.decoded ?? {};
  const parts = [];
  if (message) parts.push(section("Message", [tree(message)], true));
  if (record) parts.push(section("Record", [tree(record)], true));
  if (Object.keys(other).length > 0 || typeof item.decoded === "string") parts.push(section("Decoded", [tree(typeof item.decoded === "string" ? item.decoded : other)], true));
  if (item.record) parts.push(section(`Record as bytes, ${sizeOf(item.record)}`, bytesBlock(item.record), !item.decoded));
  for (const frame of item.frames ?? []) parts.push(frameSection(frame, item));
  if (item.details) parts.push(section("Details", [tree(item.details)], true));
  for (const part of item.octets ?? []) parts.push(section(`Octets ${wayWords(item, part.direction, lines)}${part.hidden ? "" : `, ${sizeOf(part.bytes)}`}`, partBlock(part), false));
  return parts;
}

function frameSection(frame, item) {
  const same = frame.payload?.same === true && item.record !== undefined && item.record !== null;
  const payload = same ? item.record : frame.payload;
  const told = same ? [el("p", { class: "note" }, "The payload is the Record.")] : payload?.hex ? [el("h5", {}, "Payload"), ...bytesBlock(payload)] : [];
  return section(`MTP frame ${frame.kind}, ${sizeOf(payload)} payload`, [tree(frame.fields ?? {}), ...told, el("h5", {}, "On the wire"), ...wireBlock(frame.wire, payload)], true);
}

const section = (title, inside, open) => el("details", { class: "part", open }, el("summary", {}, title), ...inside);

/** From so many entries on, the inside of a value is drawn when it is opened. */
const MANY = 60;

/** A value of JSON as nested lists. */
function tree(value) {
  if (value === null || typeof value !== "object") return el("span", { class: `value ${value === "" ? "nothing" : typeof value}` }, value === "" ? "empty" : String(value));
  const entries = Object.entries(value);
  if (entries.length === 0) return el("span", { class: "value nothing" }, Array.isArray(value) ? "empty list" : "empty");
  return el("ul", { class: "tree" }, entries.map(([name, inside]) => branch(Array.isArray(value) ? `[${name}]` : name, inside)));
}

function branch(name, inside) {
  const key = el("span", { class: "key" }, name);
  const size = inside && typeof inside === "object" ? Object.keys(inside).length : 0;
  if (size === 0) return el("li", {}, key, " ", tree(inside));
  if (size < MANY) return el("li", {}, el("details", { open: true }, el("summary", {}, key), tree(inside)));
  const closed = el("details", {}, el("summary", {}, key, ` ${plural(size, "entry", "entries")}`));
  closed.addEventListener("toggle", () => closed.append(tree(inside)), { once: true });
  return el("li", {}, closed);
}
