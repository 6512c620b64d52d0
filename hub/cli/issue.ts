/**
 * What lets somebody in: a token, a key, a link. Each stands in the audit trail before it counts; the hub may run
 * meanwhile.
 */
import { userInfo } from 'node:os';
import { AuditTrail } from '../../shared/audit/trail.ts';
import { systemClock } from '../../shared/clock.ts';
import { Access, openAccessDatabase } from '../access/access.ts';
import type { Machine } from '../access/machines.ts';
import type { Role } from '../access/rules.ts';
import type { HubConfig } from '../config.ts';

type Where = Pick<HubConfig, 'dataDirectory'>;

export interface Invited {
  readonly name: string;
  readonly role: Role;
  readonly trust: string | null;
}

/** A one-time enrolment token for a trust's edge; `ttl` as it was asked for. */
export function issueToken(
  where: Where,
  { trust, ttl, ttlMs }: { trust: string; ttl: string; ttlMs: number },
): string {
  record(where, { what: 'cdip hub token', query: { trust, ttl } });
  return withAccess(where, (access) => access.addEnrolmentToken(trust, ttlMs));
}

/** A person's account, and the secret of a link that signs in once. */
export function issueLink(where: Where, account: Invited): string {
  record(where, { what: 'cdip hub user add', query: { ...account } });
  return withAccess(where, (access) => access.invite(account));
}

export function issueKey(where: Where, machine: Machine): string {
  record(where, { what: 'cdip hub key', query: { ...machine } });
  return withAccess(where, (access) => access.machines.addKey(machine));
}

export function withAccess<T>({ dataDirectory }: Where, work: (access: Access) => T): T {
  const db = openAccessDatabase(dataDirectory);
  try {
    return work(new Access(db, systemClock));
  } finally {
    db.close();
  }
}

/** Whoever may run commands here is named as the system knows him. */
export function record(
  { dataDirectory }: Where,
  {
    what,
    query,
    action = 'C',
  }: { what: string; query: Record<string, unknown>; action?: 'C' | 'D' },
): void {
  const trail = new AuditTrail(dataDirectory, systemClock);
  const { trust } = query;
  try {
    trail.append({
      ...{ event: 'account', action, outcome: 0, code: null, what, query },
      ...{ user: userInfo().username, role: 'system', trust: null, address: null, purpose: null },
      ...{ patients: [], studies: [], homes: typeof trust === 'string' ? [trust] : [] },
    });
  } finally {
    trail.close();
  }
}
