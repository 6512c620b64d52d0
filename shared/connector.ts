/** How undici connects with a client certificate that is replaced while it runs. */
import { buildConnector } from 'undici';
import { type ClientPair, systemAuthorities } from './client-pair.ts';

type Connector = ReturnType<typeof buildConnector>;

/** @param pair shown where a server asks for one; read for each connection */
export function connector({
  timeoutMs,
  pair,
}: {
  timeoutMs: number;
  pair: () => ClientPair | undefined;
}): Connector {
  let made: { readonly pair: ClientPair | undefined; readonly connect: Connector } | undefined;
  return (options, callback) => {
    const now = pair();
    if (made === undefined || made.pair !== now) {
      const shown = now === undefined ? {} : { ...now, ca: systemAuthorities() };
      made = { pair: now, connect: buildConnector({ timeout: timeoutMs, ...shown }) };
    }
    made.connect(options, callback);
  };
}
