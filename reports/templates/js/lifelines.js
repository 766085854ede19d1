// Where things stand in a ladder diagram: the lifelines from left to right, the rows from top to bottom, and the time on the axis.

const AXIS = 78;
const MARGIN = 64;
const ROW = { arrow: 38, connection: 34, step: 32, step_end: 26, captured: 22, eut: 28, clean_up: 28, note: 24, gap: 34 };

/** From here on, a pause is drawn as a break of the axis and said in words; below, it is some room between rows. */
const BREAK = 1_000_000;
const BREAK_HEIGHT = 34;

/** Who takes part, from left to right; `said` is what each is called in a sentence. */
function parties(ladder) {
  const beside = ladder.broker === "beside";
  const names = [{ key: "eut", title: "EUT", name: ladder.eut ?? "", said: "the EUT" }];
  if (ladder.broker) names.push({ key: "broker", beside, title: beside ? "Broker of the lab" : "Broker (ours)", name: "", said: beside ? "the broker of the lab" : "our broker" });
  names.push({ key: "controller", title: "Controller", name: ladder.controller ?? "", said: "us" });
  if (ladder.second) names.push({ key: "second", title: "second Controller", name: ladder.second, said: "us, the second Controller" });
  return names;
}

/** Between which two of these an item is, and the broker that hands it on: for the drawing and for the words. */
function ends(item, lines) {
  const line = key => lines.find(it => it.key === key);
  const broker = line("broker");
  const ours = line(item.second || item.connection > 1000 ? "second" : "controller") ?? line("controller");
  const eut = line("eut");
  if (!broker || item.record) return { from: eut, to: ours, via: broker };
  // Without a Record it is between the broker and the one whose connection this is.
  return broker.beside ? { from: broker, to: ours } : { from: eut, to: broker };
}

/** From whom to whom something went, as it is drawn. */
function wayWords(item, direction, lines) {
  const { from, to, via } = ends(item, lines);
  const [one, other] = direction === "sent" ? [to, from] : [from, to];
  return `from ${one.said} to ${other.said}${via ? `, through ${via.said}` : ""}`;
}

/** Between whom a connection is. */
function betweenWords(item, lines) {
  const { from, to } = ends(item, lines);
  return `between ${from.said} and ${to.said}`;
}

/** The lifelines of a ladder that is this wide. */
function lifelines(ladder, width) {
  const names = parties(ladder);
  const first = AXIS + 70;
  const step = (width - MARGIN - 80 - first) / (names.length - 1);
  return names.map((line, place) => ({ ...line, x: Math.round(first + place * step), place }));
}

/** The rows of the items that are shown, each with its place, and the height of it all. */
function layOut(items) {
  const placed = [];
  const breaks = [];
  let y = 14;
  let before = null;
  for (const item of items) {
    if (item.type === "gap") {
      breaks.push({ y: y + ROW.gap / 2, words: `${plural(item.count ?? 0, "item is", "items are")} left out here: the Trace has ${item.count === 1 ? "it" : "them"}` });
      y += ROW.gap;
      continue;
    }
    const pause = before === null ? 0 : item.at - before;
    if (pause >= BREAK) {
      breaks.push({ y: y + BREAK_HEIGHT / 2, words: pauseWords(pause) });
      y += BREAK_HEIGHT;
    } else if (pause > 0) {
      y += Math.min(22, Math.round(4 * Math.log10(1 + pause / 100)));
    }
    const height = ROW[item.type] ?? ROW.note;
    placed.push({ item, y: y + height - 12, height, told: before !== item.at });
    y += height;
    before = item.at;
  }
  return { placed, breaks, height: y + 26 };
}

/** Seconds since the start, as the axis has them. */
const clock = at => (at / 1_000_000).toFixed(3);

/** How long a pause is, in words. */
function pauseWords(us) {
  const seconds = us / 1_000_000;
  return seconds < 120 ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s pass` : `${minutes(seconds)} pass`;
}

/** Text that fits in so many pixels; letters of this size are seldom wider. */
function fitting(text, pixels, letter = 6.3) {
  const room = Math.max(0, Math.floor(pixels / letter));
  text = String(text ?? "");
  return text.length <= room ? text : room < 2 ? "" : `${text.slice(0, room - 1)}…`;
}
