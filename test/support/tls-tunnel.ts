/** Carries plain connections over TLS, for tools that have none of their own (movescu, getscu, termscu of DCMTK). */
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { connect } from 'node:tls';
import type { Certificate } from './certificates.ts';

export interface Tunnel {
  readonly port: number;
  stop(): Promise<void>;
}

export async function startTlsTunnel(
  toPort: number,
  { keyFile, certificateFile, caFile }: Certificate & { readonly caFile: string },
): Promise<Tunnel> {
  const options = {
    key: readFileSync(keyFile),
    cert: readFileSync(certificateFile),
    ca: readFileSync(caFile),
  };
  const server = createServer({ noDelay: true }, (plain) => {
    const secure = connect({ host: '127.0.0.1', port: toPort, ...options });
    secure.setNoDelay(true);
    for (const [one, other] of [
      [plain, secure],
      [secure, plain],
    ] as const) {
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, stop: () => new Promise((resolve) => server.close(() => resolve())) };
}
