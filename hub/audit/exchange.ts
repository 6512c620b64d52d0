/** Ends of the audit trails go over and come back: rpc `anchors`. shared/audit/anchors.ts. */
import {
  type Anchor,
  compareAnchors,
  keepAnchor,
  keptAnchors,
} from '../../shared/audit/anchors.ts';
import type { AuditTrail } from '../../shared/audit/trail.ts';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { type AnchorsReply, AnchorsRequestSchema } from '../../shared/contract/rpc.ts';
import type { Log } from '../../shared/log.ts';

export interface ExchangeParts {
  readonly audit: AuditTrail;
  readonly signAnchor: (anchor: { seq: number; digest: string }) => Promise<string>;
  readonly clock: Clock;
  readonly log: Log;
}

/** An edge tells the end of its trail, and what it keeps of ours; it is told the same of ours. */
export async function exchangeAnchors(
  { audit, signAnchor, clock, log }: ExchangeParts,
  ods: string,
  request: unknown,
): Promise<AnchorsReply> {
  const { own, kept } = AnchorsRequestSchema.parse(request);
  const differing = compareAnchors(audit, ods, kept);
  const [seq] = differing;
  if (seq !== undefined) log.error('audit.differs', { trust: ods, seq, rows: differing.length });
  const before = keptAnchors(audit, ods);
  if (own !== null && own.seq > 0 && own.at.slice(0, 10) !== before[0]?.at.slice(0, 10))
    keepAnchor(audit, ods, own);
  return { own: await endOf(audit, { signAnchor, clock }), kept: before };
}

async function endOf(
  audit: AuditTrail,
  { signAnchor, clock }: Pick<ExchangeParts, 'signAnchor' | 'clock'>,
): Promise<Anchor | null> {
  const { seq, digest } = audit.head();
  if (seq === 0) return null;
  const jws = await signAnchor({ seq, digest });
  return { seq, digest, at: rfc3339(clock.now()), jws };
}
