// One result: what it came to, its metrics and findings, and the ladder of its exchange.

/** What the open result's parts are told; null while none is open. */
let opened = null;

/** Shows the result that the state names, and the event in it. */
async function showResult(shown) {
  const result = byName.get(state.result);
  if (!result) {
    byId("result").replaceChildren(el("p", { class: "banner warning" }, `This page has no result ${state.result}.`), inner(fragment({ result: "", event: "" }), { class: "quiet" }, "All results"));
    opened = null;
    return;
  }
  if (opened?.result !== result) {
    opened = { result };
    byId("result").replaceChildren(resultHead(result, shown));
    window.scrollTo(0, 0);
    await fill(result);
  } else {
    byId("result").firstChild.replaceWith(resultHead(result, shown));
  }
  if (opened?.result === result) opened.pick?.(state.event === "" ? null : Number(state.event));
}

async function fill(result) {
  const article = byId("result");
  article.append(resultFacts(result));
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
  const title = el("h2", { tabindex: "-1", id: "result-title" }, badge(word), " ", el("span", { class: "id" }, kase.id), " ", kase.title);
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
  const { about, pick } = detail.ladder ? ladderOf(detail, exchange, inspector) : { about: () => "", pick: null };
  const select = seq => go({ event: String(seq) }, { replace: true });
  findings.append(...metricsOf(detail, { select, about }));
  if (!detail.ladder) textExchange(exchange, detail);
  opened.pick = pick;
}

function metricsOf(detail, { select, about }) {
  const universal = detail.universal;
  const weighing = universal.filter(metric => metric.outcome === "unmet");
  const rest = universal.filter(metric => metric.outcome !== "unmet");
  const words = [...counted(rest, metric => metric.outcome)].map(([outcome, count]) => `${count} ${outcome}`).join(", ");
  return [
    el("h3", {}, "Metrics"),
    detail.metrics.length === 0 && weighing.length === 0 ? el("p", { class: "note" }, "No metric was judged.") : "",
    metricList(detail.metrics, { select, about }),
    metricList(weighing, { select, about, universal: true }),
    rest.length === 0 ? "" : el("details", { class: "universal" }, el("summary", {}, `What holds for every exchange: ${words}`), metricList(rest, { select, about, universal: true })),
  ];
}

/** Draws ladder and inspector; gives back what stands at an event, and how one is picked. */
function ladderOf(detail, exchange, inspector) {
  const { ladder } = detail;
  for (const item of ladder.items) item.beside = ladder.broker === "beside";
  const byEvent = itemsByEvent(ladder);
  const pointing = new Map();
  for (const found of allFindings(detail)) for (const item of new Set(found.finding.events.map(seq => byEvent.get(seq)))) if (item) pointing.set(item, [...(pointing.get(item) ?? []), found]);
  const findingsOf = item => pointing.get(item) ?? [];
  let current = null;
  const back = finding => {
    finding.node.closest(".universal")?.setAttribute("open", "");
    finding.node.closest("details").open = true;
    finding.node.focus();
    finding.node.scrollIntoView({ block: "center" });
  };
  const close = () => go({ event: "" }, { replace: true });
  const open = item => {
    document.body.classList.toggle("inspecting", Boolean(item));
    inspector.hidden = !item;
    for (const button of document.querySelectorAll(".pointer")) button.classList.toggle("current", Boolean(item) && byEvent.get(Number(button.dataset.seq)) === item);
    if (item) inspect(inspector, item, findingsOf(item), { back, close });
    const wanted = item ? String(item.seq) : "";
    if (current === item) return;
    current = item;
    if (byEvent.get(Number(state.event || Number.NaN)) !== item) go({ event: wanted }, { replace: true });
  };
  const drawn = drawLadder(exchange, ladder, { findingsOf, open });
  const pick = seq => {
    const item = seq === null ? null : byEvent.get(seq) ?? null;
    if (item !== current) drawn.select(item, { show: true });
  };
  const about = seq => {
    const item = byEvent.get(seq);
    return item?.name ?? (item?.step ? stepWords(item.step) : "");
  };
  return { about, pick };
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
