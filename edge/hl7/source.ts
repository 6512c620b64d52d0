/**
 * Where a source of messages puts what: sources differ in where they write the accession number and in
 * what an addendum is. The first source of the configuration that fits a message's MSH-3 and MSH-4.
 */
import type { EdgeConfig } from '../config.ts';
import type { Message, Segment } from './message.ts';

export type Hl7Config = EdgeConfig['hl7'];

/** A place in a message, such as `ORC-3.1`. */
export interface FieldPath {
  readonly segment: string;
  readonly field: number;
  readonly component: number;
}

export interface Source {
  readonly accession: readonly FieldPath[];
  readonly addenda: 'replace' | 'append';
  /** What an NHS number's status is when the message does not say. */
  readonly nhsNumberStatus: string | undefined;
  readonly acknowledgement: 'auto' | 'original';
  readonly onFault: 'accept' | 'refuse';
}

export function sourceOf(message: Message, hl7: Hl7Config): Source {
  const application = message.header.text(3);
  const facility = message.header.text(4);
  const found = hl7.sources.find(
    ({ sendingApplication, sendingFacility }) =>
      (sendingApplication === undefined || sendingApplication === application) &&
      (sendingFacility === undefined || sendingFacility === facility),
  );
  const { accession = hl7.accession, addenda = 'replace', nhsNumberStatus } = found ?? {};
  const { acknowledgement = 'auto', onFault = hl7.onFault } = found ?? {};
  return {
    ...{ addenda, nhsNumberStatus, acknowledgement, onFault },
    accession: accession.map(fieldPath),
  };
}

function fieldPath(text: string): FieldPath {
  const [segment = '', rest = ''] = text.split('-');
  const [field, component = '1'] = rest.split('.');
  return { segment, field: Number(field), component: Number(component) };
}

/** The first of the places that holds something, in the segments of one order. */
export function firstValue(
  segments: readonly Segment[],
  paths: readonly FieldPath[],
): string | undefined {
  for (const { segment: name, field, component } of paths) {
    const text = segments.find((segment) => segment.name === name)?.text(field, component);
    if (text !== undefined && text !== '') return text;
  }
  return undefined;
}
