/**
 * What becomes of an attribute: PS3.15 table E.1-1, read with the options that were asked for.
 *
 *   tag, VR, SOP class, depth ─► row ─► option ─► combination, by its type ─► action
 *
 * What the table does not know is decided against: dates, names, references and free text that it does not
 * list are treated like those that it does, an attribute that PS3.6 does not know goes.
 */
import { isKnownTag, vrOfTag } from '../../shared/dicom/dictionary.ts';
import type { ProfileOption } from './options.ts';
import { PROFILE_ROWS } from './profile.generated.ts';
import { requirementOf } from './required-attributes.ts';
import { isPrivate } from './safe-private.ts';

export type Action =
  /** K: stays; what is in it is looked at. */
  | 'keep'
  /** X. */
  | 'remove'
  /** Z. */
  | 'empty'
  /** D. */
  | 'dummy'
  /** U. */
  | 'new-uid'
  /** C of the option with modified dates. */
  | 'shift-date'
  /** C of the options for text, graphics, structured content; and free text that the table does not list. */
  | 'clean'
  /** C of private elements. */
  | 'keep-if-safe';

interface Row {
  readonly basic: string;
  readonly options: ReadonlyMap<string, string>;
}

const ROWS: ReadonlyMap<string, Row> = new Map(
  PROFILE_ROWS.trim()
    .split('\n')
    .map((line) => {
      const [tag = '', basic = '', ...options] = line.split(' ');
      const changes = options.map((each) => each.split(':') as [string, string]);
      return [tag, { basic, options: new Map(changes) }];
    }),
);

/** The tags that the table names one by one. */
export const PROFILE_TAGS: readonly string[] = [...ROWS.keys()];

/** Registered once, not made for an object: of SOP classes, coding schemes, context groups, mapping resources. */
const REGISTERED_UIDS = new Set([
  ...[0x0008_0016, 0x0008_001a, 0x0008_0062, 0x0008_1150, 0x0008_115a],
  ...[0x0008_010c, 0x0008_0117, 0x0008_0118, 0x0008_3002],
]);

/** Free text by its VR, but that of code systems. PS3.3 §8. */
const CODING_TEXT = new Set([
  ...[0x0008_0108, 0x0008_0114, 0x0008_0115, 0x0008_0116, 0x0008_0119],
  ...[0x0008_010e, 0x0008_0120],
]);

/** What somebody wrote, of VR LO or SH: comments, descriptions, labels. */
const COMMENTS = new Set([
  // Frame of Interest Description, Content Description, Graphic Layer Description, Graphic Group Label
  ...[0x0028_6022, 0x0070_0081, 0x0070_0068, 0x0070_0207],
  // Data Set Description, Instruction Text, Worklist Label, Procedure Step Label, Assessment Label
  ...[0x0024_0309, 0x0018_9916, 0x0074_1202, 0x0074_1204, 0x0082_0023],
  // Hanging Protocol Creator, and of which users; Film Session Label; Component Welder IDs
  ...[0x0072_0008, 0x0072_0010, 0x2000_0050, 0x0014_0100],
  ...[0x0028_7007, 0x0028_702a, 0x3004_0006, 0x3006_00c8, 0x0040_a492, 0x0044_0011],
]);

/** Identities that the table does not list: in no object would they be missed. */
const UNLISTED_IDENTITIES = new Set([
  // Length to End: wrong as soon as anything changes
  0x0008_0001,
  // Birth and death date in another calendar; Breed Registration Number
  ...[0x0010_0033, 0x0010_0034, 0x0010_0035, 0x0010_2295],
  // retired order numbers
  ...[0x0040_1006, 0x0040_1007, 0x0040_2006, 0x0040_2007],
  // Requested Procedure Description (Trial), NTP Source Address, Contact Display Name, Owner ID
  ...[0x0040_1060, 0x0018_1803, 0x0074_100c, 0x2100_0160],
  // Storage Media File-set ID, which people name after patients; Print Job ID; identifiers of a retired report
  ...[0x0088_0130, 0x2100_0010, 0x0040_a074, 0x0040_a089],
  // Of security screening: itinerary, route, carrier, boarding pass, location
  ...[0x4010_1051, 0x4010_1052, 0x4010_1054, 0x4010_1007, 0x4010_1058, 0x4010_101a, 0x4010_102a],
  // Encrypted Attributes Sequence: what an earlier de-identification hid
  0x0400_0500,
]);

