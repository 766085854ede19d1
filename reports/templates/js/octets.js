// Octets: as hex and text side by side, and put together again from what the page keeps of a frame.

const fromHex = hex => Uint8Array.from({ length: hex.length / 2 }, (_, place) => Number.parseInt(hex.slice(2 * place, 2 * place + 2), 16));

const PER_LINE = 16;

/** A dump of octets; the first `head` of them and those from `tail` on are set apart. */
function hexDump(octets, { head = 0, tail = octets.length } = {}) {
  const dump = el("pre", { class: "hex" });
  for (let start = 0; start < octets.length; start += PER_LINE) {
    const line = [...octets.slice(start, start + PER_LINE)];
    const parts = { hex: [], text: [] };
    line.forEach((octet, place) => {
      const frame = start + place < head || start + place >= tail;
      push(parts.hex, frame, octet.toString(16).padStart(2, "0") + (place === 7 ? "  " : " "));
      push(parts.text, frame, octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : "·");
    });
    const missing = (PER_LINE - line.length) * 3 + (line.length <= 7 ? 1 : 0);
    dump.append(el("span", { class: "offset" }, start.toString(16).padStart(4, "0")), "  ", ...spans(parts.hex), " ".repeat(missing + 1), ...spans(parts.text), "\n");
  }
  return dump;
}

/** Neighbours of the same kind become one piece. */
function push(pieces, frame, text) {
  const last = pieces.at(-1);
  if (last?.frame === frame) last.text += text;
  else pieces.push({ frame, text });
}

const spans = pieces => pieces.map(({ frame, text }) => (frame ? el("span", { class: "around" }, text) : text));

/** A dump of bytes as the page has them, which says when it is cut. */
function bytesBlock(bytes) {
  const octets = fromHex(bytes.hex);
  const cut = bytes.of === undefined ? "" : el("p", { class: "note" }, `${octets.length} of ${bytes.of} bytes; the Trace has them all.`);
  return [octets.length > 0 ? hexDump(octets) : el("p", { class: "note" }, "no bytes"), cut];
}

const sizeOf = bytes => plural(bytes.of ?? bytes.hex.length / 2, "byte");

/** What a frame was on the wire. */
function wireBlock({ wire, payload }) {
  if (wire.among) {
    if (wire.among.length === 0) return [el("p", { class: "note" }, "It came in the same octets as a frame before it.")];
    return wire.among.flatMap(part => [el("p", { class: "note" }, `Octets of event ${part.seq}, which are more or less than this frame:`), ...bytesBlock(part.bytes)]);
  }
  const { head, tail, masked } = wire.around;
  const before = fromHex(head);
  const body = fromHex(payload.hex);
  const key = before.slice(-4);
  const sent = masked ? body.map((octet, place) => octet ^ key[place % 4]) : body;
  const octets = Uint8Array.of(...before, ...sent, ...(payload.of === undefined ? fromHex(tail) : []));
  const notes = masked ? "The payload is masked with the last four octets of the head." : "";
  const cut = payload.of === undefined ? "" : `The payload is cut at ${body.length} of ${payload.of} bytes.`;
  const remark = [notes, cut].filter(Boolean).join(" ");
  return [hexDump(octets, { head: before.length, tail: before.length + body.length }), remark ? el("p", { class: "note" }, remark) : ""];
}
