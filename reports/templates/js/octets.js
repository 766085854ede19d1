// Octets: as hex and text side by side, and put together again from what the page keeps of a frame.

const fromHex = hex => Uint8Array.from({ length: hex.length / 2 }, (_, place) => Number.parseInt(hex.slice(2 * place, 2 * place + 2), 16));

const PER_LINE = 16;

/** Which of so many octets stand for a secret, from ranges of start and length. */
function flags(size, ranges = []) {
  const flagged = new Uint8Array(size);
  for (const [start, length] of ranges) flagged.fill(1, start, start + length);
  return flagged;
}

/** A dump of octets; the first `head` of them and those from `tail` on are set apart, and those that stand for a secret are not shown. */
function hexDump(octets, { head = 0, tail = octets.length, masked = flags(octets.length) } = {}) {
  const dump = el("pre", { class: "hex" });
  for (let start = 0; start < octets.length; start += PER_LINE) {
    const line = [...octets.slice(start, start + PER_LINE)];
    const parts = { hex: [], text: [] };
    line.forEach((octet, place) => {
      const at = start + place;
      const kind = masked[at] ? "masked" : at < head || at >= tail ? "around" : "";
      push(parts.hex, kind, masked[at] ? "**" : octet.toString(16).padStart(2, "0"));
      push(parts.hex, kind, place === 7 ? "  " : " ");
      push(parts.text, kind, masked[at] ? "*" : octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : "·");
    });
    const missing = (PER_LINE - line.length) * 3 + (line.length <= 7 ? 1 : 0);
    dump.append(el("span", { class: "offset" }, start.toString(16).padStart(4, "0")), "  ", ...spans(parts.hex), " ".repeat(missing + 1), ...spans(parts.text), "\n");
  }
  return dump;
}

/** Neighbours of the same kind become one piece. */
function push(pieces, kind, text) {
  const last = pieces.at(-1);
  if (last?.kind === kind) last.text += text;
  else pieces.push({ kind, text });
}

const spans = pieces => pieces.map(({ kind, text }) => (kind ? el("span", { class: kind }, text) : text));

const note = text => el("p", { class: "note" }, text);

function maskNote(masked) {
  const count = masked.reduce((sum, flag) => sum + flag, 0);
  return count > 0 ? note(`${plural(count, "byte is", "bytes are")} masked: a secret is in ${count === 1 ? "it" : "them"}.`) : "";
}

/** A dump of bytes as the page has them, which says when it is cut. */
function bytesBlock(bytes) {
  const octets = fromHex(bytes?.hex ?? "");
  const masked = flags(octets.length, bytes?.masked);
  const cut = bytes?.of === undefined ? "" : note(`${octets.length} of ${bytes.of} bytes; the Trace has them all.`);
  return [octets.length > 0 ? hexDump(octets, { masked }) : note(cut ? "None of its bytes are here." : "no bytes"), maskNote(masked), cut];
}

/** The octets of one event, unless they are kept back. */
const partBlock = part => (part.hidden ? [note("Its octets are left out: a secret may be in them.")] : bytesBlock(part.bytes));

const sizeOf = bytes => plural(bytes?.of ?? (bytes?.hex ?? "").length / 2, "byte");

/** What a frame with this payload was on the wire. */
function wireBlock(wire, payload) {
  if (wire?.among?.length > 0) return wire.among.flatMap(part => [note(`Octets of event ${part.seq}, which are more or less than this frame:`), ...partBlock(part)]);
  if (wire?.around) return aroundBlock(wire.around, payload);
  return [note(wire === "before" || wire?.among ? "It came in the octets of a frame before it." : "The Trace has no octets of it.")];
}

/** Head, payload and tail put together again, as far as the page has them. */
function aroundBlock({ head, tail, masked = false }, payload) {
  const before = fromHex(head.hex);
  const whole = head.of === undefined;
  const body = whole ? fromHex(payload?.hex ?? "") : new Uint8Array();
  const key = before.slice(-4);
  const sent = masked ? body.map((octet, place) => octet ^ key[place % 4]) : body;
  const ends = whole && payload?.of === undefined;
  const behind = ends ? fromHex(tail.hex) : new Uint8Array();
  const secret = Uint8Array.of(...flags(before.length, head.masked), ...flags(body.length, payload?.masked), ...flags(behind.length, tail.masked));
  const notes = [
    masked && whole ? "The payload is masked with the last four octets of the head." : "",
    whole ? "" : `${before.length} of ${head.of} bytes before the payload are here; the Trace has them all.`,
    whole && !ends ? `The payload is cut at ${body.length} of ${payload.of} bytes.` : "",
  ].filter(Boolean).join(" ");
  const octets = Uint8Array.of(...before, ...sent, ...behind);
  return [hexDump(octets, { head: before.length, tail: before.length + body.length, masked: secret }), maskNote(secret), notes ? note(notes) : ""];
}
