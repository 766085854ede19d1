// Where things stand in a ladder diagram: the lifelines from left to right, the rows from top to bottom, and the time on the axis.

const AXIS = 78;
const MARGIN = 64;
const ROW = { arrow: 38, connection: 34, step: 32, step_end: 26, captured: 22, eut: 28, clean_up: 28, note: 24 };

/** From here on, a pause is drawn as a break of the axis and said in words; below, it is some room between rows. */
const BREAK = 1_000_000;
const BREAK_HEIGHT = 34;

/** The lifelines of a ladder that is this wide. */
function lifelines(ladder, width) {
  const names = [{ key: "eut", title: "EUT", name: ladder.eut }];
  if (ladder.broker) names.push({ key: "broker", title: ladder.broker === "beside" ? "Broker of the lab" : "Broker (ours)", name: "" });
  names.push({ key: "controller", title: "Controller", name: ladder.controller });
  if (ladder.second) names.push({ key: "second", title: "second Controller", name: ladder.second });
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
    const pause = before === null ? 0 : item.at - before;
    if (pause >= BREAK) {
      breaks.push({ y: y + BREAK_HEIGHT / 2, pause });
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
  return seconds < 120 ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s pass` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s pass`;
}

/** Text that fits in so many pixels; letters of this size are seldom wider. */
function fitting(text, pixels, letter = 6.3) {
  const room = Math.max(0, Math.floor(pixels / letter));
  return text.length <= room ? text : room < 2 ? "" : `${text.slice(0, room - 1)}…`;
}
