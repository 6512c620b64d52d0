/**
 * An urgent study of another trust while no hub answers: ordered here, by a person who says who and why.
 *
 *   wish ─► no hub answers? ─► source in the cached directory, delegation in force ─► written down ─► own command
 *
 * From then on it is a fetch as any other. shared/contract/unaided.ts.
 */
import { type KeyObject, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { FetchCommand } from '../../shared/contract/commands.ts';
import type { Directory, TicketReply } from '../../shared/contract/rpc.ts';
import { keyOfSeed } from '../../shared/ed25519.ts';
import { GatewayError, type Retry } from '../../shared/errors.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { type EdgeConfig, natsSeedFile } from '../config.ts';
import { isRestricted } from '../index/restricted.ts';
import { TicketError } from '../transfer/ticket.ts';
import { UnaidedLog } from '../transfer/unaided-log.ts';
import { delegatedUntil, signUnaidedTicket } from '../transfer/unaided-ticket.ts';

export type UnaidedErrorCode =
  /** The configuration of this edge does not allow it. */
  | 'UNAIDED_OFF'
  /** A hub answers: it decides. */
  | 'HUB_ANSWERS'
  /** No edge of that trust is known here. */
  | 'SOURCE_UNKNOWN'
  /** The hub has given none, or has been away for longer than the last one lasts. */
  | 'DELEGATION_MISSING';

export class UnaidedError extends GatewayError {
  override readonly name = 'UnaidedError';
  readonly code: UnaidedErrorCode;
  readonly retry: Retry = 'never';

  constructor(code: UnaidedErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export interface UnaidedWish {
  readonly studyInstanceUID: string;
  /** The study's home, which it is read from. */
  readonly source: string;
  readonly by: string;
  readonly reason: string;
  /** The number here of the patient it is filed under; absent: matched, or held. */
  readonly patientId?: string | undefined;
}

export interface UnaidedParts {
  readonly trust: string;
  /** `transfer.withoutHub`. */
  readonly isAllowed: boolean;
  readonly directory: { current(): Directory | undefined };
  /** The edge's own key. */
  readonly key: () => KeyObject;
  readonly written: Pick<UnaidedLog, 'begun' | 'find'>;
  readonly isHubAnswering: () => Promise<boolean>;
  readonly take: (command: FetchCommand) => Promise<void>;
  readonly clock: Clock;
}

type Opening = Pick<UnaidedParts, 'directory' | 'isHubAnswering' | 'take' | 'clock'> & {
  readonly config: Pick<EdgeConfig, 'trust' | 'dataDirectory' | 'transfer'>;
  readonly db: Sqlite;
};

export function openUnaided({ config, db, ...parts }: Opening): {
  readonly written: UnaidedLog;
  /** Of this trust's studies, those that the hub would let go too. */
  readonly opens: Pick<UnaidedLog, 'opened'>;
  readonly fetches: UnaidedFetches;
} {
  const { trust, dataDirectory, transfer } = config;
  const written = new UnaidedLog(db, () => parts.clock.now());
  const key = (): KeyObject => keyOfSeed(readFileSync(natsSeedFile(dataDirectory)));
  const isAllowed = transfer.withoutHub;
  const fetches = new UnaidedFetches({ ...parts, trust, isAllowed, key, written });
  const opens: Pick<UnaidedLog, 'opened'> = {
    opened(ticket) {
      // A restricted record takes an emergency that is reviewed, and that is the hub's to open.
      if (isRestricted(db, ticket.study))
        throw new TicketError('TICKET_UNAIDED', 'the study is not read without the hub');
      written.opened(ticket);
    },
  };
  return { written, opens, fetches };
}

export class UnaidedFetches {
  readonly #parts: UnaidedParts;

  constructor(parts: UnaidedParts) {
    this.#parts = parts;
  }

  /** @returns when the fetch is durable, its id @throws UnaidedError */
  async begin({ studyInstanceUID, source, by, reason, patientId }: UnaidedWish): Promise<string> {
    const { isAllowed, isHubAnswering, written, take, clock } = this.#parts;
    if (!isAllowed)
      throw new UnaidedError('UNAIDED_OFF', 'transfer.withoutHub is off in edge.yaml');
    if (await isHubAnswering())
      throw new UnaidedError('HUB_ANSWERS', 'the hub answers: order the study there');
    const fetchId = `unaided-${randomUUID()}`;
    const fetched = {
      side: 'reader' as const,
      ...{ fetchId, other: source, studyInstanceUID, home: source, by, reason },
    };
    const { ticket, url } = await this.#ticketOf(fetched);
    written.begun(fetched);
    await take({
      ...{ v: 1, id: fetchId, at: rfc3339(clock.now()), kind: 'fetch', fetchId },
      ...{ studyInstanceUID, home: source, source: { trust: source, url }, ticket },
      ...{ priority: 'urgent', deliver: true, expected: { instances: 0, bytes: 0 } },
      ...(patientId === undefined ? {} : { localPatient: { patientId } }),
    });
    return fetchId;
  }

  /** A fresh ticket for one that was begun here; undefined: it was not, the hub has to give it. */
  async renew(fetchId: string): Promise<TicketReply | undefined> {
    const fetched = this.#parts.written.find(fetchId);
    if (fetched === undefined) return undefined;
    const { ticket, url } = await this.#ticketOf(fetched);
    return { ticket, source: { trust: fetched.other, url } };
  }

  /** @throws UnaidedError */
  async #ticketOf(fetched: NonNullable<ReturnType<UnaidedLog['find']>>) {
    const { trust, directory, key, clock } = this.#parts;
    const { other, studyInstanceUID: study, home, fetchId, by, reason } = fetched;
    const { trusts = [], delegation = '' } = directory.current() ?? {};
    const url = trusts.find(({ ods }) => ods === other && ods !== trust)?.httpUrl ?? null;
    if (url === null)
      throw new UnaidedError('SOURCE_UNKNOWN', `no edge of ${other} is in the directory here`);
    if (delegatedUntil(delegation) <= clock.now())
      throw new UnaidedError(
        'DELEGATION_MISSING',
        'the hub has not answered for too long: this edge may sign no tickets any more',
      );
    const claims = { aud: other, sub: trust, study, home, fetch: fetchId, by, reason };
    return { ticket: await signUnaidedTicket(claims, { delegation, key: key(), clock }), url };
  }
}
