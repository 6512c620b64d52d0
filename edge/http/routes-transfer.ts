/**
 * `/transfer/v1/…`: what another edge, or the hub, reads of a study with a ticket. edge/transfer.
 *
 *   request ─► ticket: study, home, series, once ─► (from the PACS first) ─► manifest │ stream of frames
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../../shared/clock.ts';
import { PRIORITIES } from '../../shared/contract/commands.ts';
import { ODSCode } from '../../shared/contract/subjects.ts';
import { PROOF_HEADER } from '../../shared/contract/ticket.ts';
import type { Log } from '../../shared/log.ts';
import type { Copies } from '../retention/copies.ts';
import type { LocalPacs } from '../scp/query/local-pacs.ts';
import { CodingChoices } from '../transfer/coding-choice.ts';
import type { DirectoryCache } from '../transfer/directory.ts';
import type { Line } from '../transfer/line.ts';
import { manifestOf, type ServedStudy } from '../transfer/manifest.ts';
import { FRAMES_MEDIA_TYPE, WantedSchema } from '../transfer/protocol.ts';
import { instanceFrames, noneServed, type ServeParts } from '../transfer/serve.ts';
import { openTicket } from '../transfer/ticket.ts';
import type { UnaidedLog } from '../transfer/unaided-log.ts';
import type { UsedTickets } from '../transfer/used-tickets.ts';
import { tellAsker } from './audited.ts';
import { bringFromPacs } from './from-pacs.ts';
import { HttpProblem } from './problem.ts';
import type { TransferCounters } from './transfer-counters.ts';

/** A list of 200,000 UIDs. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

export interface TransferParts extends ServeParts {
  readonly trust: string;
  readonly directory: Pick<DirectoryCache, 'current'>;
  readonly usedTickets: UsedTickets;
  /** Absent: nothing is read here without the hub. */
  readonly unaided?: Pick<UnaidedLog, 'opened'> | undefined;
  readonly clock: Clock;
  /** Where TLS asks for certificates: that it is the reader's. @throws TicketError */
  readonly certificateOf?: (request: FastifyRequest, reader: string) => void;
  readonly log: Log;
  readonly transferCounters: TransferCounters;
  readonly pacs: LocalPacs;
  readonly line: Pick<Line, 'admit'>;
  readonly copies: Pick<Copies, 'markUsed'>;
}

interface Opened extends ServedStudy {
  /** Who reads: the receiving trust. */
  readonly reader: string;
  /** `jti` of its ticket. */
  readonly ticket: string;
  /** 0 is the most urgent. */
  readonly priority: number;
}

export function serveTransfers(app: FastifyInstance, parts: TransferParts): void {
  const choices = new CodingChoices();
  app.get('/transfer/v1/studies/:uid/manifest', async (request) => {
    const study = await openStudy(request, parts);
    await bringFromPacs(parts, study);
    return manifestOf(parts, study) ?? notHeld();
  });
  app.post(
    '/transfer/v1/studies/:uid/instances',
    { bodyLimit: MAX_BODY_BYTES },
    async (request, reply) => {
      const study = await openStudy(request, parts);
      const wanted = WantedSchema.safeParse(request.body ?? {});
      if (!wanted.success)
        throw new HttpProblem('MALFORMED_REQUEST', 'sopInstanceUIDs: a list of UIDs is needed.');
      if (parts.index.studyState(study.studyInstanceUID, study.home) === undefined) notHeld();
      const { sopInstanceUIDs, codings } = wanted.data;
      const counts = noneServed();
      const admit = (bytes: number) => parts.line.admit('out', bytes, study.priority);
      parts.copies.markUsed(study);
      const frames = instanceFrames(parts, {
        ...{ study, wanted: sopInstanceUIDs, codings, admit, counts },
        choice: choices.of(study.reader),
      });
      const endServing = parts.transferCounters.startServing();
      const letGo = parts.usedTickets.hold(study.ticket);
      frames.once('close', () => {
        letGo();
        endServing(counts);
        const { studyInstanceUID, home, reader } = study;
        const { wireBytes, ...sent } = counts;
        parts.log.info('transfer.served', {
          ...{ studyInstanceUID, home, reader, ...sent },
          wireBytes: Object.values(wireBytes).reduce((sum, bytes) => sum + bytes, 0),
        });
      });
      return reply.type(FRAMES_MEDIA_TYPE).send(frames);
    },
  );
  app.delete('/transfer/v1/studies/:uid/ticket', async (request, reply) => {
    const { ticket } = await openStudy(request, parts);
    parts.usedTickets.end(ticket);
    return reply.status(204).send();
  });
}

async function openStudy(request: FastifyRequest, parts: TransferParts): Promise<Opened> {
  const { uid } = request.params as { uid: string };
  const home = ODSCode.safeParse((request.query as { home?: unknown }).home);
  if (!home.success) throw new HttpProblem('MALFORMED_REQUEST', 'home: an ODS code is needed.');
  const { trust, usedTickets: used, unaided, clock } = parts;
  const opened = await openTicket(
    { ...presentedBy(request), trust, studyInstanceUID: uid, home: home.data },
    { directory: parts.directory.current(), clock, used, unaided },
  );
  parts.certificateOf?.(request, opened.sub);
  tellAsker(request, { user: `edge of ${opened.sub}`, role: 'edge', trust: opened.sub });
  return {
    studyInstanceUID: uid,
    home: home.data,
    seriesInstanceUIDs: opened.series,
    reader: opened.sub,
    ticket: opened.jti,
    priority: PRIORITIES.indexOf(opened.priority ?? 'scheduled'),
  };
}

/** What a request shows of its ticket. */
export function presentedBy({ headers, method, url }: FastifyRequest) {
  const proof = headers[PROOF_HEADER];
  return {
    ...{ authorization: headers.authorization, method, url },
    proof: typeof proof === 'string' ? proof : undefined,
  };
}

function notHeld(): never {
  throw new HttpProblem('STUDY_NOT_FOUND', 'This trust does not hold the study.');
}
