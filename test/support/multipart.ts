/** Takes multipart/related answers apart, by the rules of RFC 2046 §5.1 and nothing of the product. */

export interface ReceivedPart {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** @throws Error when the boundaries are not in order */
export function partsOf(contentType: string, bytes: Buffer): ReceivedPart[] {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1];
  if (boundary === undefined) throw new Error(`no boundary in ${contentType}`);
  const parts: ReceivedPart[] = [];
  const delimiter = Buffer.from(`--${boundary}`);
  let at = bytes.indexOf(delimiter);
  for (;;) {
    const start = at + delimiter.length;
    if (at < 0) throw new Error('the closing boundary is missing');
    if (bytes.toString('latin1', start, start + 2) === '--') return parts;
    const head = bytes.indexOf('\r\n\r\n', start);
    const next = bytes.indexOf(`\r\n--${boundary}`, head);
    const lines = bytes.toString('latin1', start + 2, head).split('\r\n');
    const headers = lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]);
    parts.push({ headers: Object.fromEntries(headers), body: bytes.subarray(head + 4, next) });
    at = next + 2;
  }
}
