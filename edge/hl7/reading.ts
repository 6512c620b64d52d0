/** What is needed to read a message beside the message: the site's names, its time zone, the source's habits. */
import type { ZonedClock } from '../../shared/time-zone.ts';
import type { EdgeConfig } from '../config.ts';
import type { Message, Segment } from './message.ts';
import { type Source, sourceOf } from './source.ts';
import { readTime } from './time.ts';

export interface Reading {
  /** The issuer of the trust's own patient numbers. */
  readonly namespace: string;
  readonly isLocal: (authority: string) => boolean;
  readonly zone: ZonedClock;
  readonly source: Source;
  /** RFC 3339: when the sender says that it was so; else when the message came. */
  readonly asOf: string;
}

export type SiteConfig = Pick<EdgeConfig, 'trust' | 'patientIds' | 'hl7'>;

/** @param receivedAt RFC 3339 */
export function readingFor(
  message: Message,
  config: SiteConfig,
  { zone, receivedAt }: { zone: ZonedClock; receivedAt: string },
): Reading {
  const { trust, patientIds, hl7 } = config;
  const names = new Set(
    ['', trust, patientIds.namespace, patientIds.oid ?? '', ...hl7.localAuthorities].map((name) =>
      name.toUpperCase(),
    ),
  );
  const evn = message.segments.find(({ name }) => name === 'EVN');
  const told = timeOf(evn, 2, zone) ?? timeOf(message.header, 7, zone);
  return {
    namespace: patientIds.namespace,
    isLocal: (authority) => names.has(authority.toUpperCase()),
    zone,
    source: sourceOf(message, hl7),
    // A sender whose clock runs ahead must not be right for ever.
    asOf: told !== undefined && told < receivedAt ? told : receivedAt,
  };
}

export function timeOf(
  segment: Segment | undefined,
  field: number,
  zone: ZonedClock,
  component = 1,
): string | undefined {
  const text = segment?.text(field, component) ?? '';
  return text === '' ? undefined : (readTime(text, zone) ?? undefined);
}
