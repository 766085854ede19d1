// The filters, and the fragment of the address that holds them, so that a link leads to what its sender saw.

/** What is shown: the filters, the open result and the selected event. */
const state = { verdict: new Set(), mark: new Set(), chapter: "", mtp: "", eut: "", requirement: "", text: "", result: "", event: "" };

const SINGLE = ["chapter", "mtp", "eut", "requirement", "text", "result", "event"];
const MULTIPLE = ["verdict", "mark"];

function readFragment() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  for (const key of SINGLE) state[key] = parameters.get(key) ?? "";
  for (const key of MULTIPLE) state[key] = new Set(parameters.getAll(key));
}

/** The fragment of the state with these changes. */
function fragment(changes = {}) {
  const wanted = { ...state, ...changes };
  const parameters = new URLSearchParams();
  for (const key of MULTIPLE) for (const value of wanted[key]) parameters.append(key, value);
  for (const key of SINGLE) if (wanted[key]) parameters.set(key, wanted[key]);
  return parameters.toString();
}

/** Goes there; typing and moving about replace the place that one comes back to. */
function go(changes, { replace = false } = {}) {
  const address = `#${fragment(changes)}`;
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  readFragment();
  update();
}

/** The results that pass every filter but those left out. */
function matching({ without = "" } = {}) {
  const words = without === "text" ? [] : state.text.toLowerCase().split(/\s+/).filter(Boolean);
  const passes = {
    verdict: result => state.verdict.size === 0 || state.verdict.has(result.word),
    mark: result => [...state.mark].every(mark => MARKS[mark]?.is(result)),
    chapter: result => !state.chapter || result.kase.chapter === state.chapter,
    mtp: result => !state.mtp || result.mtp === state.mtp,
    eut: result => !state.eut || result.eut === state.eut,
    requirement: result => !state.requirement || result.kase.requirements.includes(state.requirement) || result.told?.some(told => told.requirement === state.requirement),
    text: result => words.every(word => haystack(result).includes(word)),
  };
  const tests = Object.entries(passes).filter(([key]) => key !== without).map(([, test]) => test);
  return results.filter(result => tests.every(test => test(result)));
}

const numerically = new Intl.Collator("en", { numeric: true }).compare;
const distinct = values => [...new Set(values)];
const counted = (list, key) => list.reduce((counts, item) => counts.set(key(item), (counts.get(key(item)) ?? 0) + 1), new Map());

/** Draws the filters, once. */
function drawFilters() {
  const words = ORDER.filter(word => results.some(result => result.word === word));
  const marks = Object.keys(MARKS).filter(mark => results.some(MARKS[mark].is));
  const chips = el("div", { class: "chips", role: "group", "aria-label": "Verdict" }, words.map(word => chip("verdict", word, [icon(word), word])));
  const more = el("div", { class: "chips", role: "group", "aria-label": "Only those that are" }, marks.map(mark => chip("mark", mark, [MARKS[mark].title], MARKS[mark].about)));
  const requirements = distinct(results.flatMap(result => result.kase.requirements)).sort(numerically);
  const fields = [
    field("Search", el("input", { type: "search", id: "filter-text", placeholder: "case, title, reason, finding …", on: { input: event => go({ text: event.target.value }, { replace: true }) } })),
    chooser("Chapter", "chapter", distinct(results.map(result => result.kase.chapter))),
    chooser("MTP", "mtp", distinct(results.map(result => result.mtp))),
    several ? chooser("EUT", "eut", distinct(index.euts)) : null,
    chooser("Requirement", "requirement", requirements),
    el("button", { type: "button", class: "quiet", id: "filter-reset", on: { click: () => go({ verdict: new Set(), mark: new Set(), chapter: "", mtp: "", eut: "", requirement: "", text: "" }) } }, "Reset"),
  ];
  byId("filters").addEventListener("submit", event => event.preventDefault());
  byId("filters").append(chips, el("div", { class: "fields" }, fields), marks.length > 0 ? more : "");
}

function chip(key, value, label, title) {
  const toggle = () => {
    const wanted = new Set(state[key]);
    if (!wanted.delete(value)) wanted.add(value);
    go({ [key]: wanted });
  };
  return el("button", { type: "button", class: `chip ${key === "verdict" ? kindClass(value) : ""}`, title, "aria-pressed": "false", data: { key, value }, on: { click: toggle } }, ...label, el("span", { class: "count" }));
}

const field = (label, input) => el("label", { class: "field" }, el("span", {}, label), input);

function chooser(label, key, values) {
  const options = [el("option", { value: "" }, "all"), ...values.map(value => el("option", { value }, value))];
  return field(label, el("select", { id: `filter-${key}`, on: { change: event => go({ [key]: event.target.value }) } }, options));
}

/** Shows the state in the filters: what is chosen, and how many results each choice of a chip would show. */
function showFilters(shown) {
  for (const key of ["chapter", "mtp", "eut", "requirement", "text"]) {
    const input = byId(`filter-${key}`);
    if (input && input.value !== state[key]) input.value = state[key];
  }
  const words = counted(matching({ without: "verdict" }), result => result.word);
  for (const button of byId("filters").querySelectorAll(".chip")) {
    const { key, value } = button.dataset;
    button.setAttribute("aria-pressed", state[key].has(value));
    const count = key === "verdict" ? words.get(value) ?? 0 : shown.filter(MARKS[value].is).length;
    button.lastChild.textContent = count;
    button.classList.toggle("empty", count === 0);
  }
  const all = results.length;
  byId("filter-reset").hidden = shown.length === all && fragment({ result: "", event: "" }) === "";
  byId("shown").textContent = shown.length === all ? plural(all, "result") : `${shown.length} of ${plural(all, "result")}`;
}
