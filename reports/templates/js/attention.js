// What a person should look at: every result that is no pass, with its reason; the same end of a case over several MTPs is one entry.

/** How many entries are drawn before one asks for the rest. */
const FIRST = 40;
let all = false;

/** The results in groups of the same case, verdict and reason, the worst verdict first. */
function groups(shown) {
  const bad = shown.filter(result => NEED_ATTENTION.has(result.word));
  const grouped = Map.groupBy(bad, result => JSON.stringify([result.case, result.word, result.reason]));
  return [...grouped.values()].sort((one, other) => ORDER.indexOf(one[0].word) - ORDER.indexOf(other[0].word));
}

function showAttention(shown) {
  const entries = groups(shown);
  const section = byId("attention");
  section.hidden = entries.length === 0;
  if (section.hidden) {
    section.replaceChildren();
    return;
  }
  const drawn = all ? entries : entries.slice(0, FIRST);
  const rest = entries.length - drawn.length;
  const more = el("button", { type: "button", class: "quiet", on: { click: () => { all = true; update(); } } }, `Show ${rest} more`);
  const title = el("h2", { id: "attention-title" }, "Needs attention ", el("span", { class: "count" }, entries.length));
  section.replaceChildren(title, el("ol", { class: "attention" }, drawn.map(entry)), rest > 0 ? more : "");
}

function entry(group) {
  const [first] = group;
  const places = group.map(result => inner(fragment({ result: result.name, event: "" }), { class: "place" }, where(result)));
  return el("li", { class: kindClass(first.word) },
    badge(first.word),
    el("div", {},
      el("div", { class: "what" }, el("span", { class: "id" }, first.kase.id), " ", first.kase.title),
      el("div", { class: "why" }, first.reason ?? "no reason recorded")),
    el("div", { class: "places" }, places));
}
