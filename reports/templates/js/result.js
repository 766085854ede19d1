// One result: what it came to, its metrics and findings, and the ladder of its exchange.

/** What the open result's parts are told; null while none is open. */
let opened = null;

/** Shows the result that the state names, and the event in it. */
async function showResult(shown) {
  const result = byName.get(state.result);
  if (!result) {
    byId("result").replaceChildren(el("p", { class: "banner warning", id: "result-title", tabindex: "-1" }, `This page has no result ${state.result}.`), inner(fragment({ result: "", event: "" }), { class: "quiet" }, "All results"));
    document.body.classList.remove("inspecting");
    opened = null;
    byId("result-title").focus({ preventScroll: true });
    return;
  }
  if (opened?.result !== result) {
    opened = { result };
    document.body.classList.remove("inspecting");
    byId("result").replaceChildren(resultHead(result, shown));
    window.scrollTo(0, 0);
    await fill(result);
  } else {
    byId("result").firstChild.replaceWith(resultHead(result, shown));
  }
  if (opened?.result === result) opened.pick?.(state.event);
}

async function fill(result) {
  const article = byId("result");
  const facts = resultFacts(result);
  facts.firstChild.id = "result-title";
  facts.firstChild.tabIndex = -1;
  article.append(facts);
  facts.firstChild.focus({ preventScroll: true });
  if (result.detail === undefined) return;
  try {
    const detail = await detailOf(result);
    if (opened?.result === result) fillDetail(article, result, detail);
  } catch (cause) {
    article.append(el("p", { class: "banner warning" }, `The detail of this result cannot be read; the file may be damaged. (${cause.message})`));
  }
}

function resultHead(result, shown) {
  const place = shown.indexOf(result);
  const step = (to, words, key) => (to ? inner(fragment({ result: to.name, event: "" }), { class: "quiet", title: `${to.kase.id} ${where(to)}: ${to.word} (key ${key})`, id: `result-${key}` }, words) : el("span", { class: "quiet off" }, words));
  return el("div", { class: "result-bar" },
    inner(fragment({ result: "", event: "" }), { class: "quiet", id: "result-back" }, "← All results"),
    el("span", { class: "spread" }),
    el("span", { class: "position" }, place < 0 ? "not among the filtered" : `${place + 1} of ${shown.length}`),
    step(shown[place - 1], "‹ previous", "p"), step(place < 0 ? undefined : shown[place + 1], "next ›", "n"));
}

const fact = (name, ...value) => el("div", {}, el("dt", {}, name), el("dd", {}, ...value));

function resultFacts({ kase, word, reason, alternates, ms, ...result }) {
  const title = el("h2", {}, badge(word), " ", el("span", { class: "id" }, kase.id), " ", kase.title);
  const list = el("dl", { class: "facts" });
  const add = (name, ...value) => list.append(fact(name, ...value));
  add("over", where(result));
  if (kase.requirements.length > 0) add("requirements", ...joined(kase.requirements.map(requirement)));
  if (kase.features.length > 0) add("features", kase.features.join(", "));
  if (kase.needs.length > 0) add("needs", kase.needs.join(", "));
  for (const [element, used] of Object.entries(alternates ?? {})) add("alternate", el("code", {}, element), " = ", el("code", {}, used));
  if (ms !== undefined) add("took", length(ms));
  return el("div", { class: "result-facts" }, title,
    reason ? el("p", { class: `reason ${kindClass(word)}` }, reason) : "",
    kase.disputed ? el("p", { class: "banner disputed" }, el("strong", {}, "Disputed: "), kase.disputed) : "",
    kase.deprecated ? el("p", { class: "banner disputed" }, kase.deprecated) : "",
    list);
}

function fillDetail(article, result, detail) {
  const facts = article.querySelector(".result-facts dl");
  const add = (name, ...value) => facts.append(fact(name, ...value));
  add("began", moment(detail.started));
  add("clean-up", cleanUp(detail.clean_up));
  if (detail.trace) add("Trace", traceLink(detail.trace));
  for (const run of detail.earlier ?? []) add("earlier run", badge(run.verdict), ` ${run.reason} (${moment(run.started)}, ${length(run.duration_ms)})`, ...(run.trace ? [", ", traceLink(run.trace)] : []));
  const columns = el("div", { class: "columns" });
  const exchange = el("section", { class: "exchange", "aria-label": "Exchange" });
  const inspector = el("aside", { class: "inspector", "aria-label": "Inspector", hidden: false });
  inspector.hidden = true;
  const findings = el("section", { class: "findings", "aria-label": "Metrics" });
  columns.append(findings, exchange, inspector);
  article.append(columns);
  const missing = el("p", { class: "banner missing", role: "status" });
  missing.hidden = true;
  exchange.append(missing);
  const { itemAt, pick } = detail.ladder ? ladderOf(detail, exchange, inspector) : { itemAt: () => null, pick: () => {} };
  const select = (seq, { keyboard }) => {
    go({ event: String(seq) }, { replace: true });
    if (keyboard) byId("inspector-title")?.focus({ preventScroll: true });
  };
  const about = seq => itemAt(seq)?.name ?? (itemAt(seq)?.step ? stepWords(itemAt(seq).step) : "");
  findings.append(...metricsOf(detail, { select, about }));
  if (!detail.ladder) textExchange(exchange, detail);
  opened.pick = event => {
    const item = event === "" ? null : itemAt(Number(event));
    missing.hidden = event === "" || item !== null;
    missing.textContent = missing.hidden ? "" : `Event #${event} is not drawn here${detail.trace ? "; the Trace has it" : ""}.`;
    if (!missing.hidden) missing.scrollIntoView({ block: "nearest" });
    pick(item);
  };
}