export interface AttributePlace {
  readonly tag: number;
  /** As encoded. */
  readonly vr: string;
  /** Sequences around it. */
  readonly depth: number;
}

export class Profile {
  readonly #columns: readonly string[];
  readonly #sopClassUID: string;

  constructor(options: readonly ProfileOption[], sopClassUID: string) {
    this.#columns = options.flatMap(({ column }) => column ?? []);
    this.#sopClassUID = sopClassUID;
  }

  actionFor(place: AttributePlace): Action {
    // Of an overlay nothing is kept: what was drawn can't be told from what was written.
    if (place.tag >>> 24 === 0x60 && !isPrivate(place.tag)) return 'remove';
    const row = ROWS.get(rowKeyOf(place.tag));
    if (row === undefined) return this.#unlisted(place);
    for (const column of this.#columns) {
      const changed = row.options.get(column);
      if (changed !== undefined) return changed === 'K' ? 'keep' : cleanedBy(column);
    }
    return this.#basic(row.basic, place);
  }

  /** @param code X, Z, D, U, or a combination of them */
  #basic(code: string, { tag, depth }: AttributePlace): Action {
    const choices = code.split('/');
    if (choices.length === 1) return ACTIONS[code] ?? 'remove';
    const requirement = requirementOf(tag, this.#sopClassUID, depth);
    if (requirement === 'none' && choices.includes('X')) return 'remove';
    if (requirement === 'empty' && choices.includes('Z')) return 'empty';
    return ACTIONS[choices.at(-1) ?? 'X'] ?? 'remove';
  }

  #unlisted({ tag, vr }: AttributePlace): Action {
    if (!isKnownTag(tag) || UNLISTED_IDENTITIES.has(tag)) return 'remove';
    if (COMMENTS.has(tag)) return 'clean';
    const ownVr = vrOfTag(tag);
    for (const each of ownVr === vr ? [vr] : [ownVr, vr]) {
      const action = this.#byVr(tag, each);
      if (action !== 'keep') return action;
    }
    return 'keep';
  }

  #byVr(tag: number, vr: string): Action {
    switch (vr) {
      case 'DA':
      case 'DT':
      case 'TM':
        if (this.#columns.includes('full-dates')) return 'keep';
        return this.#columns.includes('modified-dates') ? 'shift-date' : 'dummy';
      case 'PN':
        return 'dummy';
      case 'UI':
        return REGISTERED_UIDS.has(tag) || this.#columns.includes('uids') ? 'keep' : 'new-uid';
      case 'LT':
      case 'ST':
      case 'UC':
      case 'UT':
        return CODING_TEXT.has(tag) ? 'keep' : 'clean';
      case 'UR':
        return CODING_TEXT.has(tag) ? 'keep' : 'dummy';
      default:
        return 'keep';
    }
  }
}

const ACTIONS: Readonly<Record<string, Action>> = {
  ...{ X: 'remove', Z: 'empty', D: 'dummy', U: 'new-uid' },
  // Sequences that refer to other objects: the UIDs in them are replaced.
  'U*': 'keep',
};

function cleanedBy(column: string): Action {
  if (column === 'modified-dates') return 'shift-date';
  return column === 'safe-private' ? 'keep-if-safe' : 'clean';
}

/** Group 50xx stands in the table once, and so do all private elements but those it names. */
function rowKeyOf(tag: number): string {
  const key = tag.toString(16).padStart(8, '0');
  if (ROWS.has(key)) return key;
  if (isPrivate(tag)) return 'private';
  return tag >>> 24 === 0x50 ? '50xxxxxx' : key;
}
