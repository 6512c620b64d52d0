/** What the edge tells of a node that is away, where its engineer looks: the page, the commands, the metrics. */
import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AiWorld } from '../support/ai-node.ts';
import { cdipDone } from '../support/cdip.ts';

const REASON = 'CONNECT_FAILED';

export interface EdgeLook {
  /** Where what waits, or why, is not told. */
  readonly missing: readonly string[];
  /** Jobs of routing that are not over. */
  readonly waiting: number;
  readonly memoryMB: number;
  readonly databaseBytes: number;
}

export async function lookAt({ edge, jobs }: AiWorld): Promise<EdgeLook> {
  const [page, metrics] = await Promise.all(
    [edge.url, `${edge.url}/metrics`].map(async (url) => (await fetch(url)).text()),
  );
  const queue = await cdipDone(['edge', 'queue', '--config', edge.configFile]);
  const open = (await jobs()).filter(({ to, why }) => to === 'nodules' && why.includes(REASON));
  const number = (name: string, label = ''): number =>
    Number(new RegExp(`^${name}\\{.*${label}.*\\} (\\S+)$`, 'm').exec(metrics ?? '')?.[1]);
  const told = {
    page: page?.includes(REASON),
    'cdip edge route': open.length > 0,
    'cdip edge queue': queue.includes(REASON),
    'peer works': number('cdip_delivery_peer_works', 'peer="node"') === 0,
    'waiting objects': number('cdip_delivery_waiting_objects', 'peer="node"') > 0,
  };
  const states = [...(metrics ?? '').matchAll(/^cdip_route_jobs\{.*\} (\d+)$/gm)];
  return {
    missing: Object.entries(told).flatMap(([where, isTold]) => (isTold ? [] : [where])),
    waiting: states.reduce((sum, [, jobs]) => sum + Number(jobs), 0),
    memoryMB: Math.round(number('process_resident_memory_bytes') / 1e6),
    databaseBytes: globSync('*.sqlite{,-wal}', { cwd: edge.dataDirectory })
      .map((file) => statSync(join(edge.dataDirectory, file)).size)
      .reduce((sum, bytes) => sum + bytes, 0),
  };
}