function metricsOf(detail, { select, about }) {
  const universal = detail.universal ?? [];
  const metrics = detail.metrics ?? [];
  const weighing = universal.filter(metric => metric.outcome === "unmet");
  const rest = universal.filter(metric => metric.outcome !== "unmet");
  const words = [...counted(rest, metric => metric.outcome)].map(([outcome, count]) => `${count} ${outcome}`).join(", ");
  return [
    el("h3", {}, "Metrics"),
    metrics.length === 0 && weighing.length === 0 ? el("p", { class: "note" }, "No metric was judged.") : "",
    metricList(metrics, { select, about }),
    metricList(weighing, { select, about, universal: true }),
    rest.length === 0 ? "" : el("details", { class: "universal" }, el("summary", {}, `What holds for every exchange: ${words}`), metricList(rest, { select, about, universal: true })),
  ];
}

/** Which findings point at which items; `here` has the numbers of those of their events that are of the item. */
function pointingAt(detail, itemAt) {
  const pointing = new Map();
  for (const found of allFindings(detail)) {
    for (const [item, here] of Map.groupBy(eventsOf(found.finding), itemAt)) if (item) pointing.set(item, [...(pointing.get(item) ?? []), { ...found, here }]);
  }
  return pointing;
}

/** Draws ladder and inspector; gives back which item stands at an event, and how an item is picked. */
function ladderOf(detail, exchange, inspector) {
  const { ladder } = detail;
  ladder.items ??= [];
  const lines = parties(ladder);
  const byEvent = itemsByEvent(ladder);
  const itemAt = seq => byEvent.get(seq) ?? null;
  const pointing = pointingAt(detail, itemAt);
  const findingsOf = item => pointing.get(item) ?? [];
  let current = null;
  const back = finding => {
    finding.node.closest(".universal")?.setAttribute("open", "");
    finding.node.closest("details").open = true;
    finding.node.focus();
    finding.node.scrollIntoView({ block: "center" });
  };
  const close = () => go({ event: "" }, { replace: true });
  const open = (item, { keyboard }) => {
    const left = item ? null : current;
    // What has the focus and is hidden loses it: then it goes back to the row that was open.
    const lost = inspector.contains(document.activeElement) || document.activeElement === document.body;
    document.body.classList.toggle("inspecting", Boolean(item));
    inspector.hidden = !item;
    for (const button of document.querySelectorAll(".pointer")) button.classList.toggle("current", Boolean(item) && itemAt(Number(button.dataset.seq)) === item);
    if (item) inspect(inspector, item, findingsOf(item), { lines, back, close });
    if (left && lost) drawn.focus(left);
    if (keyboard) byId("inspector-title")?.focus({ preventScroll: true });
    if (current === item) return;
    current = item;
    if (itemAt(Number(state.event || Number.NaN)) !== item) go({ event: item ? String(item.seq) : "" }, { replace: true });
  };
  const drawn = drawLadder(exchange, ladder, { findingsOf, open });
  const pick = item => {
    if (item !== current) drawn.select(item, { show: true });
  };
  return { itemAt, pick };
}

function textExchange(exchange, detail) {
  const lines = detail.exchange ?? [];
  exchange.append(el("h3", {}, "Exchange"),
    detail.trouble ? el("p", { class: "banner warning" }, `No ladder diagram, because the Trace cannot be read: ${detail.trouble}`) : "",
    lines.length > 0 ? el("pre", { class: "lines" }, lines.join("\n")) : el("p", { class: "note" }, "Nothing was recorded."));
}

function cleanUp(value) {
  if (value === "clean") return "the EUT is as found";
  if (value.dirty) return el("span", { class: "is-fail" }, `the EUT is not as found: ${value.dirty.join("; ")}`);
  return el("span", { class: "is-inconclusive" }, `not verified: ${value.unverified}`);
}

/** The Trace's file lies beside the page; anything that is no plain relative path stays text. */
function traceLink(path) {
  if (!/^[A-Za-z0-9._-][A-Za-z0-9._/ -]*$/.test(path) || path.includes("..")) return path;
  const node = el("a", {}, path);
  node.href = path.split("/").map(encodeURIComponent).join("/");
  return node;
}
