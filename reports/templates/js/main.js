// Puts it together: the state in the fragment decides what is seen.

function update() {
  const shown = matching();
  const open = state.result !== "";
  const before = byId("result").hidden ? "" : opened?.result?.name;
  byId("overview").hidden = open;
  byId("result").hidden = !open;
  document.body.classList.toggle("one-result", open);
  showIgnored();
  if (open) {
    showResult(shown);
    return;
  }
  document.body.classList.remove("inspecting");
  opened = null;
  byId("result").replaceChildren();
  showFilters(shown);
  showAttention(shown);
  showMatrix(shown);
  const left = before ? cells.get(byName.get(before)) : null;
  if (left && !left.classList.contains("out")) left.focus();
}

function arrive() {
  readFragment();
  update();
}

const SHORTCUTS = {
  "/": () => (state.result ? null : byId("filter-text")),
  "n": () => byId("result-n"),
  "p": () => byId("result-p"),
  "Escape": () => (state.event ? null : byId("result-back")),
};

document.addEventListener("keydown", event => {
  const typing = event.target.closest?.("input, select, textarea");
  if (event.ctrlKey || event.altKey || event.metaKey || (typing && event.key !== "Escape")) return;
  if (event.key === "Escape" && state.result && state.event) {
    go({ event: "" }, { replace: true });
    return;
  }
  const target = SHORTCUTS[event.key]?.();
  if (!target) return;
  event.preventDefault();
  if (target.matches("a")) target.click();
  else target.focus();
});

window.addEventListener("hashchange", arrive);
window.addEventListener("popstate", arrive);

drawFilters();
drawMatrix();
arrive();
document.documentElement.dataset.ready = "true";
