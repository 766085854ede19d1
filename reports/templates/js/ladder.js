// The ladder diagram of an exchange. Each arrow can be reached by keyboard and opens in the inspector.

/** The phases of a case in words. */
const PHASES = { bring_up: "bring-up", setup: "setup", procedure: "procedure", clean_up: "clean-up" };

/** A step in words, such as `procedure 2 "get"`. */
const stepWords = step => `${PHASES[step.phase] ?? step.phase} ${step.index + 1}${step.label ? ` “${step.label}”` : ""}`;

/** Which item stands for each event of the Trace. */
function itemsByEvent(ladder) {
  const known = new Map();
  for (const item of ladder.items) {
    if (item.type === "gap") continue;
    const wires = (item.frames ?? []).flatMap(frame => (frame.wire?.among ?? []).map(part => part.seq));
    for (const seq of [item.seq, ...(item.parts ?? []), ...(item.frames ?? []).map(frame => frame.seq), ...wires, ...(item.octets ?? []).map(part => part.seq)]) known.set(seq, item);
  }
  return known;
}

/** Whether an item is drawn: what would drown the rest is, when a person wants it or a finding points at it. */
const isQuiet = item => item.quiet === true || item.type === "captured" || (item.type === "step_end" && isDone(item.outcome));

const isDone = outcome => typeof outcome === "object" && outcome !== null && "done" in outcome;

/** Draws the ladder into `place`; gives back how an item is selected. `findingsOf` has the findings of an item, `open` is told the selected one. */
function drawLadder(place, ladder, { findingsOf, open }) {
  const shows = { quiet: false };
  const nodes = new Map();
  let selected = null;
  let roved = null;
  let drawnFor = 0;
  const head = el("div", { class: "lanes" });
  const drawing = el("div", { class: "drawing" });
  const hidden = ladder.items.filter(item => isQuiet(item) && findingsOf(item).length === 0).length;
  const toggle = el("label", { class: "toggle" }, el("input", { type: "checkbox", on: { change: event => { shows.quiet = event.target.checked; draw(); } } }), ` acknowledgements, heart-beats, captured values (${hidden})`);
  place.append(el("div", { class: "ladder-head" }, el("h3", {}, "Exchange over ", ladder.mtp), hidden > 0 ? toggle : ""), el("div", { class: "ladder" }, head, drawing));
  drawing.addEventListener("keydown", event => moveInLadder(event, nodes));

  function draw() {
    drawnFor = drawing.clientWidth;
    const width = Math.max(480, Math.min(1100, drawing.clientWidth));
    const lines = lifelines(ladder, width);
    const items = ladder.items.filter(item => shows.quiet || !isQuiet(item) || findingsOf(item).length > 0);
    const { placed, breaks, height } = layOut(items);
    const sheet = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Ladder diagram" }, arrowHeads(), ground(lines, height, width), breaks.map(it => breakMark(it, width)));
    nodes.clear();
    for (const row of placed) {
      const node = rowNode(row, lines, width, findingsOf(row.item));
      nodes.set(row.item, node);
      node.addEventListener("click", event => select(row.item, { keyboard: event.detail === 0 }));
      node.addEventListener("keydown", event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); select(row.item, { keyboard: true }); } });
      sheet.append(node);
    }
    head.replaceChildren(laneHeads(lines, width));
    drawing.replaceChildren(sheet);
    mark();
  }

  function mark() {
    for (const [item, node] of nodes) {
      node.classList.toggle("selected", item === selected);
      node.setAttribute("tabindex", "-1");
    }
    (nodes.get(selected) ?? nodes.get(roved) ?? nodes.values().next().value)?.setAttribute("tabindex", "0");
  }

  function select(item, { show = false, keyboard = false } = {}) {
    if (item && !nodes.has(item)) {
      shows.quiet = true;
      toggle.querySelector("input").checked = true;
      selected = item;
      draw();
    }
    selected = item;
    roved = item ?? roved;
    mark();
    open(item, { keyboard });
    if (item && show) nodes.get(item)?.scrollIntoView({ block: "center" });
  }

  // The window may be resized, and the inspector takes room when it opens.
  new ResizeObserver(() => {
    if (drawing.clientWidth === drawnFor) return;
    const focused = [...nodes].find(([, node]) => node === document.activeElement)?.[0];
    draw();
    nodes.get(focused)?.focus();
  }).observe(drawing);
  draw();
  return { select, focus: item => nodes.get(item)?.focus({ preventScroll: true }) };
}

function moveInLadder(event, nodes) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  const all = [...nodes.values()];
  all[all.indexOf(event.target.closest("[tabindex]")) + step]?.focus();
}

