// Which results are shown. What is chosen stands in the address, so that a view or one result can be linked to.
"use strict";
const results = [...document.querySelectorAll("tr[data-verdict]")];
const chosen = { verdict: new Set(), mtp: "", suite: "", text: "" };
const control = (name) => document.querySelector(`[data-filter="${name}"]`);

function readAddress() {
  const address = location.hash.slice(1);
  // `1.1-mqtt5` is a result, `1.1-mqtt5/50` an event of it.
  const [result, event] = decodeURIComponent(address).split("/");
  const target = document.getElementById(result);
  if (target && target.matches("tr[data-verdict]")) return reveal(target, event);
  const wanted = new URLSearchParams(address);
  chosen.verdict = new Set((wanted.get("verdict") || "").split(",").filter(Boolean));
  for (const name of ["mtp", "suite", "text"]) chosen[name] = control(name).value = wanted.get(name) || "";
  show();
}

function writeAddress() {
  const wanted = new URLSearchParams();
  if (chosen.verdict.size) wanted.set("verdict", [...chosen.verdict].join(","));
  for (const name of ["mtp", "suite", "text"]) if (chosen[name]) wanted.set(name, chosen[name]);
  history.replaceState(null, "", `#${wanted}`);
  show();
}

function show() {
  const text = chosen.text.toLowerCase();
  let count = 0;
  for (const row of results) {
    const { verdict, mtp, suite } = row.dataset;
    const fits = (!chosen.verdict.size || chosen.verdict.has(verdict)) && (!chosen.mtp || chosen.mtp === mtp) &&
      (!chosen.suite || chosen.suite === suite) && (!text || row.dataset.words.toLowerCase().includes(text));
    row.hidden = !fits;
    count += fits;
  }
  for (const button of document.querySelectorAll("[data-show]")) button.setAttribute("aria-pressed", chosen.verdict.has(button.dataset.show));
  document.getElementById("shown").textContent = `${count} of ${results.length} results`;
}

function reveal(row, event) {
  show();
  row.hidden = false;
  row.dataset.event = event || "";
  const details = row.querySelector("details");
  if (details) details.open = true;
  row.scrollIntoView({ block: "start" });
  openWanted(row.querySelector(".ladder"));
}

for (const name of ["mtp", "suite"]) {
  for (const value of [...new Set(results.map((row) => row.dataset[name]))]) {
    control(name).append(new Option(value, value));
  }
}
for (const button of document.querySelectorAll("[data-show]")) button.addEventListener("click", () => {
  const word = button.dataset.show;
  if (!chosen.verdict.delete(word)) chosen.verdict.add(word);
  writeAddress();
});
for (const name of ["mtp", "suite", "text"]) control(name).addEventListener("input", () => {
  chosen[name] = control(name).value;
  writeAddress();
});
