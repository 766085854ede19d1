// The filters, and the fragment of the address that holds them, so that a link leads to what its sender saw.

/** What is shown: the filters, the open result and the selected event. */
const state = { verdict: new Set(), mark: new Set(), chapter: "", mtp: "", eut: "", requirement: "", text: "", result: "", event: "" };

const SINGLE = ["chapter", "mtp", "eut", "requirement", "text", "result", "event"];
const MULTIPLE = ["verdict", "mark"];

/** What the filters are called. */
const CALLED = { verdict: "verdict", mark: "mark", chapter: "chapter", mtp: "MTP", eut: "EUT", requirement: "requirement", text: "text" };

/** Which values this page knows; a link may come from another one. Verdicts are the same everywhere. */
const KNOWN = {
  verdict: value => Object.hasOwn(VERDICTS, value),
  mark: value => Object.hasOwn(MARKS, value),
  chapter: value => index.cases.some(kase => kase.chapter === value),
  mtp: value => index.columns.some(column => column.mtp === value),
  eut: value => index.euts.includes(value),
  requirement: value => requirements.has(value),
};

/** What the address asked for and this page has not: it is left out, and told. */
let ignored = [];

function readFragment() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  ignored = [];
  const known = (key, value) => {
    if (!value || !KNOWN[key] || KNOWN[key](value)) return true;
    ignored.push(`${CALLED[key]} “${value.slice(0, 80)}”`);
    return false;
  };
  for (const key of MULTIPLE) state[key] = new Set(parameters.getAll(key).filter(value => known(key, value)));
  for (const key of SINGLE) {
    const value = parameters.get(key) ?? "";
    state[key] = known(key, value) ? value : "";
  }
}

/** The filters that are set, in words. */
function filterWords() {
  const words = MULTIPLE.filter(key => state[key].size > 0).map(key => `${CALLED[key]} ${[...state[key]].map(value => (key === "mark" ? MARKS[value].title : value)).join(key === "mark" ? " and " : " or ")}`);
  for (const key of SINGLE) if (CALLED[key] && state[key]) words.push(`${CALLED[key]} ${key === "text" ? `“${state[key]}”` : state[key]}`);
  return words.join("; ");
}

/** What a word of the search asks of a result: an id of this page means itself alone, `1.1` not 1.10; all else is looked for in every text. */
function asked(word) {
  const [kase, requirement] = [caseIds.has(word), requirementIds.has(word)];
  if (!kase && !requirement) return result => haystack(result).includes(word);
  return result => (kase && result.kase.id.toLowerCase() === word) || (requirement && requirementsOf(result).some(id => id.toLowerCase() === word));
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
  const words = without === "text" ? [] : state.text.toLowerCase().split(/\s+/).filter(Boolean).map(asked);
  const passes = {
    verdict: result => state.verdict.size === 0 || state.verdict.has(result.word),
    mark: result => [...state.mark].every(mark => MARKS[mark].is(result)),
    chapter: result => !state.chapter || result.kase.chapter === state.chapter,
    mtp: result => !state.mtp || result.mtp === state.mtp,
    eut: result => !state.eut || result.eut === state.eut,
    requirement: result => !state.requirement || requirementsOf(result).includes(state.requirement),
    text: result => words.every(asks => asks(result)),
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
  const fields = [
    field("Search", el("input", { type: "search", id: "filter-text", placeholder: "case, title, reason, finding …", on: { input: event => go({ text: event.target.value }, { replace: true }) } })),
    chooser("Chapter", "chapter", distinct(results.map(result => result.kase.chapter))),
    chooser("MTP", "mtp", distinct(results.map(result => result.mtp))),
    several ? chooser("EUT", "eut", distinct(index.euts)) : null,
    chooser("Requirement", "requirement", [...requirements].sort(numerically)),
    el("button", { type: "button", class: "quiet", id: "filter-reset", on: { click: () => go({ verdict: new Set(), mark: new Set(), chapter: "", mtp: "", eut: "", requirement: "", text: "" }) } }, "Reset"),
  ];
  byId("filters").addEventListener("submit", event => event.preventDefault());
  byId("filters").append(chips, el("div", { class: "fields" }, fields), marks.length > 0 ? more : "");
  byId("overview").before(el("p", { class: "banner warning", id: "ignored", role: "status" }));
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

/** Tells what the address asks for that this page has not. */
function showIgnored() {
  const none = [...state.verdict].filter(word => !results.some(result => result.word === word));
  const notes = [...ignored.map(what => `This page has no ${what}: that filter is left out.`), ...none.map(word => `No result of this page is “${word}”.`)];
  byId("ignored").hidden = notes.length === 0;
  byId("ignored").textContent = notes.join(" ");
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