function arrowHeads() {
  const head = (id, kind) => svg("marker", { id, viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" }, svg("path", { d: "M0 0 10 5 0 10Z", class: kind }));
  return svg("defs", {}, head("head-sent", "head sent"), head("head-received", "head received"));
}

/** The names of the lifelines, which stay in sight. */
function laneHeads(lines, width) {
  const sheet = svg("svg", { width, height: 44, viewBox: `0 0 ${width} 44`, "aria-hidden": "true" }, svg("text", { x: AXIS - 12, y: 28, class: "clock unit" }, "seconds"));
  const room = lines.length > 1 ? lines[1].x - lines[0].x - 12 : width;
  for (const { x, title, name } of lines) {
    const wide = Math.min(room, Math.max(110, name.length * 6.6 + 20));
    sheet.append(svg("rect", { x: x - wide / 2, y: 2, width: wide, height: 38, rx: 5, class: "lane" }),
      svg("text", { x, y: name ? 18 : 26, class: "lane-title" }, title),
      name ? svg("text", { x, y: 33, class: "lane-name" }, fitting(name, wide - 10, 6)) : "");
  }
  return sheet;
}

function ground(lines, height, width) {
  const ticks = [svg("line", { x1: AXIS, y1: 0, x2: AXIS, y2: height, class: "axis" })];
  return svg("g", { class: "ground" }, ticks, lines.map(({ x }) => svg("line", { x1: x, y1: 0, x2: x, y2: height, class: "lifeline" })), svg("rect", { x: 0, y: height - 1, width, height: 1, class: "end" }));
}

/** A pause that is not drawn to scale, or items that are left out. */
function breakMark({ y, words }, width) {
  const zigzag = `M${AXIS - 5} ${y - 5}l10 3.5-10 3.5 10 3.5`;
  return svg("g", { class: "pause" },
    svg("rect", { x: AXIS - 6, y: y - 8, width: 12, height: 16, class: "gap" }), svg("path", { d: zigzag }),
    svg("line", { x1: AXIS + 14, y1: y, x2: width - MARGIN, y2: y }), svg("text", { x: AXIS + 20, y: y - 4 }, words));
}

/** One item, as a group that can be focused. */
function rowNode({ item, y, height, told }, lines, width, findings) {
  const node = svg("g", { class: `row ${item.type}`, role: "button", tabindex: "-1", "data-seq": item.seq, "aria-label": spoken(item, findings, lines) });
  node.append(svg("rect", { x: 2, y: y - height + 14, width: width - 4, height: height - 3, rx: 4, class: "touch" }));
  if (told) node.append(svg("text", { x: AXIS - 12, y: y + 4, class: "clock" }, clock(item.at)), svg("line", { x1: AXIS - 4, y1: y, x2: AXIS + 4, y2: y, class: "axis" }));
  const numbers = numberWords(findings);
  if (numbers) node.append(svg("text", { x: AXIS - 12, y: y - 8, class: "number" }, numbers));
  node.append(...(DRAWN[item.type] ?? (() => []))(item, y, lines, width), ...findingMarks(findings, y, width));
  return node;
}

/** The numbers of the events that findings point at, as many as there is room for: on paper they lead from a finding to its row. */
function numberWords(findings) {
  const numbers = distinct(findings.flatMap(found => found.here)).sort((one, other) => one - other);
  return numbers.slice(0, 2).map(seq => `#${seq}`).join(" ") + (numbers.length > 2 ? " …" : "");
}

const DRAWN = {
  arrow: arrowParts,
  connection: connectionParts,
  step: (item, y, lines, width) => band(y, width, "step", stepWords(item.step), item.action),
  step_end: (item, y, lines, width) => band(y, width, isDone(item.outcome) ? "ended" : "broken", `${stepWords(item.step)} ended`, endWords(item.outcome)),
  captured: (item, y, lines, width) => band(y, width, "captured", item.name, `= ${item.value}`),
  eut: (item, y, lines, width) => band(y, width, item.ok ? "control" : "broken", `EUT: ${item.action}`, item.ok ? item.outcome : `${item.outcome} (failed)`),
  clean_up: (item, y, lines, width) => band(y, width, (item.differences ?? []).length === 0 ? "control" : "broken", "Clean-up", cleanUpWords(item.differences)),
  note: (item, y, lines, width) => band(y, width, "remark", "", item.text),
};

const cleanUpWords = (differences = []) => (differences.length === 0 ? "the EUT is as found" : `the EUT is not as found: ${differences.join("; ")}`);

function endWords(outcome) {
  if (outcome?.timed_out) return `nothing came within ${length(outcome.timed_out.waited_ms)}`;
  if (outcome?.not_reached) return `not reached: ${outcome.not_reached.reason}`;
  if (outcome?.fault) return `the harness failed: ${(outcome.fault.causes ?? []).join(": ")}`;
  return isDone(outcome) ? "done" : "not known";
}

/** A line of text across the lifelines. */
function band(y, width, kind, title, text) {
  const left = AXIS + 14;
  const wide = width - MARGIN - left;
  const heading = fitting(title, wide - 20, 7);
  const words = svg("text", { x: left + 8, y: y + 3, class: "words" }, heading ? svg("tspan", { class: "name" }, heading) : "", svg("tspan", { dx: heading ? 8 : 0 }, fitting(text, wide - 24 - heading.length * 7)));
  return [svg("rect", { x: left, y: y - 13, width: wide, height: 22, rx: 3, class: `band ${kind}` }), words];
}

function arrowParts(item, y, lines) {
  const { from, to, via } = ends(item, lines);
  const sent = item.direction === "sent";
  const kind = `${item.direction} ${item.record ? "carries" : "bare"}`;
  const [tail, tip] = sent ? [to.x - 3, from.x + 3] : [from.x + 3, to.x - 3];
  // Words may go on beyond a short arrow: nothing stands beside it.
  const wide = lines.at(-1).x - from.x - 24;
  const name = fitting(item.name, wide, 7.2);
  const id = item.step?.label ? ` “${item.step.label}”` : "";
  const words = svg("text", { x: from.x + 12, y: y - 7, class: "words" }, svg("tspan", { class: "name" }, name), svg("tspan", { class: "label" }, fitting(id, wide - name.length * 7.2, 6.8)), svg("tspan", { dx: 6, class: "said" }, fitting(item.said, wide - 12 - name.length * 7.2 - id.length * 6.8, 6.1)));
  return [
    svg("line", { x1: tail, y1: y, x2: tip, y2: y, class: `shaft ${kind}`, "marker-end": `url(#head-${item.direction})` }),
    via && via !== from && via !== to ? svg("circle", { cx: via.x, cy: y, r: 3.5, class: `relay ${item.direction}` }) : "",
    words,
  ];
}

const ENDED = new Set(["closed", "failed", "oversized"]);

function connectionParts(item, y, lines) {
  const { from, to } = ends(item, lines);
  const kind = ENDED.has(item.state) ? "ended" : item.state === "open" ? "opened" : "change";
  const mark = x => (kind === "ended" ? svg("path", { d: `M${x - 5} ${y - 5}l10 10m0-10-10 10`, class: "cut" }) : svg("circle", { cx: x, cy: y, r: kind === "opened" ? 5 : 3, class: kind }));
  const wide = lines.at(-1).x - from.x - 24;
  const title = fitting(item.connection > 0 ? `connection ${item.connection} ${item.name}` : item.name, wide, 7);
  return [
    svg("line", { x1: from.x, y1: y, x2: to.x, y2: y, class: `link ${kind}` }), mark(from.x), mark(to.x),
    svg("text", { x: from.x + 12, y: y - 7, class: "words" }, svg("tspan", { class: "name" }, title), svg("tspan", { dx: 6, class: "said" }, fitting(item.said, wide - title.length * 7 - 10, 6.1))),
  ];
}

/** How many findings point here: the worst outcome as shape, the number beside it. */
function findingMarks(findings, y, width) {
  const worst = ["unmet", "unknown", "met"].filter(outcome => findings.some(({ finding }) => finding.outcome === outcome));
  return worst.slice(0, 2).map((outcome, place) => {
    const count = findings.filter(({ finding }) => finding.outcome === outcome).length;
    const x = width - MARGIN + 12 + place * 26;
    const mark = icon(outcome);
    for (const [name, value] of Object.entries({ x: x - 8, y: y - 12, width: 15, height: 15 })) mark.setAttribute(name, value);
    return svg("g", { class: "mark-of" }, mark, count > 1 ? svg("text", { x: x + 8, y, class: "many" }, count) : "");
  });
}

/** What a screen reader says of an item. */
function spoken(item, findings, lines) {
  const at = `${clock(item.at)} s`;
  const found = findings.length > 0 ? `; ${findings.map(({ metric, finding }) => `${metric.metric} ${finding.outcome}`).join(", ")}` : "";
  if (item.type === "arrow") return `${at}: ${wayWords(item, item.direction, lines)}: ${item.name} ${item.said}${found}`;
  if (item.type === "connection") return `${at}: connection ${item.connection} ${betweenWords(item, lines)}: ${item.name}${found}`;
  if (item.type === "step") return `${at}: ${stepWords(item.step)}: ${item.action}${found}`;
  if (item.type === "step_end") return `${at}: ${stepWords(item.step)}: ${endWords(item.outcome)}${found}`;
  return `${at}: ${item.text ?? item.action ?? item.name ?? item.type}${found}`;
}
