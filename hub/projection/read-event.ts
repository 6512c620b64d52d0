/** What a message of a trust's stream is. Nothing here throws: what can't be read is told as that. */
import * as z from 'zod';
import { type OrderedEvent, OrderedEventSchema } from '../../shared/contract/events.ts';
import { decideOrder, type Position } from './order.ts';

const EnvelopeSchema = z.object({
  epoch: z.int().positive(),
  seq: z.int().positive(),
  at: z.iso.datetime(),
  trust: z.string(),
});
type Envelope = z.output<typeof EnvelopeSchema>;

export type ReadEvent =
  | { readonly kind: 'event'; readonly event: OrderedEvent }
  /** Not the next one; its body was not looked at. */
  | { readonly kind: 'passed-over'; readonly order: 'repeat' | 'gap' }
  /** Its place in the order can be read, its body not. */
  | { readonly kind: 'body-unreadable'; readonly envelope: Envelope; readonly fault: Unreadable }
  | { readonly kind: 'unreadable'; readonly fault: Unreadable };

export interface Unreadable {
  readonly code: 'NOT_JSON' | 'NO_ENVELOPE' | 'OTHER_TRUST' | 'BODY_REFUSED';
  /** Paths and rules, never a value. */
  readonly detail: string;
}

/** @param cursor how far the trust's events are applied */
export function readEvent(
  data: Uint8Array,
  { trust, cursor }: { trust: string; cursor: Position | null },
): ReadEvent {
  const raw = jsonOf(data);
  if (raw === undefined) return unreadable('NOT_JSON', 'the message is no JSON');
  const envelope = EnvelopeSchema.safeParse(raw);
  if (!envelope.success) return unreadable('NO_ENVELOPE', faultsOf(envelope.error));
  if (envelope.data.trust !== trust)
    return unreadable('OTHER_TRUST', 'the message names another trust than its subject');
  const order = decideOrder(cursor, envelope.data);
  if (order !== 'apply') return { kind: 'passed-over', order };
  const parsed = OrderedEventSchema.safeParse(raw);
  if (parsed.success) return { kind: 'event', event: parsed.data };
  const fault: Unreadable = { code: 'BODY_REFUSED', detail: faultsOf(parsed.error) };
  return { kind: 'body-unreadable', envelope: envelope.data, fault };
}

const unreadable = (code: Unreadable['code'], detail: string): ReadEvent => ({
  kind: 'unreadable',
  fault: { code, detail },
});

export function jsonOf(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString('utf8'));
  } catch {
    return undefined;
  }
}

function faultsOf({ issues }: z.ZodError): string {
  return issues
    .slice(0, 5)
    .map(({ path, code }) => `${path.join('.') || 'message'}: ${code}`)
    .join('; ')
    .slice(0, 500);
}
