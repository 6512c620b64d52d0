/** SIGKILL of the nats-server that a hub started: it names the hub's directory on its command line. */
import { readdirSync, readFileSync } from 'node:fs';

export function killNatsServer(dataDirectory: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      if (line.includes('nats-server') && line.includes(dataDirectory))
        process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended in between.
    }
  }
}
