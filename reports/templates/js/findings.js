// The metrics of a result with their findings, each of which points at the events that show it.

/** Draws metrics; `select` is told the event that a finding points at, `about` says what stands at an event. */
function metricList(metrics, { select, about, universal = false }) {
  return el("div", { class: "metrics" }, metrics.map(metric => metricBlock(metric, { select, about, universal })));
}

function metricBlock(metric, { select, about, universal }) {
  const title = universal || !/^[0-9]/.test(metric.metric) ? metric.metric : `Metric ${metric.metric}`;
  const name = universal && REQUIREMENT.test(metric.metric) ? requirement(metric.metric) : title;
  const summary = el("summary", {}, icon(metric.outcome), el("strong", {}, name), " ", el("span", { class: kindClass(metric.outcome) }, metric.outcome));
  return el("details", { class: `metric ${kindClass(metric.outcome)}`, open: metric.outcome !== "met" }, summary, el("ul", {}, (metric.findings ?? []).map(finding => findingItem(finding, { select, about }))));
}

function findingItem(finding, { select, about }) {
  const item = el("li", { class: `finding ${kindClass(finding.outcome)}`, tabindex: "-1" });
  const facts = el("dl", {}, el("dt", {}, "expected"), el("dd", {}, finding.expected), el("dt", {}, icon(finding.outcome), "seen"), el("dd", { class: "seen" }, finding.seen));
  if (finding.metric) facts.append(el("dt", {}, "metric"), el("dd", {}, finding.metric));
  if (finding.path) facts.append(el("dt", {}, "at"), el("dd", {}, el("code", {}, finding.path)));
  if (finding.requirement) facts.append(el("dt", {}, "requirement"), el("dd", {}, requirement(finding.requirement)));
  if (eventsOf(finding).length > 0) facts.append(el("dt", { class: "events-title" }, "events"), el("dd", { class: "events" }, pointers(finding, select, about)));
  item.append(facts);
  finding.node = item;
  return item;
}

const eventsOf = finding => finding.events ?? [];

/** How many events of a finding are drawn as buttons. */
const POINTERS = 30;

function pointers(finding, select, about) {
  const buttons = finding.events.slice(0, POINTERS).map(seq => el("button", { type: "button", class: "pointer", data: { seq }, on: { click: event => select(seq, { keyboard: event.detail === 0 }) } }, `#${seq}`, about(seq) ? ` ${about(seq)}` : ""));
  const more = finding.events.length - buttons.length;
  return more > 0 ? [...buttons, ` and ${more} more`] : buttons;
}

/** Every finding of a detail with the metric that it is of. */
const allFindings = detail => [...(detail.metrics ?? []), ...(detail.universal ?? [])].flatMap(metric => (metric.findings ?? []).map(finding => ({ metric, finding })));
