/** Where an HTTP request comes from: this machine itself or somebody behind a proxy on it; our own page or another site's. */

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** What proxies say of whom they pass on; one of them is enough. */
const PASSED_ON = [
  ...['forwarded', 'via', 'x-real-ip', 'x-client-ip', 'true-client-ip'],
  ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-server'],
];

/** @param address of the connection's other end */
export function isOnThisMachine(address: string | undefined, headers: Headers): boolean {
  const isLoopback = /^(::ffff:)?127\.|^::1$/.test(address ?? '');
  return isLoopback && !PASSED_ON.some((name) => name in headers);
}

/**
 * Started by a page that is not ours. Browsers say so by Sec-Fetch-Site, older ones by Origin; our pages name no
 * referrer, so that one of another host is of another site.
 */
export function isOfAnotherSite(headers: Headers): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const from = headers['origin'] ?? headers['referer'];
  if (from === undefined) return false;
  const text = String(from);
  return !URL.canParse(text) || new URL(text).host !== headers['host'];
}
