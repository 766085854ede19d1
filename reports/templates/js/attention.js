// What a person should look at: every result that is no pass or none to rely on, with its reason; the same end of a case over several MTPs is one entry.

/** How many entries are drawn before one asks for the rest. */
const FIRST = 6;
let all = false;

/** A reason without what differs from run to run: names that were made for one run, such as `notify54-k5a9595x54`. */
const alike = reason => (reason ?? "").replace(/[a-z0-9]*(?:[a-z][0-9]|[0-9][a-z])[a-z0-9]*/gi, word => (word.length < 6 ? word : "#"));

/** Why a result is here. */
function why(result) {
  const reasons = result.word === "pass" ? [] : [result.reason ?? "no reason recorded"];
  if (isFlaky(result)) reasons.push(`Flaky: passed in run ${result.earlier.length + 1}; before, ${result.earlier.join("; ")}`);
  if (result.unclean) reasons.push(result.unclean);
  return reasons;
}

/** The results in groups of the same case, verdict and reason, the worst verdict first. */
function groups(shown) {
  const bad = shown.filter(result => NEED_ATTENTION.has(result.word) || isFlaky(result) || result.unclean);
  const grouped = Map.groupBy(bad, result => JSON.stringify([result.case, result.word, alike(why(result).join())]));
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

/** Names that the harness made for one run of a case: `k5a9595x54`, and the msg_id `5a9595-54`. */
const MADE = /\bk?[0-9a-f]{6}[x-][0-9]+/g;

/** How many wordings of one entry are told. */
const WORDINGS = 3;

/** What the results of a group say: grouped is what reads alike, which may still be different things. */
function wordings(group) {
  const lines = [...Map.groupBy(group.flatMap(why), line => line.replace(MADE, "#")).values()].map(([line]) => line);
  const told = lines.slice(0, Math.max(WORDINGS, why(group[0]).length));
  const rest = lines.length - told.length;
  return [...told.map(line => el("div", { class: "why", title: line }, line)), rest > 0 ? el("div", { class: "note" }, `and ${plural(rest, "other wording")}`) : ""];
}

function entry(group) {
  const [first] = group;
  const places = group.map(result => inner(fragment({ result: result.name, event: "" }), { class: "place", title: why(result).join("\n") }, where(result)));
  return el("li", { class: kindClass(first.word) },
    badge(first.word),
    el("div", {},
      el("div", { class: "what" }, el("span", { class: "id" }, first.kase.id), " ", first.kase.title),
      wordings(group)),
    el("div", { class: "places" }, places));
}
