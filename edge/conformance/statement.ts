/**
 * The DICOM conformance statement of an edge, in the structure of PS3.2, printed from the tables that the
 * code itself decides by: what is served, keys, statuses, negotiation, limits, configuration.
 */
import { CHARACTER_SETS } from '../../shared/dicom/character-set.ts';
import { VERSION } from '../../shared/version.ts';
import type { EdgeConfig } from '../config.ts';
import { associations, configuration, security } from './associations.ts';
import { heading, list } from './markdown.ts';
import { queryKeys, servicesProvided, servicesUsed, statuses } from './services.ts';

/** @returns Markdown */
export function conformanceStatement(config: EdgeConfig): string {
  const parts = [
    heading(1, 'DICOM conformance statement'),
    `CDIP edge ${VERSION}, as configured for trust ${config.trust}.`,
    heading(2, '1 Overview'),
    'An edge takes objects from modalities and PACS and keeps them bit by bit, answers queries for the studies of its own trust and, ' +
      'through the hub of the network, of all others, and moves them to its peers. What it acknowledges is durable: synced to the disk and indexed.',
    heading(2, '4 Networking'),
    heading(3, 'Implementation model'),
    list([
      'One application entity, one AE title, for everything that it provides and uses.',
      'A study of another trust is fetched when a C-MOVE or C-GET names it; pending responses are sent at least every two seconds until it is there.',
      'A query that could not be answered for every trust ends with a warning, and the Error Comment names those that are missing.',
      'The result of a commitment is told on the association on which it was asked while that is open, else on one of our own, tried again for seven days.',
    ]),
    ...servicesProvided(),
    ...servicesUsed(),
    ...queryKeys(),
    ...statuses(),
    ...associations(config),
    ...configuration(config),
    heading(2, '5 Media interchange'),
    'None.',
    heading(2, '7 Character sets'),
    `Read: the default repertoire and ${CHARACTER_SETS.join(', ')}, with code extensions. Answers are written in the set of the query where it can write them, else in ISO_IR 192. Text without a set, or in one that is not its own, is read as UTF-8 when it is that, else as Latin-1.`,
    ...security(config),
    heading(2, '9 Annexes'),
    'No private SOP classes or transfer syntaxes are defined. Objects that are filed for another trust carry Original Attributes (0400,0561) of what was changed.',
  ];
  return `${parts.join('\n\n')}\n`;
}
