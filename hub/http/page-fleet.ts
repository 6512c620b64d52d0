/** `/fleet`: one row a trust, the worst first, kept live; who reaches whom; and the runbooks. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { marked } from 'marked';
import type { HealthEvent } from '../../shared/contract/events.ts';
import type { FleetBoard } from './fleet-board.ts';
import type { Page } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';

const RUNBOOKS = join(import.meta.dirname, '..', '..', 'docs', 'runbooks');

export function fleetPages(parts: HttpParts, board: FleetBoard): Page[] {
  const shown = (): object => {
    const rows = board.worstFirst();
    const isBad = ({ alerts }: (typeof rows)[number]): boolean => alerts.page > 0;
    const isWarned = ({ alerts }: (typeof rows)[number]): boolean =>
      alerts.page === 0 && alerts.warn > 0;
    return {
      rows,
      bad: rows.filter(isBad).length,
      warned: rows.filter(isWarned).length,
      isWatching: parts.alerts.isWatching(),
    };
  };
  return [
    {
      method: 'GET',
      path: '/fleet',
      action: 'fleet',
      audit: null,
      run: ({ render }) =>
        render('fleet.njk', { ...shown(), title: 'Fleet', section: 'fleet', refreshSeconds: 15 }),
    },
    {
      method: 'GET',
      path: '/fleet/live',
      action: 'fleet',
      audit: null,
      run: ({ render }) => render('fleet-live.njk', shown()),
    },
    {
      method: 'GET',
      path: '/fleet-reach',
      action: 'fleet',
      audit: null,
      run: ({ render }) =>
        render('fleet-reach.njk', {
          ...reachOf(parts),
          ...{ title: 'Who reaches whom', section: 'fleet', refreshSeconds: 60 },
        }),
    },
    {
      method: 'GET',
      path: '/runbooks/:name',
      action: 'watch',
      audit: null,
      run: ({ render, request }) => {
        const { name } = request.params as { name: string };
        const html = marked.parse(runbook(name), { async: false });
        return render('runbook.njk', { html, title: 'Runbook', section: 'fleet' });
      },
    },
  ];
}

/** @throws HttpProblem `NOT_FOUND` */
function runbook(name: string): string {
  const missing = new HttpProblem('NOT_FOUND', 'There is no such runbook.');
  if (!/^[a-z0-9-]{1,60}$/.test(name)) throw missing;
  try {
    return readFileSync(join(RUNBOOKS, `${name}.md`), 'utf8');
  } catch {
    throw missing;
  }
}

/** Each edge's own word on every other; its word is old while it is silent. */
function reachOf({ fleet }: HttpParts): object {
  const entries = fleet.list().filter(({ httpUrl }) => httpUrl !== null);
  const rows = entries.map(({ trust, name, state }) => {
    const said = new Map(
      (fleet.health(trust)?.reach ?? ([] as NonNullable<HealthEvent['reach']>)).map((one) => [
        one.trust,
        one,
      ]),
    );
    return { trust, name, state, cells: entries.map((other) => said.get(other.trust) ?? null) };
  });
  return { trusts: entries.map(({ trust, name }) => ({ trust, name })), rows };
}
